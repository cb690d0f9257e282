"""What students write reaches pages as text, formulas and pictures; nothing else of it does."""

import base64
import io
import re
from html.parser import HTMLParser
from typing import Any

import nbformat
import pytest
from graded_pages import CNN
from hypothesis import given, settings
from hypothesis import strategies as st
from page_attacks import attachments, hostile_markdown, hostile_outputs, png
from PIL import Image

from grader.gradebook.pages.formulas import formula
from grader.gradebook.pages.harmless_page import HarmlessPage
from grader.gradebook.pages.markdown import markdown_to_html
from grader.gradebook.preprocessors.feedback_grades import task_names
from grader.notebooks.pictures import genuine_picture, harmless_attachments
from grader.notebooks.restore import restore

URL = "http://127.0.0.1:9"
PIECES = [
    *hostile_markdown(URL), "<", ">", '"', "'", "`", "$", "$$", "\n\n", "<!--", "-->", "</", "<a ",
    "&lt;", "&#60;", "](", "![", "|", "\\", "<math>", "<svg>", "<style>", "</style>", "\ue000",
]  # fmt: skip
TAGS = {
    "a", "b", "blockquote", "br", "code", "dd", "del", "details", "div", "dl", "dt", "em", "h1",
    "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "kbd", "li", "mark", "ol", "p", "pre",
    "q", "s", "samp", "small", "span", "strong", "sub", "summary", "sup", "table", "tbody", "td",
    "tfoot", "th", "thead", "tr", "u", "ul", "var",
    "math", "menclose", "mfrac", "mi", "mn", "mo", "mover", "mpadded", "mphantom", "mroot",
    "mrow", "mspace", "msqrt", "mstyle", "msub", "msubsup", "msup", "mtable", "mtd", "mtext",
    "mtr", "munder", "munderover",
}  # fmt: skip
ATTRIBUTES = {
    "href": r"https?://[^\\]+", "target": "_blank", "rel": "noopener noreferrer nofollow",
    "src": "data:image/(png|jpeg);base64,[A-Za-z0-9+/=]+", "alt": "(?s:.*)", "colspan": r"\d+",
    "rowspan": r"\d+", "start": r"\d+", "style": "text-align:(left|right|center)",
    "class": "munder-brace|mover-brace", "display": "inline|block", "scriptlevel": r"[+-]?\d",
    **dict.fromkeys(("columnalign", "rowalign", "columnlines", "rowlines"), "[a-z ]+"),
    **dict.fromkeys(("form", "mathcolor", "mathvariant"), "[a-z-]+"),
    **dict.fromkeys(
        ("accent", "accentunder", "displaystyle", "fence", "largeop", "movablelimits", "stretchy"),
        "true|false",
    ),
    **dict.fromkeys(
        ("width", "height", "depth", "lspace", "rspace", "minsize", "maxsize", "linethickness"),
        r"-?0?\.\d+em|\d?(\.\d+)?em|0",
    ),
}  # fmt: skip


