"""Parsing Python in threads."""

import ast
import threading

from bsds_utils.data.warningfilter import warnings_become

__all__ = ["parse_course_code", "parse_python"]

# Two threads at a time lose count of how deep they are: "SystemError: AST constructor recursion
# depth mismatch" (CPython 3.11).
_LOCK = threading.Lock()


def parse_python(source: str) -> ast.Module | None:
    """Parse a source; None if it is no Python, or nested too deeply for Python's parser."""
    with _LOCK, warnings_become("ignore"):  # on odd escapes in strings
        try:
            return ast.parse(source)
        # RuntimeError (RecursionError is one) and MemoryError: code nested too deeply.
        except (SyntaxError, ValueError, RuntimeError, MemoryError):
            return None


def parse_course_code(source: str) -> ast.Module:
    """Parse code of the course's own, whose errors are to be seen."""
    with _LOCK:
        return ast.parse(source)
