"""Evidence of cheating, for a person to judge.

Nothing here takes a point off: grades depend on what a submission does, see docs/threat-model.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat

from grader.assignment import Assignment
from grader.classroom.run import Graded
from grader.folders import Workplace
from grader.sandbox.probe import Cell
from grader.settings import Limits
from grader.suspicion.anomalies import anomalies
from grader.suspicion.finding import Finding
from grader.suspicion.handed_in import raw_cells, read_raw
from grader.suspicion.similarity import SIMILAR, Pair, likeness, similar_pairs
from grader.suspicion.traces import code_traces, wall_traces
from grader.suspicion.training_data import training_data

__all__ = ["Finding", "Pair", "Suspicion", "investigate"]


@dataclass(frozen=True)
class Suspicion:
    """What was noticed in a class.

    Attributes
    ----------
    findings
        By student, signs before notes.
    pairs
        Submissions that are alike, most alike first.
    """

    findings: Mapping[str, Sequence[Finding]] = field(default_factory=dict)
    pairs: Sequence[Pair] = ()

    @property
    def suspicious(self) -> list[str]:
        """Students with a sign or in a pair, those with most first."""
        weight: dict[str, int] = {}
        for student, findings in self.findings.items():
            weight[student] = sum(finding.weight == "sign" for finding in findings)
        for pair in self.pairs:
            for student in (pair.first, pair.second):
                weight[student] = weight.get(student, 0) + 1
        return sorted((s for s in weight if weight[s]), key=lambda s: (-weight[s], s))


def investigate(
    assignment: Assignment, graded: Sequence[Graded], workplace: Workplace
) -> Suspicion:
    """Look for traces of attacks, odd files and copies.

    Parameters
    ----------
    assignment, graded, workplace
        What was graded, what came of it, and where ``submitted/`` lies.

    Returns
    -------
    Suspicion
        The same for the same submissions.
    """
    folders = {
        one.student: workplace.root / "submitted" / one.student / assignment.name for one in graded
    }
    cells = {one.student: _cells(one, folders[one.student], assignment) for one in graded}
    release = nbformat.read(assignment.release, as_version=4)
    released = _code(release)
    solution = _code(nbformat.read(assignment.source, as_version=4))
    students = frozenset(folders)
    findings = {}
    for one in graded:
        own = cells[one.student]
        found = [
            *code_traces(own),
            *training_data(own),
            *wall_traces(one.result),
            *_like_solution(likeness(own, solution, released)),
            *anomalies(folders[one.student], assignment, release, one.student, students),
        ]
        findings[one.student] = sorted(found, key=lambda finding: finding.weight != "sign")
    return Suspicion(findings, similar_pairs(cells, [*released, *solution]))


def _like_solution(share: float) -> list[Finding]:
    if share < SIMILAR:
        return []
    return [Finding("note", "code", f"is the reference solution's, {share:.0%} of it")]


def _code(notebook: nbformat.NotebookNode) -> list[Cell]:
    cells = raw_cells(notebook)
    return [Cell(str(cell.grade_id), cell.source) for cell in cells if cell.kind == "code"]


def _cells(one: Graded, folder: Path, assignment: Assignment) -> list[Cell]:
    """Return the code that the student wrote: of the notebook that ran, else as handed in."""
    notebook: dict[str, Any] | None = one.result.notebook
    if notebook is None:
        notebook = read_raw(folder / assignment.notebook_name, Limits().notebook_bytes)
    return [
        Cell(cell.grade_id or f"no. {number}", cell.source)
        for number, cell in enumerate(raw_cells(notebook or {}), start=1)
        if cell.kind == "code" and not (cell.nbgrader.get("locked") or cell.nbgrader.get("grade"))
    ]
