"""What a submission shows reaches the instructor as plain text and pictures only."""

import base64
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from grader.gradebook.book import load_config
from grader.notebooks.outputs import harmless_outputs
from grader.notebooks.text import harmless_line

SCRIPT = "<script>document.title = 'pwned'</script>"


def _png() -> str:
    stream = io.BytesIO()
    Image.new("RGB", (2, 2), "red").save(stream, "png")
    return base64.encodebytes(stream.getvalue()).decode()


def _shown(**data: Any) -> Any:
    (output,) = harmless_outputs([new_output("display_data", data=data["data"])]) or [None]
    return output


def test_text_and_pictures_stay() -> None:
    """Printed text, errors, results and pictures look as before."""
    outputs = [
        new_output("stream", name="stdout", text="épsilon ≤ 1\n\tindented\n"),
        new_output("stream", name="stderr", text="warning\n"),
        new_output("error", ename="ValueError", evalue="no <b>", traceback=["line 1", "line 2"]),
        new_output("execute_result", data={"text/plain": "42"}, execution_count=3),
        new_output("display_data", data={"image/png": _png(), "text/plain": "<Figure>"}),
    ]
    found = harmless_outputs(outputs)
    assert found[:4] == outputs[:4]
    assert base64.b64decode(found[4].data["image/png"]) == base64.b64decode(_png())
    assert found[4].data["text/plain"] == "<Figure>"


@pytest.mark.parametrize(
    "kind",
    ["text/html", "application/javascript", "image/svg+xml", "text/latex", "text/markdown",
     "application/vnd.jupyter.widget-view+json", "application/pdf", "x/y"],
)  # fmt: skip
def test_what_could_run_goes(kind: str) -> None:
    """Other forms are left out; what is nothing else is not shown at all."""
    assert _shown(data={kind: SCRIPT}) is None
    assert _shown(data={kind: SCRIPT, "text/plain": "plain"}).data == {"text/plain": "plain"}


@pytest.mark.parametrize(
    "data", ['"><script>alert(1)</script>', "data:text/html,x", "é", 7, {"a": 1}, None, ["x", 1]]
)
def test_pictures_are_base64(data: Any) -> None:
    """What stands between the quotation marks of a picture is base64 and nothing else."""
    output = new_output("display_data", data={"text/plain": "x"})
    output.data["image/png"] = data
    (found,) = harmless_outputs([output])
    assert dict(found.data) == {"text/plain": "x"}


def test_metadata_go() -> None:
    """Metadata, which become attributes of the page, are left out."""
    output = new_output(
        "display_data",
        data={"image/png": _png()},
        metadata={"image/png": {"width": '1" onload="'}},
    )
    assert not harmless_outputs([output])[0].metadata


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://x\x1b\\link", "link"),
        ("\x1b[2J\x1b[Hclean", "clean"),
        ("a\x00b\x7fc\x9bd", "abcd"),
        ("\u202edetrevni", "detrevni"),
        ("50 %\r100 %", "50 %100 %"),
    ],
)
def test_terminal_escapes_go(text: str, expected: str) -> None:
    """Colours, titles, links, cursor movements and reversed text are no part of an output."""
    (found,) = harmless_outputs([new_output("stream", name="stdout", text=text)])
    assert found.text == expected


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_no_text_controls_a_terminal(text: str) -> None:
    """Whatever was printed, no control character but line breaks and tabs is left."""
    (found,) = harmless_outputs([new_output("stream", name="stdout", text=text)])
    assert all(c in "\n\t" or (ord(c) >= 32 and not 127 <= ord(c) < 160) for c in found.text)


def test_feedback_page_runs_nothing(tmp_path: Path) -> None:
    """Pages made with the course's configuration hold no script of a student's text or output."""
    hostile = f"**bold** {SCRIPT} <img src=x onerror=alert(1)> [x](javascript:alert(1))"
    code = new_code_cell("x = 1")
    code.outputs = harmless_outputs(
        [
            new_output("display_data", data={"text/html": SCRIPT, "text/plain": SCRIPT}),
            new_output("stream", name="stdout", text=SCRIPT),
            new_output("error", ename=SCRIPT, evalue=SCRIPT, traceback=[SCRIPT]),
        ]
    )
    notebook = new_notebook(cells=[new_markdown_cell(hostile), code])
    page, _ = HTMLExporter(config=load_config(tmp_path)).from_notebook_node(notebook)
    assert "<strong>bold</strong>" in page
    assert "document.title" in page  # as text
    assert SCRIPT not in page
    assert "onerror=alert(1)>" not in page.replace("&gt;", "")
    assert 'href="javascript' not in page


@given(text=st.text(st.characters(exclude_categories=())), most=st.integers(1, 50))
def test_a_line_is_one_line(text: str, most: int) -> None:
    """Messages are short, one line, and can be written to any file."""
    line = harmless_line(text, most)
    assert len(line) <= most
    assert len(line.splitlines()) <= 1
    line.encode()
