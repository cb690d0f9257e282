"""Proving an assignment before students see it, for right and for wrong answers."""

import ast
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import nbformat

from grader.assignment import Assignment, load
from grader.classroom.run import Graded, grade_submission
from grader.folders import Workplace
from grader.notebooks.cells import grade_id, is_answer, is_checked
from grader.notebooks.parsing import parse_course_code
from grader.release.current import stale_assignments
from grader.release.leaks import find_leaks, notebook_text
from grader.samples import Case, Kind, Section, cases
from grader.settings import Settings

__all__ = ["Step", "prove"]

_TEST = "test_"
_ATTACK = "_attack_"
"""In the name of a sample that visible checks need not see: it does not go by what they say."""
_SOLUTION, _BLANK = "the solution", "the untouched release version"


@dataclass(frozen=True)
class Step:
    """Something that must be true of an assignment.

    Attributes
    ----------
    what
        In words.
    problems
        What is not so, each with what to do about it; empty if it is true.
    """

    what: str
    problems: Sequence[str]


def prove(assignment: Assignment, settings: Settings, jobs: int) -> list[Step]:
    """Check an assignment: its files, its solution, its samples, and what its checks tell apart.

    Every sample is graded as a submission is, in a course of its own that is removed afterwards.
    """
    steps = [
        Step("the release version is current", _current(assignment)),
        Step("it gives no solution away", find_leaks(_released(assignment))),
        Step("the declaration agrees with the notebook", _agreement(assignment)),
        Step("every graded cell has its hidden check, and the reverse", _pairs(assignment)),
    ]
    samples = [_solution(assignment), _blank(assignment), *cases(assignment.name)]
    with tempfile.TemporaryDirectory(prefix="check-") as folder:
        found = _graded(assignment, samples, settings, Workplace(Path(folder).resolve()), jobs)
    wheat = [one for one in samples if one.kind == "wheat"]
    chaff = [one for one in samples if one.kind == "chaff"]
    fails = {case.name: set(found[case.name].result.missed) for case in samples}
    lost = set().union(*(fails[case.name] for case in chaff if case.name != _BLANK), set())
    return [
        *steps,
        Step(
            "right answers earn every point",
            [text for case in wheat for text in _lost_points(case, found[case.name])],
        ),
        Step("untouched it earns nothing", _earned(found[_BLANK])),
        Step(
            "wrong answers lose what they declare",
            [text for case in chaff for text in _undeclared(case, found[case.name])],
        ),
        Step(
            "visible checks pass what is right",
            [
                f"{case.name}: the visible check {name} fails; correct it"
                for case in wheat
                for name in _seen(found[case.name])
            ],
        ),
        Step(
            "visible checks see what is wrong",
            [text for case in chaff for text in _unseen(case, found[case.name])],
        ),
        Step(
            "every check is failed by some wrong sample",
            [
                f"no sample ever fails {name}; add one that does"
                for name in assignment.points()
                if name not in lost
            ],
        ),
    ]


def _current(assignment: Assignment) -> list[str]:
    stale = stale_assignments([assignment])
    problem = f"{assignment.release} is not what {assignment.source} gives; release it"
    return [problem] if stale else []


def _released(assignment: Assignment) -> dict[str, str]:
    if not assignment.release.is_file():
        return {}
    return {assignment.notebook_name: notebook_text(assignment.release.read_text("utf-8"))}


def _agreement(assignment: Assignment) -> list[str]:
    """Compare what stands in both places."""
    code = "\n".join(
        cell.source
        for cell in nbformat.read(assignment.source, as_version=4).cells
        if cell.cell_type == "code"
    )
    problems = [
        f"the declaration of {assignment.name} has the artifact {name}, {assignment.source} never "
        "names it; correct either"
        for name in assignment.artifacts
        if name not in code and Path(name).stem not in code
    ]
    if assignment.agreement is not None:
        problems += load(assignment.agreement)(assignment)
    return problems


