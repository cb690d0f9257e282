"""Submissions that are the same but for names, comments, layout and literals.

Each answer becomes a set of runs of tokens (k-grams) in which a variable is only a variable and a
number only a number. What was handed out, and what more than half of the class wrote, counts for
nothing: it would make strangers alike. Two submissions are compared by the share of what is left
of the smaller one that the other has as well.
"""

import ast
import functools
import io
import itertools
import keyword
import tokenize
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from grader.sandbox.probe import Cell
from grader.suspicion.code import parsed

__all__ = ["LEAST_RUNS", "SIMILAR", "Pair", "likeness", "similar_pairs"]

SIMILAR = 0.7
"""Share from which a pair is reported.

Independent sample submissions share less than half of their code; renamed, reordered and
reformatted copies keep more than nine tenths.
"""

LEAST_RUNS = 40
"""Smallest number of runs to be compared: short answers are alike without copying."""

_RUN = 5
_COMMON_LEAST = 4
_ADDED = "added cells"

_Run = tuple[str, ...]


@dataclass(frozen=True)
class Pair:
    """Two submissions that are alike.

    Attributes
    ----------
    first, second
        Students, in alphabetical order.
    similarity
        Share of the smaller submission's own code that is in both, 0–1.
    cells
        Share of the first's code by cell, of the cells that match, most alike first.
    """

    first: str
    second: str
    similarity: float
    cells: Mapping[str, float]


def likeness(cells: Sequence[Cell], solution: Iterable[Cell], released: Iterable[Cell]) -> float:
    """Return the share of a submission's code that the reference solution has, 0–1.

    Returns
    -------
    float
        0 if there is too little code to tell.
    """
    own = _runs_of(cells) - _runs_of(released)
    return len(own & _runs_of(solution)) / len(own) if len(own) >= LEAST_RUNS else 0.0


def similar_pairs(submissions: Mapping[str, Sequence[Cell]], known: Iterable[Cell]) -> list[Pair]:
    """Find pairs of submissions that are alike, most alike first.

    Parameters
    ----------
    submissions
        Each student's code cells: answers under their grade ids, cells of their own under
        other names.
    known
        Code that counts for nothing: the cells that were handed out, and their solutions.

    Returns
    -------
    list of Pair
        Those with a similarity of at least `SIMILAR`.
    """
    given = list(known)
    names = {cell.name for cell in given}
    cells = {student: _by_cell(own, names) for student, own in submissions.items()}
    common = _runs_of(given) | _common([_all(own) for own in cells.values()])
    cells = {
        student: {name: runs - common for name, runs in own.items()}
        for student, own in cells.items()
    }
    everything = {student: _all(own) for student, own in cells.items()}
    enough = sorted(student for student, runs in everything.items() if len(runs) >= LEAST_RUNS)
    found = []
    for first, second in itertools.combinations(enough, 2):
        similarity = _share(everything[first], everything[second])
        if similarity >= SIMILAR:
            matching = _matching(cells[first], everything[second])
            found.append(Pair(first, second, similarity, matching))
    return sorted(found, key=lambda pair: (-pair.similarity, pair.first, pair.second))


def _by_cell(cells: Sequence[Cell], names: Collection[str]) -> dict[str, frozenset[_Run]]:
    runs: dict[str, frozenset[_Run]] = {}
    for cell in cells:
        name = cell.name if cell.name in names else _ADDED
        runs[name] = runs.get(name, frozenset()) | _runs(cell.source)
    return runs


def _runs_of(cells: Iterable[Cell]) -> frozenset[_Run]:
    return frozenset[_Run]().union(*(_runs(cell.source) for cell in cells))


def _all(cells: Mapping[str, frozenset[_Run]]) -> frozenset[_Run]:
    return frozenset[_Run]().union(*cells.values())


def _common(everybody: Sequence[frozenset[_Run]]) -> frozenset[_Run]:
    """Return what more than half of the class has, in a class large enough to tell."""
    count = Counter(run for runs in everybody for run in runs)
    least = max(_COMMON_LEAST, len(everybody) // 2 + 1)
    return frozenset(run for run, times in count.items() if times >= least)


def _share(first: frozenset[_Run], second: frozenset[_Run]) -> float:
    return len(first & second) / min(len(first), len(second))


def _matching(cells: Mapping[str, frozenset[_Run]], other: frozenset[_Run]) -> dict[str, float]:
    """Share by cell of what the other submission has too, wherever it stands there."""
    shares = {name: len(runs & other) / len(runs) for name, runs in cells.items() if runs}
    alike = {name: share for name, share in shares.items() if share >= SIMILAR}
    return dict(sorted(alike.items(), key=lambda item: (-item[1], item[0])))


@functools.lru_cache(maxsize=8192)
def _runs(source: str) -> frozenset[_Run]:
    tokens = list(_normalised(source))
    return frozenset(tuple(tokens[i : i + _RUN]) for i in range(len(tokens) - _RUN + 1))


def _normalised(source: str) -> Iterator[str]:
    """Tokens without names of variables, literals, comments and layout.

    Names after a dot and of keyword arguments belong to a library and stay.
    """
    tree = parsed(source)
    text = source if tree is None else ast.unparse(_without_docstrings(tree))
    before = ""
    for token in _tokens(text):
        kind, value = token.type, token.string
        if kind == tokenize.NUMBER:
            yield "0"
        elif kind == tokenize.STRING:
            yield "''"
        elif kind == tokenize.NAME:
            yield value if keyword.iskeyword(value) or before == "." else "name"
        elif kind == tokenize.OP and value != ",":
            yield value
        before = value


def _tokens(text: str) -> Iterator[tokenize.TokenInfo]:
    """Yield tokens as far as there are any: a cell need not be Python."""
    try:
        yield from tokenize.generate_tokens(io.StringIO(text).readline)
    except (tokenize.TokenError, SyntaxError):
        return


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and len(body) > 1 and isinstance(body[0], ast.Expr):
            value = body[0].value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                del body[0]
    return tree
