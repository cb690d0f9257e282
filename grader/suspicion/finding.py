"""A piece of evidence."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["Finding", "Weight", "excerpt"]

Weight = Literal["sign", "note"]

_EXCERPT = 100


@dataclass(frozen=True)
class Finding:
    """Something about a submission that an instructor may want to look at.

    Attributes
    ----------
    weight
        ``"sign"``: hardly happens by accident; ``"note"``: often innocent, so alone it puts
        nobody on the list of suspicious submissions.
    where
        Cell and line, or file.
    what
        What is there, in words.
    excerpt
        One line of it, as text without control characters; may be empty.
    """

    weight: Weight
    where: str
    what: str
    excerpt: str = ""


def excerpt(text: str) -> str:
    """Return the start of a text as one printable line."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * _EXCERPT]).split())
    return line if len(line) <= _EXCERPT else f"{line[: _EXCERPT - 1]}…"