def _pairs(assignment: Assignment) -> list[str]:
    if not assignment.hidden_checks.exists():
        return []
    tree = parse_course_code(assignment.hidden_checks.read_text(encoding="utf-8"))
    checks = [
        node.name.removeprefix(_TEST)
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith(_TEST)
    ]
    cells = assignment.points()
    file = assignment.hidden_checks
    return [
        *(
            f"the graded cell {one} has no {_TEST}{one} in {file}; write it"
            for one in cells
            if one not in checks
        ),
        *(
            f"{_TEST}{one} in {file} has no graded cell {one}; write it, or remove the check"
            for one in checks
            if one not in cells
        ),
    ]


def _solution(assignment: Assignment) -> Case:
    return _case(assignment, _SOLUTION, "wheat", ())


def _blank(assignment: Assignment) -> Case:
    answers = [
        str(grade_id(cell))
        for cell in nbformat.read(assignment.source, as_version=4).cells
        if is_answer(cell)
    ]
    return _case(assignment, _BLANK, "chaff", answers)


def _case(assignment: Assignment, name: str, kind: Kind, unanswered: Sequence[str]) -> Case:
    return Case(
        name=name, assignment=assignment.name, kind=kind, status="graded",
        fails=frozenset(assignment.points() if unanswered else ()), reason="", not_visible="",
        description=name, sections=tuple(Section(one, "", added=False) for one in unanswered),
        edit="",
    )  # fmt: skip


def _graded(
    assignment: Assignment,
    samples: Sequence[Case],
    settings: Settings,
    workplace: Workplace,
    jobs: int,
) -> dict[str, Graded]:
    for number, case in enumerate(samples):
        case.write(workplace.root, f"sample-{number}")
    release = assignment.restoring()

    def grade(number: int) -> Graded:
        return grade_submission(f"sample-{number}", release, assignment, settings, workplace)

    with ThreadPoolExecutor(jobs, thread_name_prefix="grade") as pool:
        graded = pool.map(grade, range(len(samples)))
        return {case.name: one for case, one in zip(samples, graded, strict=True)}


def _lost_points(case: Case, graded: Graded) -> Iterator[str]:
    if graded.result.status != "graded":
        yield f"{case.name} was not graded: {graded.result.problem}"
        return
    for name in sorted(graded.result.missed):
        yield f"{case.name} loses points of {name}: {graded.result.verdicts[name].message}"


def _earned(graded: Graded) -> list[str]:
    return [
        f"it has {verdict.points:g} points of {name}; let the check ask for what is to be written"
        for name, verdict in graded.result.verdicts.items()
        if verdict.points > 0
    ]


def _undeclared(case: Case, graded: Graded) -> Iterator[str]:
    result = graded.result
    if result.status != case.status:
        yield f"{case.name} declares '{case.status}', found '{result.status}': {result.problem}"
    elif case.status != "graded":
        if case.reason not in str(result.problem):
            yield f"{case.name} declares the reason '{case.reason}', found: {result.problem}"
    else:
        missed = set(result.missed)
        for name in sorted(missed - case.fails):
            yield f"{case.name} also loses points of {name}: {result.verdicts[name].message}"
        for name in sorted(case.fails - missed):
            yield f"{case.name} declares that it fails {name}, which gives it all points"


def _seen(graded: Graded) -> list[str]:
    """Return the grade ids of visible checks that failed."""
    notebook = graded.result.notebook
    return [
        str(grade_id(cell))
        for cell in (notebook.cells if notebook is not None else ())
        if is_checked(cell)
        and any(output.output_type == "error" for output in cell.get("outputs", ()))
    ]


def _unseen(case: Case, graded: Graded) -> Iterator[str]:
    honest = _ATTACK not in case.name and not case.edit
    if honest and case.status == "graded" and not case.not_visible and not _seen(graded):
        yield (
            f"no visible check sees what is wrong in {case.name}; add one, or say in the sample "
            "'not visible: why'"
        )
