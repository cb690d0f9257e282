"""What a function of a notebook reaches: the names of libraries that it, and what it calls, uses.

The code is read, never run. Names are followed through functions, classes, variables, imports and
other names for them, through every scope; a definition counts as used where it is mentioned, so
functions that are handed over as values are followed, too. What only a running program knows
(``exec``, ``getattr`` with a computed name) is not followed: such code simply reaches less here.
"""

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from grader.notebooks.bare_code import parsed
from grader.sandbox.probe import Cell

__all__ = ["Use", "uses"]

_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_Block = (
    ast.If | ast.For | ast.AsyncFor | ast.While | ast.With | ast.AsyncWith | ast.Try | ast.TryStar
    | ast.Match
)  # fmt: skip
_DEPTH = 40
"""Names for names for names, and expressions in expressions: deeper ones are not followed."""
_MEANINGS = 100
"""Most meanings of one name that are followed."""


@dataclass(frozen=True)
class Use:
    """Something that is used.

    Attributes
    ----------
    name
        A library's full name, as ``keras.applications.VGG16``, or ``?.name`` for an attribute of
        an unknown object.
    cell, line
        Where.
    via
        The function or class in which it stands.
    """

    name: str
    cell: str
    line: int
    via: str


@dataclass(eq=False)
class _Scope:
    """Names of a module, function or class body, and what they may stand for."""

    cell: str
    via: str
    parent: "_Scope | None" = None
    names: dict[str, list[tuple["_Scope", "ast.AST | str"]]] = field(default_factory=dict)
    hidden: bool = False

    def bind(self, name: str, scope: "_Scope", meaning: "ast.AST | str") -> None:
        """Let a name stand for one thing more."""
        self.names.setdefault(name, []).append((scope, meaning))

    def find(self, name: str) -> "list[tuple[_Scope, ast.AST | str]]":
        """Look a name up from the inside out, past class bodies as Python does."""
        scope: _Scope | None = self
        while scope is not None:
            if name in scope.names and not (scope.hidden and scope is not self):
                return scope.names[name]
            scope = scope.parent
        return []


def uses(function: str, cells: Sequence[Cell]) -> list[Use]:
    """List what a function reaches.

    Parameters
    ----------
    function
        Its name.
    cells
        The notebook's code in order: of what a later cell defines again, the last counts.

    Returns
    -------
    list of Use
        Without repetitions, in no order that matters; empty if nothing defines the function.
    """
    whole = _Scope("", "")
    for cell in cells:
        tree = parsed(cell.source)
        if tree is not None:
            scope = _Scope(cell.name, "", whole)
            _bind_statements(tree.body, scope, whole, replace=True)
    walk = _Walk(whole)
    walk.mention(function, whole)
    return list(dict.fromkeys(walk.found))


def _bind_statements(
    body: Iterable[ast.stmt], here: _Scope, names: _Scope, *, replace: bool = False
) -> None:
    """Take over what statements define; below the top of a module, names only gain meanings."""
    for statement in body:
        bound = list(_bindings(statement))
        if replace and not isinstance(statement, _Block | ast.AugAssign):
            for name, _, whole in bound:
                if whole:
                    names.names.pop(name, None)
        for name, meaning, _ in bound:
            names.bind(name, here, meaning)


def _bindings(statement: ast.stmt) -> Iterator[tuple[str, ast.AST | str, bool]]:
    """Name, meaning, and whether the name means nothing else, for all that a statement defines."""
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield statement.name, statement, True
        case ast.Import(names=names):
            for alias in names:
                top = alias.name.split(".")[0]
                yield alias.asname or top, alias.name if alias.asname else top, True
        case ast.ImportFrom(module=str(module), names=names, level=0):
            for alias in names:
                yield alias.asname or alias.name, f"{module}.{alias.name}", True
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                yield from _targets(target, value)
        case ast.AnnAssign(target=target, value=ast.expr() as value):
            yield from _targets(target, value)
        case ast.AugAssign(target=target, value=value):
            for name, meaning, _ in _targets(target, value):
                yield name, meaning, False
        case ast.For(target=target, iter=value) | ast.AsyncFor(target=target, iter=value):
            yield from _targets(target, value)
        case ast.With(items=items) | ast.AsyncWith(items=items):
            for item in items:
                if item.optional_vars is not None:
                    yield from _targets(item.optional_vars, item.context_expr)
    for child in _inner_statements(statement):
        yield from _bindings(child)
    for expression in _own_expressions(statement):
        if isinstance(expression, ast.NamedExpr):
            yield expression.target.id, expression.value, False