class Strict(HTMLParser):
    """Fails on whatever a page may not hold."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Check an element's name and attributes."""
        assert tag in TAGS
        for name, value in attrs:
            assert re.fullmatch(ATTRIBUTES.get(name, "(?!)"), value or ""), (name, value)
        if tag not in ("br", "hr", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Check that the last element is closed first."""
        assert self.open.pop() == tag

    def handle_comment(self, data: str) -> None:
        """Refuse what is neither an element nor text."""
        raise AssertionError(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


def shown(source: str, attached: Any = None) -> str:
    """Return a text cell as a page shows it, after a look at every element in it."""
    html: str = markdown_to_html({"cell": {"attachments": attached or {}}}, source)
    strict = Strict()
    strict.feed(html)
    strict.close()
    assert not strict.open
    return html


@pytest.mark.parametrize("source", hostile_markdown(URL))
def test_attacks_become_text(source: str) -> None:
    """Only elements of the list come out, closed, without names, classes, styles and events."""
    shown(source, attachments(URL))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=6).map("".join))
def test_no_mixture_of_attacks_gets_through(source: str) -> None:
    """What breaks out of one construct and into another is no better off."""
    shown(source, attachments(URL))


def test_answers_stay_readable() -> None:
    """Emphasis, lists, tables, code, links, formulas and simple HTML look as they were meant."""
    html = shown(
        "## Why\n\n**Bold**, *slanted*, `x < 3`, H<sub>2</sub>O<br>~~no~~\n\n- one\n- [x] two\n\n"
        "| a | b |\n|:-:|---|\n| 1 | $x^2$ |\n\n```python\nif a < b:\n    pass\n```\n\n"
        '[paper](https://example.org/a?b=1&c=2) "quotes" 5 < 6 & 7\n\n$$\n\\frac{1}{2}\n$$\n'
    )
    for part in (
        "<h2>Why</h2>", "<strong>Bold</strong>", "<em>slanted</em>", "<code>x &lt; 3</code>",
        "H<sub>2</sub>O<br>", "<del>no</del>", "<li>one</li>", "☑ two", "<msup>", "<mfrac>",
        "if a &lt; b:\n    pass", 'href="https://example.org/a?b=1&amp;c=2"', "5 &lt; 6 &amp; 7",
        '"quotes"', '<td style="text-align:center">1</td>',
    ):  # fmt: skip
        assert part in html


def test_long_text_is_shown_as_it_is() -> None:
    """Parsing takes longer than twice as long for twice the text, so it has a limit."""
    assert shown("*x* " * 9000).startswith("<pre>*x* *x*")


@pytest.mark.parametrize(
    "source",
    ["![pasted](<attachment:a b.png>)", "![pasted](attachment:a%20b.png)",
     f"![pasted](data:image/png;base64,{png()})",
     f"<img alt='pasted' width=9 src='data:image/png;base64,{png()}'>"],
)  # fmt: skip
def test_pasted_pictures_are_shown(source: str) -> None:
    """As Jupyter, VS Code and Colab write them into a cell."""
    html = shown(source, attachments(URL))
    assert f'<img src="data:image/png;base64,{png()}" alt="pasted">' in html


def test_a_picture_is_shown_once() -> None:
    """A short text cannot make a page of any size."""
    html = shown("![one](<attachment:a b.png>) ![two](<attachment:a b.png>)", attachments(URL))
    assert html.count("<img") == 1
    assert "[picture not shown: two]" in html


def test_missing_pictures_leave_their_words() -> None:
    """An attachment that is not there, or no picture, ends no page."""
    html = shown("![words](attachment:none.png) ![more](attachment:evil.svg) ![](http://x.y/z)")
    assert re.findall(r"\[picture not shown: (.*?)\]", html) == ["words", "more", "no description"]


def _encoded(kind: str, size: tuple[int, int] = (3, 2)) -> str:
    stream = io.BytesIO()
    Image.new("1" if kind == "PNG" else "L", size).save(stream, kind)
    return base64.b64encode(stream.getvalue()).decode()


@pytest.mark.parametrize(("kind", "expected"), [("PNG", "image/png"), ("JPEG", "image/jpeg")])
def test_pictures_are_taken_by_what_they_are(kind: str, expected: str) -> None:
    """A PNG or JPEG is one, in lines or not, whatever it was called."""
    data = _encoded(kind)
    assert genuine_picture(data) == (expected, data)
    assert genuine_picture([data[:8], "\n", data[8:]]) == (expected, data)
    assert harmless_attachments({"x": {"image/svg+xml": data}}) == {"x": {expected: data}}


@pytest.mark.parametrize(
    "data",
    ["", "iVBORw0KGgo=", _encoded("PNG")[:-24], _encoded("GIF"), _encoded("PNG", (8000, 8000)),
     base64.b64encode(b"\x89PNG\r\n\x1a\n<svg onload=alert(1)>").decode(),
     base64.b64encode(b"\xff\xd8\xff\xe0<script>").decode(), None, 7, {"a": 1}, ["x", 1], "é"],
)  # fmt: skip
def test_what_is_no_picture_goes(data: Any) -> None:
    """Other formats, broken and huge pictures, anything else."""
    assert genuine_picture(data) is None
    assert harmless_attachments({"x.png": {"image/png": data}}) == {}


def test_a_pasted_picture_stays_with_its_answer() -> None:
    """Sanitising a submission keeps pictures of answers and added texts, nothing else attached."""
    release = nbformat.read(CNN.release, as_version=4)
    submitted = nbformat.from_dict(release)
    answer = next(cell for cell in submitted.cells if _grade_id(cell) == "question_metrics")
    answer.source = "![](<attachment:a b.png>)"
    answer["attachments"] = nbformat.from_dict(attachments(URL))
    added = nbformat.v4.new_markdown_cell("mine", attachments=attachments(URL))
    submitted.cells.append(added)
    restored = restore(submitted, release)
    nbformat.validate(restored)
    kept = [cell.attachments for cell in restored.cells if "attachments" in cell]
    assert kept == [{"a b.png": {"image/png": png()}}] * 2


def _grade_id(cell: Any) -> Any:
    return cell.metadata.get("nbgrader", {}).get("grade_id")


def test_formulas_of_the_notebooks_are_converted() -> None:
    """Every formula that students see becomes MathML, with every symbol in it."""
    release = nbformat.read(CNN.release, as_version=4)
    texts = [cell.source for cell in release.cells if cell.cell_type == "markdown"]
    pages = "".join(map(shown, texts))
    assert pages.count("<math") > 5
    assert "<code>\\" not in pages
    assert "\\" not in re.sub(r"<code>.*?</code>", "", pages, flags=re.DOTALL)
    for part in ("<mi>mean</mi>", "<mtext>BCE,\xa0over\xa0all\xa0pixels</mtext>", "munder-brace",
                 "<mo>∑</mo><mi>t</mi>", "<mo>∩</mo>", "<msup><mn>10</mn>"):  # fmt: skip
        assert part in pages


@pytest.mark.parametrize(
    "source",
    [r"\begin{aligned} a &= b \\ c &= d \end{aligned}",
     r"\begin{cases} 1 & x \\ 0 & y \end{cases}", r"\bigl\lvert x \bigr\rvert",
     r"\lVert x \rVert \le \left\lvert y \right\rvert", r"\mathbb{E}[\hat{y}] \to \infty",
     r"\sum_{i=1}^{n} \sqrt{x_i^2} \cdot \mathrm{IoU}", r"\begin{pmatrix} 1 & 0 \end{pmatrix}"],
)  # fmt: skip
def test_usual_formulas_are_converted(source: str) -> None:
    """What people write in answers."""
    html = formula(source, block=True)
    assert html.startswith('<math display="block">')
    assert "\\" not in html


@pytest.mark.parametrize(
    "source",
    [r"\def\x{y}\x", r"\newcommand{\x}{y}\x", r"\newenvironment{x}{y}{z}", r"\let\x\y",
     r"\DeclareMathOperator{\x}{y}", r"\gdef\x{y}", "x^2^2", "{", "x" * 3000, r"\left(" * 99],
)  # fmt: skip
def test_other_formulas_are_shown_as_written(source: str) -> None:
    """Definitions, broken and endless formulas."""
    assert formula(source, block=False) == f"<code>{source}</code>"


def test_notebooks_are_reduced_wherever_they_come_from() -> None:
    """Outputs, raw cells, metadata and names, even if nothing was sanitised before."""
    code = nbformat.v4.new_code_cell("x", outputs=hostile_outputs(URL))
    code.metadata = nbformat.from_dict(
        {"tags": ['"><script>'], "nbgrader": {"grade_id": '"><script>', "grade": True}}
    )
    raw = nbformat.v4.new_raw_cell("<script>", metadata={"raw_mimetype": "text/html"})
    notebook = nbformat.v4.new_notebook(cells=[code, raw])
    resources = {"student": '"><script>', "last_name": None, "notebook_path": "a/<b>/c"}
    notebook, resources = HarmlessPage().preprocess(notebook, resources)
    assert [dict(cell.metadata) for cell in notebook.cells] == [{}, {}]
    assert {cell.cell_type for cell in notebook.cells} == {"code", "markdown"}
    kinds = {kind for output in code.outputs for kind in output.get("data", {})}
    assert kinds == {"text/plain", "image/png"}
    assert resources["student"] == "&#34;&gt;&lt;script&gt;"
    assert resources["notebook_path"] == "a/&lt;b&gt;/c"


def test_tasks_have_the_names_that_students_know() -> None:
    """A heading without its points; cells that share one are told apart."""
    names = task_names(nbformat.read(CNN.release, as_version=4))
    assert names["loss"] == names["task_loss"] == "Task 3 · The loss: BCE + Dice"
    assert names["question_metrics"] == "Question 1"
    assert names["metrics"].endswith(": metrics")
    assert names["nothing"].endswith(": nothing")
    assert set(CNN.points()) <= set(names)
