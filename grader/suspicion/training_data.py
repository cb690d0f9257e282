"""Training on the images that only measure: a remark, for a person to look at.

The code is followed without running it: which of the splits a value comes from, through
assignments, joining and loops, up to what a model is fitted on. Where that is not clear, nothing
is said; what is handed over as ``validation_data`` is not fitted on.
"""

import ast
import contextlib
from collections.abc import Iterable
from typing import TypeAlias

from grader.assignment import installed_course
from grader.sandbox.probe import Cell
from grader.suspicion.code import parsed
from grader.suspicion.finding import Finding, excerpt

__all__ = ["training_data"]

# The splits that a value comes from; for containers, those of each part.
_Value: TypeAlias = "frozenset[str] | tuple[_Value, ...] | dict[str, _Value]"

_SPLITS = ("train", "val", "test")
_UNKNOWN: frozenset[str] = frozenset()
_NUMBERS = {"shape", "size", "dtype", "ndim"}
_COUNTS = {"len", "range", "int", "float", "print"}
_JOINS = {
    "Batches", "append", "concat", "concatenate", "from_tensor_slices", "hstack", "list", "stack",
    "tuple", "vstack",
}  # fmt: skip
_OF_KERAS = {"batch_size", "callbacks", "epochs", "steps_per_epoch", "validation_data", "verbose"}


def training_data(cells: Iterable[Cell]) -> list[Finding]:
    """Say where a model is fitted on validation or test data.

    Parameters
    ----------
    cells
        The student's code cells; they are read, never run.

    Returns
    -------
    list of Finding
        Notes, at most one a line.
    """
    names: dict[str, _Value] = {}
    found = {}
    for cell in cells:
        tree = parsed(cell.source)
        if tree is None:
            continue
        flow = _Flow(names)
        with contextlib.suppress(RecursionError):
            flow.follow(tree.body)
        lines = cell.source.splitlines()
        for line, splits in sorted(flow.fitted):
            what = f"fits a model on {' and '.join(splits)} data"
            text = excerpt(lines[line - 1]) if line <= len(lines) else ""
            where = f"cell {cell.name}, line {line}"
            found[where] = Finding("note", where, what, text)
    return list(found.values())