def _targets(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.AST | str, bool]]:
    match target:
        case ast.Name(id=name):
            yield name, value, True
        case ast.Tuple(elts=targets) | ast.List(elts=targets):
            values: Sequence[ast.expr] = [value] * len(targets)
            if isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(targets):
                values = value.elts
            for one, part in zip(targets, values, strict=True):
                yield from _targets(one, part)
        case ast.Starred(value=inner):
            yield from _targets(inner, value)
        case ast.Attribute(value=owner) | ast.Subscript(value=owner):
            # What is put into an object is reached through the object.
            while isinstance(owner, ast.Attribute | ast.Subscript):
                owner = owner.value
            if isinstance(owner, ast.Name):
                yield owner.id, value, False


def _inner_statements(statement: ast.stmt) -> Iterator[ast.stmt]:
    """Statements in the blocks of a compound one, in the same scope."""
    if not isinstance(statement, _Block):
        return
    for part in ast.iter_child_nodes(statement):
        if isinstance(part, ast.stmt):
            yield part
        elif isinstance(part, ast.ExceptHandler | ast.match_case):
            yield from part.body


def _own_expressions(statement: ast.stmt) -> Iterator[ast.AST]:
    """Expressions of a statement that stand in its own scope."""
    stack: list[ast.AST] = [
        part for part in ast.iter_child_nodes(statement) if isinstance(part, ast.expr)
    ]
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, ast.Lambda):
            stack += ast.iter_child_nodes(node)


