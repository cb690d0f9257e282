"""What the source of a submission must not contain.

These rules catch the usual and the careless; what a model really starts from is decided by
looking at its weights, see :mod:`grader.keras_models.initial_weights`.
"""

import ast
import re
import zlib
from collections.abc import Iterator, Sequence

from IPython.core.inputtransformer2 import TransformerManager

from grader.sandbox.probe import Cell

__all__ = ["pretrained"]

FORBIDDEN_NAMES = {
    "applications": "keras.applications holds pretrained networks",
    "hub": "a model hub holds pretrained networks",
    "tensorflow_hub": "a model hub holds pretrained networks",
    "huggingface_hub": "a model hub holds pretrained networks",
    "keras_hub": "a model hub holds pretrained networks",
    "load_model": "it loads a trained model",
    "load_weights": "it loads trained weights",
    "load_encoder_weights": "it loads pretrained weights",
    "set_weights": "it replaces random weights",
    "from_pretrained": "it loads trained weights",
    "from_preset": "it loads trained weights",
    "get_file": "it downloads a file",
    "b64decode": "it unpacks embedded data",
    "b85decode": "it unpacks embedded data",
}
MAX_LITERAL = 2_000
"""Characters of one string or bytes literal: more looks like embedded weights."""
MAX_DIGITS = 100
"""Decimal digits of one whole number: more looks like embedded weights."""
MAX_SOURCE = 60_000
"""Characters of code in all cells, some twenty times what the tasks need."""
MAX_NUMBERS = 500
"""Numbers in one cell: more looks like embedded weights."""
MAX_UNBROKEN = 600
"""Characters of a cell in words too long for any name: more looks like embedded weights."""
MAX_INFORMATION = 7_000
"""Bytes that all cells compress to, some six times the reference solution's.

Code compresses well and trained weights do not, in whatever way they are written.
"""

_UNBROKEN = re.compile(r"[0-9A-Za-z+/]{60,}")


def pretrained(cells: Sequence[Cell]) -> list[str]:
    """Say where a submission uses something that the scratch CNN must do without.

    Parameters
    ----------
    cells
        The student's code cells.

    Returns
    -------
    list of str
        One sentence for each finding, empty if there is none. Cells that are no Python are only
        measured: an earlier cell may have taught IPython how to read them.
    """
    findings = []
    length = sum(len(cell.source) for cell in cells)
    if length > MAX_SOURCE:
        findings.append(
            f"your cells hold {length} characters of code, more than {MAX_SOURCE}: remove what is "
            "no code"
        )
    everything = "\n".join(cell.source for cell in cells).encode(errors="replace")
    information = len(zlib.compress(everything, 9))
    if information > MAX_INFORMATION:
        findings.append(
            f"your cells hold {information:,} bytes of information, more than "
            f"{MAX_INFORMATION:,}, which looks like embedded weights: remove what is no code"
        )
    for cell in cells:
        findings += [f"cell {cell.name}: {text}" for text in _findings_in_text(cell.source)]
        tree = _parse(cell.source)
        if tree is not None:
            findings += [f"cell {cell.name}: {text}" for text in _findings(tree)]
            numbers = sum(_is_number(node) for node in ast.walk(tree))
            if numbers > MAX_NUMBERS:
                findings.append(
                    f"cell {cell.name}: {numbers} numbers in a cell look like embedded weights"
                )
    return findings


def _findings_in_text(source: str) -> Iterator[str]:
    unbroken = sum(map(len, _UNBROKEN.findall(source)))
    if unbroken > MAX_UNBROKEN:
        yield f"{unbroken} letters and digits without a space look like embedded weights"


def _parse(source: str) -> ast.AST | None:
    try:
        return ast.parse(TransformerManager().transform_cell(source))
    # RuntimeError: too many magics, or too deeply nested.
    except (SyntaxError, ValueError, RuntimeError, MemoryError):
        return None


def _findings(tree: ast.AST) -> Iterator[str]:
    magics = _magics(tree)
    for code in magics.values():
        yield from _findings(code)
    for node in ast.walk(tree):
        if node in magics:
            continue
        for name in _names(node):
            if name in FORBIDDEN_NAMES:
                yield f"{name} is not allowed here: {FORBIDDEN_NAMES[name]}"
        if isinstance(node, ast.Constant):
            yield from _findings_in_literal(node.value)


def _findings_in_literal(value: object) -> Iterator[str]:
    if isinstance(value, str | bytes) and len(value) > MAX_LITERAL:
        yield f"a literal of {len(value)} characters looks like embedded weights"
    if isinstance(value, int) and value >= 10**MAX_DIGITS:
        yield f"a number of more than {MAX_DIGITS} digits looks like embedded weights"


def _magics(tree: ast.AST) -> dict[ast.AST, ast.AST]:
    """Literals that hold what a magic like ``%time`` runs, with that code."""
    arguments = [
        argument
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("run_line_magic", "run_cell_magic")
        for argument in node.args[1:]
    ]
    magics: dict[ast.AST, ast.AST] = {}
    for argument in arguments:
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            code = _parse(argument.value)
            if code is not None:
                magics[argument] = code
    return magics


def _names(node: ast.AST) -> Iterator[str]:
    """Names that a node mentions, in whatever way: x, a.x, import x, from a import x, "x"."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            yield name
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            for alias in names:
                yield from alias.name.split(".")
            if isinstance(node, ast.ImportFrom) and node.module:
                yield from node.module.split(".")
        case ast.Constant(value=str(text)) if len(text) < 100:
            # getattr(keras, "applications") and importlib.import_module("keras.applications")
            yield from text.split(".")


def _is_number(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float)
