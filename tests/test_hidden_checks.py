"""The hidden checks fit the notebooks: one test for each automatically graded cell."""

import ast

import nbformat
import pytest

from grader.checking.plugin import grade_id_of
from grader.course import ASSIGNMENTS

each_assignment = pytest.mark.parametrize("name", ASSIGNMENTS)


def _tests(name: str) -> list[ast.FunctionDef]:
    tree = ast.parse(ASSIGNMENTS[name].hidden_checks.read_text(encoding="utf-8"))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    return [function for function in functions if function.name.startswith("test_")]


@each_assignment
def test_each_graded_cell_has_one_hidden_test(name: str) -> None:
    """Grade ids with points and names of hidden tests are the same, each once."""
    tested = [grade_id_of(function.name) for function in _tests(name)]
    assert sorted(tested) == sorted(ASSIGNMENTS[name].points())


@each_assignment
def test_points_are_positive(name: str) -> None:
    """Every automatic check is worth something."""
    assert min(ASSIGNMENTS[name].points().values()) > 0


@each_assignment
def test_hidden_tests_say_what_they_check(name: str) -> None:
    """Every hidden test has a docstring, and none asserts: pytest would show the values."""
    for function in _tests(name):
        assert ast.get_docstring(function), function.name
        assert not any(isinstance(node, ast.Assert) for node in ast.walk(function)), function.name


@each_assignment
def test_probed_names_are_defined_in_the_notebook(name: str) -> None:
    """Every function that a hidden test asks for is one that the solutions notebook defines."""
    notebook = nbformat.read(ASSIGNMENTS[name].source, as_version=4)
    source = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    defined = {
        node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)
    }
    tree = ast.parse(ASSIGNMENTS[name].hidden_checks.read_text(encoding="utf-8"))
    asked = {
        call.args[0].value
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in ("call", "gradient")
        and isinstance(call.args[0], ast.Constant)
    }
    assert asked
    assert asked <= defined


@each_assignment
def test_release_and_source_have_the_same_checks(name: str) -> None:
    """Grade ids and points of the released notebook are those of the source."""

    def graded(path: object) -> dict[str, float]:
        cells = nbformat.read(path, as_version=4).cells
        infos = [cell.metadata.get("nbgrader", {}) for cell in cells]
        return {info["grade_id"]: info["points"] for info in infos if info.get("grade")}

    assert graded(ASSIGNMENTS[name].release) == graded(ASSIGNMENTS[name].source)