class _Flow:
    """Follows values through statements, and collects what models are fitted on."""

    def __init__(self, names: dict[str, _Value]) -> None:
        self._names = names
        self.fitted: set[tuple[int, tuple[str, ...]]] = set()

    def follow(self, statements: Iterable[ast.stmt]) -> None:
        """Go through statements in order."""
        for statement in statements:
            self._statement(statement)

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._function(node)
            case ast.ClassDef(body=body):
                self.follow(body)
            case ast.Assign(targets=targets, value=value):
                result = self._value(value)
                for target in targets:
                    self._assign(target, result)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self._assign(target, self._value(value))
            case ast.AugAssign(target=ast.Name(id=name), value=value):
                self._names[name] = _flat(self._name(name)) | _flat(self._value(value))
            case ast.For(target=target, iter=iterated, body=body, orelse=orelse):
                for part in _parts(self._value(iterated)):
                    self._assign(target, part)
                    self.follow(body)
                self.follow(orelse)
            case _:
                for child in ast.iter_child_nodes(node):
                    self._inner(child)

    def _inner(self, node: ast.AST) -> None:
        if isinstance(node, ast.stmt):
            self._statement(node)
        elif isinstance(node, ast.expr):
            self._value(node)
        else:  # handlers, cases and context managers
            for child in ast.iter_child_nodes(node):
                self._inner(child)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        names = [arg.arg for arg in (*node.args.posonlyargs, *node.args.args)]
        local: dict[str, _Value] = {name: _UNKNOWN for name in names if name not in _SPLITS}
        local |= {name: frozenset({name}) for name in names if name in _SPLITS}
        if node.name in installed_course().training_functions:
            local |= {
                name: frozenset({split}) for name, split in zip(names[1:3], _SPLITS, strict=False)
            }
        inner = _Flow({**self._names, **local})
        inner.fitted = self.fitted
        inner.follow(node.body)

    def _assign(self, target: ast.expr, value: _Value) -> None:
        match target:
            case ast.Name(id=name):
                self._names[name] = value
            case ast.Tuple(elts=targets) | ast.List(elts=targets):
                parts: Iterable[_Value] = [_one_split(value)] * len(targets)
                if isinstance(value, tuple) and len(value) == len(targets):
                    parts = value
                for one, part in zip(targets, parts, strict=True):
                    self._assign(one, part)

    def _name(self, name: str) -> _Value:
        return self._names.get(name, frozenset({name}) if name in _SPLITS else _UNKNOWN)

    def _value(self, node: ast.expr) -> _Value:
        match node:
            case ast.Name(id=name):
                return self._name(name)
            case ast.Constant(value=str(text)):
                return frozenset({text}) if text in _SPLITS else _UNKNOWN
            case ast.Attribute(value=base, attr=name):
                value = self._value(base)
                return value if isinstance(value, frozenset) and name not in _NUMBERS else _UNKNOWN
            case ast.Subscript(value=base, slice=key):
                return self._part(self._value(base), key)
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                if any(isinstance(part, ast.Starred) for part in parts):
                    return _union(self._value(part) for part in parts)
                return tuple(self._value(part) for part in parts)
            case ast.Starred(value=value):
                return self._value(value)
            case ast.Dict(keys=keys, values=values):
                found = [self._value(value) for value in values]
                names = [key.value if isinstance(key, ast.Constant) else "" for key in keys]
                return {str(name): value for name, value in zip(names, found, strict=True)}
            case ast.BinOp(left=left, right=right):
                return _union([self._value(left), self._value(right)])
            case ast.IfExp(test=test, body=body, orelse=orelse):
                self._value(test)
                either = self._value(body), self._value(orelse)
                return either[0] if either[0] == either[1] else _UNKNOWN
            case ast.NamedExpr(target=target, value=value):
                self._assign(target, result := self._value(value))
                return result
            case ast.ListComp(elt=element, generators=[loop]):
                return self._loop(loop, element)
            case ast.GeneratorExp(elt=element, generators=[loop]):
                return self._loop(loop, element)
            case ast.Call():
                return self._call(node)
        for child in ast.iter_child_nodes(node):
            self._inner(child)
        return _UNKNOWN

    def _part(self, value: _Value, key: ast.expr) -> _Value:
        name = key.value if isinstance(key, ast.Constant) else None
        if isinstance(value, dict):
            return value.get(str(name), _UNKNOWN)
        if isinstance(value, tuple):
            inside = isinstance(name, int) and -len(value) <= name < len(value)
            return value[name] if inside and isinstance(name, int) else _UNKNOWN
        if name in _SPLITS:
            return frozenset({str(name)})
        self._value(key)
        return value

    def _loop(self, loop: ast.comprehension, element: ast.expr) -> _Value:
        values = []
        iterated = self._value(loop.iter)
        for part in _parts(iterated):
            self._assign(loop.target, part)
            values.append(self._value(element))
        return tuple(values) if isinstance(iterated, tuple) else _union(values)

    def _call(self, node: ast.Call) -> _Value:
        name = ""
        values: list[_Value] = []
        if isinstance(node.func, ast.Attribute):
            name = node.func.attr
            values.append(self._value(node.func.value))
        elif isinstance(node.func, ast.Name):
            name = node.func.id
        arguments = [self._value(argument) for argument in node.args]
        keywords = {word.arg: self._value(word.value) for word in node.keywords}
        if name == "train_on_batch" or (name == "fit" and keywords.keys() & _OF_KERAS):
            self._fit(node, [*arguments[:2], *(keywords.get(one, _UNKNOWN) for one in "xy")])
        if name in installed_course().training_functions:
            self._fit(node, [*arguments[1:2], keywords.get("train", _UNKNOWN)])
        if name in _COUNTS:
            return _UNKNOWN
        values += [*arguments, *keywords.values()]
        joined = _union(values)
        # Else it is not known which of its arguments another function gives back.
        same = name in _JOINS or len(joined) < 2 or joined in values
        return joined if same else _UNKNOWN

    def _fit(self, node: ast.Call, values: Iterable[_Value]) -> None:
        splits = _union(values) - {"train"}
        if splits:
            self.fitted.add((node.lineno, tuple(sorted(splits))))


def _flat(value: _Value) -> frozenset[str]:
    if isinstance(value, frozenset):
        return value
    return _union(value.values() if isinstance(value, dict) else value)


def _union(values: Iterable[_Value]) -> frozenset[str]:
    return frozenset().union(*map(_flat, values))


def _parts(value: _Value) -> Iterable[_Value]:
    if isinstance(value, tuple):
        return value
    return [_one_split(value)]


def _one_split(value: _Value) -> frozenset[str]:
    flat = _flat(value)
    return flat if len(flat) < 2 else _UNKNOWN
