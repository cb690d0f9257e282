"""Formulas as MathML, which browsers draw by themselves: offline and without any script."""

import html
import re
from collections.abc import Iterator
from typing import Final
from xml.etree.ElementTree import Element

from latex2mathml.converter import convert_to_element

from grader.notebooks.text import harmless_text

__all__ = ["formula"]

_MAX_LENGTH: Final = 2000
# A formula that defines commands could grow without end.
_DEFINITIONS: Final = re.compile(
    r"\\(?:\w*def|let|new\w*|renew\w*|provide\w*|Declare\w*)(?![a-z])"
)
# Other names for what the converter knows; it does not tell left from right in \lvert, \rvert.
_ALIGNED: Final = re.compile(r"\{(?:aligned|gathered|gather\*?)\}")
_VERT: Final = re.compile(r"(\\left|\\right|\\[bB]igg?[lr]?)?\s*\\([lr])(vert|Vert)(?![A-Za-z])")
_SIDE: Final = {"l": r"\left", "r": r"\right"}

_FLAG: Final = "true|false"
_LENGTH: Final = r"-?0?\.\d+em|\d?(?:\.\d+)?em|0"
_SIDES: Final = r"(?:left|right|center)(?: (?:left|right|center))*"
_LINES: Final = r"(?:none|solid|dashed)(?: (?:none|solid|dashed))*"
_TAGS: Final = {
    "math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "msub", "msup", "msubsup", "munder",
    "mover", "munderover", "mfrac", "msqrt", "mroot", "mtable", "mtr", "mtd", "mstyle", "mpadded",
    "mphantom", "menclose", "mmultiscripts", "mprescripts", "none",
}  # fmt: skip
_ATTRIBUTES: Final = {
    **dict.fromkeys(
        ("displaystyle", "stretchy", "fence", "movablelimits", "largeop", "accent", "accentunder"),
        _FLAG,
    ),
    **dict.fromkeys(
        ("width", "height", "depth", "lspace", "rspace", "minsize", "maxsize", "linethickness"),
        _LENGTH,
    ),
    **dict.fromkeys(("columnalign", "rowalign"), _SIDES),
    **dict.fromkeys(("columnlines", "rowlines"), _LINES),
    "display": "inline|block",
    "form": "prefix|infix|postfix",
    "mathcolor": "[a-z]+",
    "mathvariant": "[a-z-]+",
    "scriptlevel": r"[+-]?[0-2]",
}
_BRACES: Final = {"munder": "&#x23DF;", "mover": "&#x23DE;"}
# Names of several letters, such as log, stand apart from what is beside them.
_NAME: Final = re.compile(r"[a-z]{2,}", re.IGNORECASE)


def formula(source: str, block: bool) -> str:
    r"""Return a formula as MathML, or as it was written where it cannot be converted.

    Of what the converter makes of it only elements and attributes are kept that place symbols.

    Examples
    --------
    >>> formula("x^2", block=False)
    '<math display="inline"><mrow><msup><mi>x</mi><mn>2</mn></msup></mrow></math>'
    >>> formula(r"\def\x{\x\x}\x", block=False)
    '<code>\\def\\x{\\x\\x}\\x</code>'
    """
    source = source.strip()
    try:
        if len(source) > _MAX_LENGTH or _DEFINITIONS.search(source):
            raise ValueError
        known = _VERT.sub(_fence, _ALIGNED.sub("{align*}", source))
        tree = convert_to_element(known, display="block" if block else "inline")
        return "".join(_written(tree))
    except Exception:
        # Whatever a formula makes the converter raise, it must not end a page.
        return f"<code>{html.escape(harmless_text(source))}</code>"


def _fence(found: re.Match[str]) -> str:
    return (found[1] or _SIDE[found[2]]) + ("|" if found[3] == "vert" else r"\|")


def _written(element: Element) -> Iterator[str]:
    if element.tag in _BRACES and element[1].text == _BRACES[element.tag]:
        # A brace of any length is in few fonts; the page draws one.
        yield f'<mrow class="{element.tag}-brace">'
        yield from _written(element[0])
        yield "</mrow>"
        return
    # An operator's name that is no operator of MathML's would get wide spaces.
    tag = "mi" if _is_name(element) and not element.attrib and not len(element) else element.tag
    kept = tag in _TAGS
    if kept:
        yield f"<{tag}{''.join(_attributes(element))}>"
    yield _text(element.text)
    before: Element | None = None
    for child in element:
        if element.tag == "mrow" and _apart(before, child):
            yield '<mspace width="0.167em"></mspace>'
        yield from _written(child)
        before = child
    if kept:
        yield f"</{tag}>"


def _attributes(element: Element) -> Iterator[str]:
    for name, value in element.attrib.items():
        if re.fullmatch(_ATTRIBUTES.get(name, "(?!)"), value):
            yield f' {name}="{value}"'


def _text(text: str | None) -> str:
    """Return an element's text; the converter writes symbols as character references."""
    return html.escape(harmless_text(html.unescape(text or "")))


def _apart(before: Element | None, after: Element) -> bool:
    if before is None or "mspace" in (before.tag, after.tag):
        return False
    if _is_name(after):
        return before.tag != "mo" or _is_name(before) or html.unescape(before.text or "") in ")]"
    return _is_name(before) and after.tag != "mo"


def _is_name(element: Element) -> bool:
    """Whether it is a function's name, perhaps with something above or below."""
    base = element if element.tag in ("mi", "mo") or not len(element) else element[0]
    return base.tag in ("mi", "mo") and _NAME.fullmatch(base.text or "") is not None
