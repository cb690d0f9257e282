"""Outputs of a submission that a browser and a terminal can show without danger."""

import base64
import binascii
from collections.abc import Sequence
from typing import Any, Final

from nbformat import NotebookNode, v4

from grader.harmless_text import harmless_text

__all__ = ["execution_count", "harmless_outputs"]

# HTML, SVG, JavaScript, LaTeX and Markdown could all hold a script or call for a remote picture.
_PICTURES: Final = ("image/png", "image/jpeg")


def harmless_outputs(outputs: Sequence[NotebookNode]) -> list[NotebookNode]:
    """Reduce a cell's outputs to plain text and pictures.

    Text loses terminal escapes and control characters, those that turn its direction included.
    Of what can be shown in several forms, plain text, PNG and JPEG stay. Metadata go.

    Parameters
    ----------
    outputs
        As a kernel sent them.

    Returns
    -------
    list of NotebookNode
        New outputs, in the same order.
    """
    return [made for output in outputs if (made := _harmless(output)) is not None]


def execution_count(value: Any) -> int | None:
    """Return a cell's number as the kernel told it, if it is one."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _harmless(output: NotebookNode) -> NotebookNode | None:
    kind = output.get("output_type")
    if kind == "stream":
        name = "stderr" if output.get("name") == "stderr" else "stdout"
        return _output("stream", name=name, text=_plain(output.get("text", "")))
    if kind == "error":
        return _output(
            "error",
            ename=_plain(output.get("ename", "")),
            evalue=_plain(output.get("evalue", "")),
            traceback=[_plain(line) for line in _lines(output.get("traceback"))],
        )
    if kind in ("display_data", "execute_result"):
        data = _bundle(output.get("data", {}))
        if data and kind == "execute_result":
            count = execution_count(output.get("execution_count"))
            return _output(kind, data=data, execution_count=count)
        if data:
            return _output(kind, data=data)
    return None


def _lines(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _output(kind: str, **content: Any) -> NotebookNode:
    made: NotebookNode = v4.new_output(kind, **content)
    return made


def _plain(text: Any) -> str:
    joined = "".join(map(str, text)) if isinstance(text, list) else str(text)
    return harmless_text(joined)


def _bundle(data: Any) -> dict[str, str]:
    kept: dict[str, str] = {}
    if not isinstance(data, dict):
        return kept
    if "text/plain" in data:
        kept["text/plain"] = _plain(data["text/plain"])
    for kind in _PICTURES:
        # Pages put it between quotation marks: nothing but base64 may stand there.
        try:
            kept[kind] = base64.b64encode(_decoded(data[kind])).decode("ascii")
        except (KeyError, TypeError, ValueError, binascii.Error):
            continue
    return kept


def _decoded(text: Any) -> bytes:
    joined = "".join(text if isinstance(text, list) else [text])
    return base64.b64decode("".join(joined.split()), validate=True)
