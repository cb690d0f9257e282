"""How much information code holds, and the same code without the text that does nothing.

Trained weights can be written into a notebook in countless ways, so what counts is how much the
code could hold at all. People write long comments and docstrings, though. Where there is much
text, the notebook runs without them: then they hold nothing that a program could read, and only
what is left has to be small.
"""

import ast
import io
import re
import tokenize
import zlib
from collections.abc import Iterable
from typing import NamedTuple

from grader.notebooks.parsing import parse_python

__all__ = ["Held", "bare", "held", "parsed"]

# These run the rest of the cell as Python; other magics get it as text.
_CODE_MAGIC = re.compile(r"%%(time|timeit|capture|prun)\b")
_MAGIC = re.compile(r"(?m)^([ \t]*)(?:[%!?].*|[\w, ]+= *[%!].*|[\w.]+\?{1,2}[ \t]*)$")
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_TEXT = {
    tokenize.COMMENT,
    tokenize.STRING,
    tokenize.NUMBER,
    *(getattr(tokenize, name) for name in ("FSTRING_MIDDLE",) if hasattr(tokenize, name)),
}
_LEFT_OUT = "# Comments and docstrings are left out of this long notebook when it is graded."


class Held(NamedTuple):
    """Bytes that something compresses to.

    Attributes
    ----------
    text
        Literals, comments, docstrings, magics, and cells that are no Python.
    everything
        These and the code around them.
    """

    text: int
    everything: int


def held(sources: Iterable[str]) -> Held:
    """Measure cells together: code compresses well, weights do not, however they are written."""
    sources = list(sources)
    text = [part for source in sources for part in _texts(source)]
    return Held(_compressed(text), _compressed(sources))


def bare(source: str) -> str:
    """Return a cell without comments and docstrings, line by line where it was.

    A cell that is no Python is returned as it is.
    """
    tokens = _tokens(source)
    if tokens is None:
        return source
    lines = _LINE.findall(source)
    for token in tokens:
        if token.type == tokenize.COMMENT:
            row, column = token.start
            end = lines[row - 1][len(lines[row - 1].rstrip("\r\n")) :]
            lines[row - 1] = lines[row - 1][:column].rstrip() + end
    for node in reversed(_docstrings(parsed("".join(lines)))):
        first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
        before = lines[first].encode()[: node.col_offset].decode()
        after = lines[last].encode()[node.end_col_offset or 0 :].decode()
        lines[first : last + 1] = [f'{before}""{after}', *["\n"] * (last - first)]
    changed = "".join(lines)
    # Odd line ends count differently in Python's parser, so what comes out is compared.
    meaning = _meaning(source)
    if changed == source or meaning is None or _meaning(changed) != meaning:
        return source
    return f"{changed}\n{_LEFT_OUT}"


def _compressed(parts: list[str]) -> int:
    return len(zlib.compress("\n".join(parts).encode(errors="replace"), 9))


def _texts(source: str) -> list[str]:
    tokens = _tokens(source)
    if tokens is None:
        return [source]
    magics = [] if parse_python(source) else [match[0] for match in _MAGIC.finditer(source)]
    return [token.string for token in tokens if token.type in _TEXT] + magics


def _tokens(source: str) -> list[tokenize.TokenInfo] | None:
    """Tokens of a cell with ``pass`` in place of magics; None if it is no Python."""
    python = _python(source)
    if python is None:
        return None
    try:
        return list(tokenize.generate_tokens(io.StringIO(python).readline))
    except (tokenize.TokenError, SyntaxError):
        return None


def parsed(source: str) -> ast.Module | None:
    """Parse a cell with ``pass`` in place of magics; None if it is no Python."""
    python = _python(source)
    return None if python is None else parse_python(python)


def _docstrings(tree: ast.AST | None) -> list[ast.Constant]:
    """Strings that are statements, in order."""
    found = [
        node.value
        for node in (ast.walk(tree) if tree else ())
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    ]
    return sorted(found, key=lambda node: (node.lineno, node.col_offset))


def _meaning(source: str) -> str | None:
    """Return the syntax tree without docstrings as text, None if it cannot be written."""
    tree = parsed(source)
    for node in _docstrings(tree):
        node.value = ""
    try:
        return ast.dump(tree) if tree else None
    except RecursionError:
        return None


def _python(source: str) -> str | None:
    """Return a cell with magics masked, None if it is no Python even so."""
    if parse_python(source):
        return source
    if source.startswith("%%") and not _CODE_MAGIC.match(source):
        return None
    masked = _MAGIC.sub(r"\1pass", source)
    return masked if parse_python(masked) else None
