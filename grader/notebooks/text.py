"""Text of a submission that a terminal, a page and a file can hold without danger."""

import re
from typing import Final

__all__ = ["harmless_line", "harmless_text", "printable"]

_ESCAPES: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)?")
# Control characters, those that turn the direction of text, and halves of surrogate pairs.
_CONTROLS: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def harmless_text(text: str) -> str:
    r"""Remove terminal escapes and characters that cannot be seen or written.

    Parameters
    ----------
    text
        Any; line breaks and tabs stay.

    Examples
    --------
    >>> harmless_text("\x1b[31mred\x1b[0m")
    'red'
    """
    return _CONTROLS.sub("", _ESCAPES.sub("", text))


def harmless_line(text: str, most: int = 400) -> str:
    r"""Make one line of text, of at most so many characters.

    Parameters
    ----------
    text
        Any.
    most
        Characters.

    Examples
    --------
    >>> harmless_line("one\ntwo")
    'one two'
    >>> harmless_line("x" * 10, most=5)
    'xxxx…'
    """
    line = " ".join(harmless_text(text[: 4 * most]).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def printable(name: str) -> str:
    r"""Write what cannot be printed of a file's name as escapes.

    Examples
    --------
    >>> printable("a\nb")
    'a\\nb'
    """
    text = name.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
