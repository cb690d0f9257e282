"""What the source of a submission must not contain.

These rules catch the usual and the careless; what a model really starts from is decided by
looking at its weights, see :mod:`grader.scoring.initial_weights`.
"""

import ast
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
MAX_SOURCE = 60_000
"""Characters of code in all cells, some ten times what the tasks need."""
MAX_NUMBERS = 500
"""Numbers in one list, tuple or set: more looks like embedded weights."""


def pretrained(cells: Sequence[Cell]) -> list[str]:
    """Say where a submission uses something that the scratch CNN must do without.

    Parameters
    ----------
    cells
        The student's code cells.

    Returns
    -------
    list of str
        One sentence for each finding, empty if there is none. A cell that is no Python is passed
        over: it cannot run either.
    """
    findings = []
    length = sum(len(cell.source) for cell in cells)
    if length > MAX_SOURCE:
        findings.append(
            f"your cells hold {length} characters of code, more than {MAX_SOURCE}: remove what is "
            "no code"
        )
    for cell in cells:
        tree = _parse(cell.source)
        if tree is not None:
            findings += [f"cell {cell.name}: {text}" for text in _findings(tree)]
    return findings


def _parse(source: str) -> ast.AST | None:
    try:
        return ast.parse(TransformerManager().transform_cell(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
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
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
            if len(node.value) > MAX_LITERAL:
                yield f"a literal of {len(node.value)} characters looks like embedded weights"
        elif isinstance(node, ast.List | ast.Tuple | ast.Set):
            numbers = sum(_is_number(item) for item in node.elts)
            if numbers > MAX_NUMBERS:
                yield f"a list of {numbers} numbers looks like embedded weights"


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
    if isinstance(node, ast.UnaryOp):
        node = node.operand
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float)
