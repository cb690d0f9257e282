"""Copies are found, independent work is not."""

import ast
import itertools
import re
from pathlib import Path

import nbformat
import pytest

from grader.assignment import get_assignment
from grader.classroom.run import Graded
from grader.folders import Workplace
from grader.grading.result import Result
from grader.samples import Case, cases
from grader.sandbox.probe import Cell
from grader.suspicion import investigate
from grader.suspicion.similarity import SIMILAR, likeness, similar_pairs

WHEAT = {name: [c for c in cases(name) if c.kind == "wheat"] for name in ("cnn", "resnet")}


def _code(notebook: nbformat.NotebookNode) -> list[Cell]:
    return [
        Cell(str(cell.metadata.get("nbgrader", {}).get("grade_id")), cell.source)
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def _handed_out(name: str, *, solution: bool = True) -> list[Cell]:
    assignment = get_assignment(name)
    paths = [assignment.release, assignment.source] if solution else [assignment.release]
    return [cell for path in paths for cell in _code(nbformat.read(path, as_version=4))]


def _cells(case: Case) -> list[Cell]:
    notebook = case.notebook()
    notebook.cells = [
        cell for cell in notebook.cells if not cell.metadata.get("nbgrader", {}).get("locked")
    ]
    return _code(notebook)


class _Renamed(ast.NodeTransformer):
    """Gives every variable and argument another name and every literal another value."""

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(f"{node.id}_of_mine", node.ctx)

    def visit_arg(self, node: ast.arg) -> ast.arg:
        return ast.arg(f"{node.arg}_of_mine", node.annotation)

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        return ast.Constant(node.value + 1) if type(node.value) is int else node


def _copied(cell: Cell) -> Cell:
    """Rename, drop comments, lay out anew, and put functions in another order."""
    if re.search(r"^[%!?]|= !", cell.source, re.MULTILINE):
        return cell
    tree = _Renamed().visit(ast.parse(cell.source))
    tree.body.reverse()
    text = ast.unparse(ast.fix_missing_locations(tree))
    text = text.replace(", ", " ,  ").replace("\n", "  # mine now\n\n")
    return Cell(cell.name, text)


@pytest.mark.parametrize("name", WHEAT)
def test_independent_submissions_are_no_pairs(name: str) -> None:
    """No two honest sample submissions come near the limit, in a class or by themselves."""
    known = _handed_out(name)
    submissions = {case.name: _cells(case) for case in WHEAT[name]}
    assert similar_pairs(submissions, known) == []
    for first, second in itertools.combinations(submissions, 2):
        two = {first: submissions[first], second: submissions[second]}
        assert similar_pairs(two, known) == []


@pytest.mark.parametrize("copied", ["cnn_functional", "cnn_keras_losses", "resnet_flat"])
def test_disguised_copies_are_found(copied: str) -> None:
    """A copy with other names, literals, comments, layout and order is found, and it alone."""
    name = copied.partition("_")[0]
    submissions = {case.name: _cells(case) for case in WHEAT[name]}
    submissions["thief"] = [_copied(cell) for cell in submissions[copied]]
    assert submissions["thief"] != submissions[copied]
    (pair,) = similar_pairs(submissions, _handed_out(name))
    assert (pair.first, pair.second) == (copied, "thief")
    assert pair.similarity > 0.9
    assert "task_build_cnn" in pair.cells or "task_build_resnet" in pair.cells


def test_moved_code_is_found() -> None:
    """Code that the copy put into cells of its own counts as well."""
    submissions = {case.name: _cells(case) for case in WHEAT["cnn"]}
    submissions["thief"] = [Cell("no. 7", cell.source) for cell in submissions["cnn_functional"]]
    (pair,) = similar_pairs(submissions, _handed_out("cnn"))
    assert {pair.first, pair.second} == {"cnn_functional", "thief"}


def test_partly_rewritten_copies_are_found() -> None:
    """A copy in which one of several answers was written anew is still alike."""
    submissions = {case.name: _cells(case) for case in WHEAT["cnn"]}
    other = {cell.name: cell for cell in submissions["cnn_chatty"]}
    submissions["thief"] = [
        other["task_train"] if cell.name == "task_train" else _copied(cell)
        for cell in submissions["cnn_functional"]
    ]
    (pair,) = similar_pairs(submissions, _handed_out("cnn"))
    assert {pair.first, pair.second} == {"cnn_functional", "thief"}
    assert "task_train" not in pair.cells
    assert "task_build_cnn" in pair.cells


def test_untouched_stubs_never_count() -> None:
    """Two who handed in the released notebook as it is are not alike."""
    release = _handed_out("cnn", solution=False)
    assert similar_pairs({"ada": release, "alan": release}, release) == []


def test_what_the_class_shares_does_not_count() -> None:
    """Code that more than half of a class has, from a lecture say, makes nobody alike."""
    lecture = _cells(next(case for case in WHEAT["cnn"] if case.name == "cnn_functional"))
    known = _handed_out("cnn")
    few = {"ada": lecture, "alan": lecture}
    assert len(similar_pairs(few, known)) == 1
    everybody = {f"student {number}": lecture for number in range(6)}
    assert similar_pairs(everybody, known) == []


def test_likeness_to_the_solution() -> None:
    """Work that is the reference solution says so; honest work does not; stubs do not."""
    release = _handed_out("cnn", solution=False)
    solution = _code(nbformat.read(get_assignment("cnn").source, as_version=4))
    assert likeness(solution, solution, release) == 1.0
    assert likeness(release, solution, release) == 0.0
    honest = _cells(next(case for case in WHEAT["cnn"] if case.name == "cnn_functional"))
    assert likeness(honest, solution, release) < SIMILAR


def test_cells_that_are_no_python_are_compared() -> None:
    """A cell with a syntax error is compared as far as it has tokens, and breaks nothing."""
    broken = "\n".join(f"def f{n}(:\n    return layers.Conv{n}(x.shape + {n})" for n in range(20))
    submissions = {"ada": [Cell("task", broken)], "alan": [Cell("task", broken + "\n(")]}
    (pair,) = similar_pairs(submissions, [])
    assert pair.similarity > 0.9


@pytest.mark.slow
def test_one_copied_pair_in_a_large_class(tmp_path: Path) -> None:
    """Among three hundred different submissions the one copied pair is found, and no other."""
    assignment = get_assignment("cnn")
    cases_ = WHEAT["cnn"]
    graded = []
    for number in range(300):
        notebook = cases_[number % len(cases_)].notebook()
        for cell in notebook.cells:
            if cell.metadata.get("nbgrader", {}).get("solution") and cell.cell_type == "code":
                # Calls of methods that no two have in common, so that no two are alike.
                extra = [f"a.m{number}_{i}(b).n{number}_{i}(c)" for i in range(40)]
                cell.source += "\n" + "\n".join(extra)
        graded.append(Graded(f"s{number}", Result("graded", {}, notebook=notebook), 1.0, False))
    graded.append(Graded("thief", graded[7].result, 1.0, False))
    found = investigate(assignment, graded, Workplace(tmp_path))
    assert [(pair.first, pair.second) for pair in found.pairs] == [("s7", "thief")]