class _Walk:
    """Goes through everything that is reached, once."""

    def __init__(self, whole: _Scope) -> None:
        self.found: list[Use] = []
        self._whole = whole
        self._seen: set[int] = set()
        self._work: list[tuple[ast.AST, _Scope]] = []
        self._classes: list[tuple[ast.ClassDef, _Scope]] = []
        self._attributes: set[str] = set()
        self._known: dict[tuple[_Scope, str], set[str]] = {}

    def mention(self, name: str, scope: _Scope) -> None:
        """Start from what a name stands for, and go on until nothing new is reached."""
        self._follow(scope.find(name))
        while self._work:
            node, inside = self._work.pop()
            self._visit(node, inside)
        own = {method.name for node, _ in self._classes for method in _methods(node)}
        self.found = [use for use in self.found if use.name.removeprefix("?.") not in own]

    def _follow(self, meanings: Iterable[tuple[_Scope, ast.AST | str]]) -> None:
        for scope, meaning in meanings:
            if isinstance(meaning, ast.AST) and id(meaning) not in self._seen:
                self._seen.add(id(meaning))
                self._work.append((meaning, scope))

    def _visit(self, node: ast.AST, scope: _Scope) -> None:
        if isinstance(node, _Function):
            self._function(node, scope)
        elif isinstance(node, ast.ClassDef):
            self._class(node, scope)
        elif isinstance(node, ast.Name):
            self._note(node, scope)
            self._follow(scope.find(node.id))
        else:
            if isinstance(node, ast.Attribute | ast.Call):
                self._note(node, scope)
            if isinstance(node, ast.Attribute):
                self._reach_methods(node.attr)
            self._visit_parts(ast.iter_child_nodes(node), scope)

    def _visit_parts(self, parts: Iterable[ast.AST], scope: _Scope) -> None:
        for part in parts:
            # Nested definitions are followed where their names are used.
            if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                self._work += [(decorator, scope) for decorator in part.decorator_list]
            else:
                self._work.append((part, scope))

    def _function(self, node: _Function, scope: _Scope) -> None:
        via = getattr(node, "name", scope.via)
        inside = _Scope(scope.cell, via, scope)
        arguments = node.args
        named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        for argument in [*named, arguments.vararg, arguments.kwarg]:
            if argument is not None:
                inside.names[argument.arg] = []
        for default in [*arguments.defaults, *arguments.kw_defaults]:
            if default is not None:
                self._work.append((default, scope))
        if isinstance(node, ast.Lambda):
            self._work.append((node.body, inside))
            return
        self._work += [(decorator, scope) for decorator in node.decorator_list]
        _bind_statements(node.body, inside, inside)
        self._visit_parts(node.body, inside)

    def _class(self, node: ast.ClassDef, scope: _Scope) -> None:
        inside = _Scope(scope.cell, node.name, scope, hidden=True)
        _bind_statements(node.body, inside, inside)
        self._classes.append((node, inside))
        bases = [*node.bases, *(keyword.value for keyword in node.keywords)]
        self._work += [(part, scope) for part in [*bases, *node.decorator_list]]
        self._visit_parts(node.body, inside)
        for method in _methods(node):
            if method.name.startswith("__") or method.name in self._attributes:
                self._follow([(inside, method)])

    def _reach_methods(self, name: str) -> None:
        """Follow methods of reached classes that an attribute may name."""
        if name in self._attributes:
            return
        self._attributes.add(name)
        for node, inside in self._classes:
            self._follow((inside, method) for method in _methods(node) if method.name == name)

    def _note(self, node: ast.AST, scope: _Scope) -> None:
        names = self._names(node, scope)
        if not names and isinstance(node, ast.Attribute):
            names = {f"?.{node.attr}"}
        line = getattr(node, "lineno", 1)
        self.found += [Use(name, scope.cell, line, scope.via) for name in sorted(names)]

    def _names(self, node: ast.AST, scope: _Scope, depth: int = 0) -> set[str]:
        """Full names of what an expression may stand for in a library."""
        attributes: list[str] = []
        while isinstance(node, ast.Attribute):
            attributes.insert(0, node.attr)
            node = node.value
        found: set[str] = set()
        if depth < _DEPTH:
            for part in _alternatives(node):
                found |= self._plain_names(part, scope, depth + 1)
        kept = sorted(found)[:_MEANINGS]
        return {".".join([name, *attributes]) for name in kept}

    def _plain_names(self, node: ast.AST, scope: _Scope, depth: int) -> set[str]:
        match node:
            case ast.Name(id=name):
                return self._meanings(name, scope, depth)
            case ast.Call(func=ast.Name(id="getattr"), args=[owner, ast.Constant(str(text)), *_]):
                return {f"{name}.{text}" for name in self._names(owner, scope, depth)}
            case ast.Call(func=ast.Name(id="__import__"), args=[ast.Constant(str(text)), *_]):
                return {text.split(".")[0]}
            case ast.Call(func=function, args=[ast.Constant(str(text)), *_]):
                imports = "importlib.import_module" in self._names(function, scope, depth)
                return {text} if imports else set()
            case ast.Attribute():
                return self._names(node, scope, depth)
        return set()

    def _meanings(self, name: str, scope: _Scope, depth: int) -> set[str]:
        key = (scope, name)
        if key not in self._known:
            # A name that stands for itself, over some others, stands for nothing more.
            self._known[key] = found = set[str]()
            for where, meaning in scope.find(name):
                if isinstance(meaning, str):
                    found.add(meaning)
                else:
                    found |= self._names(meaning, where, depth)
        return self._known[key]


def _alternatives(node: ast.AST) -> list[ast.AST]:
    """Split ``a if b else c``, ``a or b`` and ``(c := d)`` into the values they may have."""
    found, stack = [], [node]
    while stack:
        match stack.pop():
            case ast.IfExp(body=first, orelse=second):
                stack += [first, second]
            case ast.BoolOp(values=values):
                stack += values
            case ast.NamedExpr(value=value):
                stack.append(value)
            case other:
                found.append(other)
    return found


def _methods(node: ast.ClassDef) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for part in node.body:
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
            yield part
