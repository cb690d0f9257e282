"""Parsing Python that is not trusted, in threads."""

import ast
import threading
import warnings

__all__ = ["parse_python"]

# Two threads at a time lose count of how deep they are: "SystemError: AST constructor recursion
# depth mismatch" (CPython 3.11).
_LOCK = threading.Lock()


def parse_python(source: str) -> ast.Module | None:
    """Parse a source; None if it is no Python, or nested too deeply for Python's parser."""
    with _LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on odd escapes in strings
        try:
            return ast.parse(source)
        # RuntimeError (RecursionError is one) and MemoryError: code nested too deeply.
        except (SyntaxError, ValueError, RuntimeError, MemoryError):
            return None
