"""Reading students' code without running it."""

import ast

from IPython.core.inputtransformer2 import TransformerManager

from grader.notebooks.parsing import parse_python

__all__ = ["MAX_SOURCE", "parsed"]

MAX_SOURCE = 60_000
"""Characters of one cell that are looked at: some ten times what all tasks need."""


def parsed(source: str) -> ast.Module | None:
    """Parse a cell, magics and shell commands included.

    Returns
    -------
    ast.Module or None
        None if it is no Python or far too long. Line numbers are those of the cell.
    """
    if len(source) > MAX_SOURCE:
        return None
    if source.startswith("%%"):
        # A magic like %%time stands before code: an empty line in its place keeps the numbers.
        source = "\n" + source.partition("\n")[2]
    return parse_python(source) or parse_python(_without_magics(source))


def _without_magics(source: str) -> str:
    """Turn magics and shell commands into calls, as IPython does; costly, so done at need."""
    try:
        return TransformerManager().transform_cell(source)
    # RuntimeError: magics within magics without end.
    except (SyntaxError, ValueError, RuntimeError):
        return source
