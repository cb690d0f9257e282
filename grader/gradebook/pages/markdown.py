"""Markdown of students and graders as HTML that cannot do anything but be read."""

import html
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from jinja2 import pass_context
from mistune.util import striptags
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from grader.gradebook.pages.formulas import formula
from grader.notebooks.pictures import Picture, genuine_picture, harmless_attachments
from grader.notebooks.text import harmless_line, harmless_text

__all__ = ["markdown_to_html"]

# Longer text, pictures aside, is shown as it was written: parsing Markdown can take very long.
_MAX_LENGTH: Final = 10_000
_MAX_DEPTH: Final = 60

_TAGS: Final = {
    "a", "b", "blockquote", "code", "dd", "del", "details", "div", "dl", "dt", "em", "h1", "h2",
    "h3", "h4", "h5", "h6", "i", "ins", "kbd", "li", "mark", "ol", "p", "pre", "q", "s", "samp",
    "small", "span", "strong", "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th",
    "thead", "tr", "u", "ul", "var",
}  # fmt: skip
_EMPTY: Final = {"br", "hr"}
_ALIGNED: Final = re.compile(r"\s*text-align:\s*(left|right|center);?\s*")
_NUMBER: Final = re.compile(r"\d{1,4}")
_EMBEDDED: Final = re.compile(r"data:image/[\w.+-]+;base64,([A-Za-z0-9+/=]+)")
# Where a formula goes. Markdown and HTML leave the two alone, and no text of a person holds them.
_OPEN, _CLOSE = "\ue000", "\ue001"
_PLACE: Final = re.compile(f"{_OPEN}(\\d+){_CLOSE}")


@pass_context
def markdown_to_html(context: Any, source: str) -> str:
    """Convert Markdown: the filter that takes the place of nbconvert's ``markdown2html``.

    Text, lists, tables, code, links to the web, formulas and pasted pictures are shown. Nothing
    else of the HTML that Markdown may hold is: the page gets elements of a short list only,
    without classes, names, styles and events, closed where they should be.
    """
    attachments = harmless_attachments(context.get("cell", {}).get("attachments"))
    pictures = {
        f"attachment:{unquote(name)}": next(iter(forms.items()))
        for name, forms in attachments.items()
    }
    text = _without_embedded(re.sub(f"[{_OPEN}{_CLOSE}]", "", source), pictures)
    if len(text) <= _MAX_LENGTH:
        try:
            renderer = _Renderer()
            page = _Page(renderer.formulas, pictures)
            page.feed(MarkdownWithMath(renderer=renderer).render(text))
            return page.finished()
        except Exception:
            # Whatever text makes the parser raise, it must not end the page of its author.
            pass
    return f"<pre>{html.escape(harmless_text(text))}</pre>"


def _without_embedded(source: str, pictures: dict[str, Picture]) -> str:
    """Take pictures out of a text, where they are one very long word, and leave their names."""

    def name(found: re.Match[str]) -> str:
        picture = genuine_picture(found[1])
        if picture is None:
            return "no-picture"
        number = f"embedded:{len(pictures)}"
        pictures[number] = picture
        return number

    return _EMBEDDED.sub(name, source)


class _Renderer(IPythonRenderer):
    """Leaves places for formulas, and whatever may be dangerous to :class:`_Page`."""

    def __init__(self) -> None:
        super().__init__(escape=False, exclude_anchor_links=True)
        self.formulas: dict[str, Callable[[], str]] = {}

    def block_code(self, code: str, info: str | None = None) -> str:
        return f"<pre><code>{html.escape(code)}</code></pre>\n"

    def heading(self, text: str, level: int, **attrs: Any) -> str:
        return f"<h{level}>{text}</h{level}>\n"

    def image(self, text: str, url: str, title: str | None = None) -> str:
        words = html.unescape(striptags(text))
        return f'<img src="{html.escape(url)}" alt="{html.escape(words)}">'

    def inline_math(self, body: str) -> str:
        return self._place(body, block=False)

    def block_math(self, body: str) -> str:
        return self._place(body, block=True)

    def latex_environment(self, name: str, body: str) -> str:
        return self._place(f"\\begin{{{name}}}{body}\\end{{{name}}}", block=True)

    def _place(self, source: str, block: bool) -> str:
        number = str(len(self.formulas))
        self.formulas[number] = lambda: formula(source, block)
        return f"{_OPEN}{number}{_CLOSE}"


class _Page(HTMLParser):
    """Writes HTML anew: elements of the list, text, formulas, pictures."""

    def __init__(
        self, formulas: dict[str, Callable[[], str]], pictures: dict[str, Picture]
    ) -> None:
        super().__init__(convert_charrefs=True)
        self._formulas, self._pictures = formulas, pictures
        self._written: list[str] = []
        self._open: list[str] = []

    def finished(self) -> str:
        """Return the page, with every element closed."""
        self.close()
        self._close(0)
        return "".join(self._written)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in reversed(attrs)}
        if tag == "img":
            self._picture(given.get("src", ""), given.get("alt", ""))
        elif tag == "input" and given.get("type") == "checkbox":
            self._written.append("☑ " if "checked" in given else "☐ ")
        elif tag in _EMPTY:
            self._written.append(f"<{tag}>")
        elif tag in _TAGS and len(self._open) < _MAX_DEPTH:
            self._open.append(tag)
            self._written.append(f"<{tag}{''.join(_attributes(tag, given))}>")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            self._close(len(self._open) - 1 - self._open[::-1].index(tag))

    def handle_data(self, data: str) -> None:
        for number, piece in enumerate(_PLACE.split(data)):
            if number % 2 == 0:
                self._written.append(html.escape(harmless_text(piece), quote=False))
            elif piece in self._formulas:
                # Once: entities can name a place again and again.
                self._written.append(self._formulas.pop(piece)())

    def _close(self, depth: int) -> None:
        while len(self._open) > depth:
            self._written.append(f"</{self._open.pop()}>")

    def _picture(self, source: str, words: str) -> None:
        words = html.escape(harmless_line(_PLACE.sub("", words)))
        # Once each, so that a short text cannot make a page of any size.
        picture = self._pictures.pop(unquote(source), None)
        if picture is None:
            self._written.append(f"[picture not shown: {words or 'no description'}]")
        else:
            kind, data = picture
            self._written.append(f'<img src="data:{kind};base64,{data}" alt="{words}">')


def _attributes(tag: str, given: dict[str, str]) -> Iterator[str]:
    if tag == "a" and _leads_to_the_web(given.get("href", "")):
        link = html.escape(given["href"].strip())
        yield f' href="{link}" target="_blank" rel="noopener noreferrer nofollow"'
    if tag in ("td", "th"):
        for name in ("colspan", "rowspan"):
            if _NUMBER.fullmatch(given.get(name, "")):
                yield f' {name}="{min(int(given[name]), 50)}"'
        aligned = _ALIGNED.fullmatch(given.get("style", ""))
        if aligned is not None:
            yield f' style="text-align:{aligned[1]}"'
    if tag == "ol" and _NUMBER.fullmatch(given.get("start", "")):
        yield f' start="{given["start"]}"'


def _leads_to_the_web(link: str) -> bool:
    """Whether it is complete: anything else would lead into the instructor's own Jupyter."""
    try:
        parts = urlsplit(link.strip())
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and "\\" not in link
