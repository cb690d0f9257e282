"""A submission as hidden checks see it: what its notebook left, and what its functions answer."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

import numpy as np

from grader.assignment import Assignment
from grader.checking.artifacts import ArtifactError, read_json
from grader.folders import Workplace
from grader.sandbox.probe import Cell, Probe, ProbeError, ProbeSession
from grader.settings import Settings

__all__ = ["Submission"]

_T = TypeVar("_T")


class Submission:
    """A submission whose parts are made when a check first asks for them, and only once.

    A course adds what its own checks look at in a subclass, and says there what writes JSON files.

    Parameters
    ----------
    assignment, settings, workplace
        What is graded, how, and where the grader keeps its files.
    artifacts
        Contents of the files that the notebook left behind, by name.
    student_cells
        Sources of the cells that the student wrote or could write.
    probe
        Runs the student's functions in a sandbox.
    problem
        What went wrong first when the notebook ran, if anything did.
    """

    json_writer = "your notebook"

    def __init__(
        self,
        assignment: Assignment,
        settings: Settings,
        workplace: Workplace,
        artifacts: Mapping[str, bytes],
        student_cells: Sequence[Cell],
        probe: Probe,
        problem: str | None = None,
    ) -> None:
        self.assignment = assignment
        self.settings = settings
        self.workplace = workplace
        self.artifacts = artifacts
        self.student_cells = student_cells
        self.probe = probe
        self.problem = problem
        self._session: ProbeSession | None = None
        self._made: dict[tuple[str, ...], Any] = {}

    def generator(self, name: str) -> np.random.Generator:
        """Return random numbers for a check, which depend on the course secret and the submission.

        The same submission gets the same questions again; to foresee them takes the secret.
        """
        key = repr((self.settings.secret, name, self.student_cells))
        return np.random.default_rng(list(hashlib.sha256(key.encode()).digest()))

    @property
    def functions(self) -> ProbeSession:
        """The submission's functions, in a process shared by all checks that only call them."""
        if self._session is None or not self._session.alive:
            self._session = self.probe.open()
        return self._session

    def fresh_functions(self) -> ProbeSession:
        """Return them in a process in which nothing was called yet."""
        self._session = self.probe.open()
        return self._session

    def left(self, name: str) -> bool:
        """Whether the notebook left a file behind."""
        return name in self.artifacts

    def artifact(self, name: str, what: str = "file") -> bytes:
        """Contents of a file that the notebook saved.

        Raises
        ------
        ArtifactError
            If there is none; says why if that is known.
        """
        if not self.left(name):
            reason = self.problem or "the cell that saves it did not run"
            raise ArtifactError(f"your notebook left no {what} {name}: {reason}", "missing")
        return self.artifacts[name]

    def json(self, name: str) -> dict[str, Any]:
        """Read a small JSON object that the notebook saved."""
        return read_json(self.artifacts.get(name), name, self.json_writer)

    def close(self) -> None:
        """End what runs for it."""
        self.probe.close()

    def _once(self, key: tuple[str, ...], make: Callable[[], _T]) -> _T:
        """Make a value, or repeat what came of it before, error included."""
        if key not in self._made:
            try:
                self._made[key] = make()
            except (ArtifactError, ProbeError) as error:
                self._made[key] = error
        value = self._made[key]
        if isinstance(value, ArtifactError | ProbeError):
            raise value
        return cast(_T, value)
