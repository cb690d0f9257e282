"""Limits and sources of one grading run, from the environment or from code."""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from grader.assignment import Assignment, installed_course, load
from grader.errors import CourseError

__all__ = [
    "DEVELOPMENT_SECRET", "Limits", "Settings", "current_settings", "load_secret", "named_file",
    "variable",
]  # fmt: skip

DEVELOPMENT_SECRET = "development-only-secret"

_MB = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """What one submission may use inside its sandbox.

    Attributes
    ----------
    other_seconds
        Processor seconds for everything besides training, on the machine of the calibration: a
        notebook that has used its budget and these is stopped, and what it saved counts.
    own_seconds
        Further processor seconds in cells that the student added.
    cell_seconds
        Seconds in which one cell may do nothing, beyond its training budget.
    submission_seconds
        The same for the whole notebook; how long its answers may take in all.
    probe_seconds
        Wall-clock seconds for one answer of the student's functions.
    cpu_seconds
        CPU seconds of all its processes together, and so of each.
    memory
        Bytes of memory of all its processes and files together.
    disk, files
        Bytes of files in its home folder, as many in /tmp and in /dev/shm, and how many files in
        all. They lie in memory and count there, too.
    address_space, file_size
        Bytes of address space of each process, and of any file it writes.
    processes
        Processes and threads.
    output_bytes
        Bytes that the notebook may print and show.
    notebook_bytes, artifact_bytes
        Largest notebook that is read, and largest artifact that is taken out of the sandbox.
    cells
        How many cells a notebook may have.
    cell_bytes, code_bytes
        Bytes of source in one code cell of the student's, and in all of them: forty times what
        the tasks need.
    held_text, held_code
        Bytes that the text in all code cells (literals, magics, comments, docstrings) compresses
        to, and all of these cells. Beyond either, a notebook runs without its comments and
        docstrings; beyond either even so, the source could hold trained weights. The correct
        samples hold at most 750 and 1,900 bytes, a very long one without its comments 1,730 and
        5,580; the 2,561 trained weights of the sample attackers take 5,190 bytes of text.
    """

    other_seconds: float = 180.0
    own_seconds: float = 240.0
    cell_seconds: float = 240.0
    submission_seconds: float = 600.0
    probe_seconds: float = 120.0
    cpu_seconds: int = 3600
    memory: int = 8 * 1024 * _MB
    disk: int = 1024 * _MB
    files: int = 20_000
    address_space: int = 24 * 1024 * _MB
    file_size: int = 512 * _MB
    processes: int = 512
    output_bytes: int = 16 * _MB
    notebook_bytes: int = 16 * _MB
    artifact_bytes: int = 256 * _MB
    cells: int = 1000
    cell_bytes: int = 60_000
    code_bytes: int = 120_000
    held_text: int = 4_000
    held_code: int = 8_000


@dataclass(frozen=True)
class Settings:
    """Everything besides the submission that a grade depends on.

    Attributes
    ----------
    train_seconds
        Budget in seconds of processor time; None: the assignment's own.
    secret
        Course secret, from which hidden inputs are made.
    sandbox
        False only after ``--unsafe-no-sandbox``.
    limits
        What a submission may use.
    """

    train_seconds: float | None = None
    secret: str = DEVELOPMENT_SECRET
    sandbox: bool = True
    limits: Limits = Limits()

    def budget(self, assignment: Assignment) -> float:
        """Budget of an assignment's notebooks, in seconds of processor time."""
        return assignment.train_seconds if self.train_seconds is None else self.train_seconds

    @classmethod
    def from_environment(cls) -> Self:
        """Read the settings that environment variables carry.

        With the course's prefix: ``…_GRADE_SECONDS`` (budget), ``…_COURSE_SECRET`` or
        ``…_COURSE_SECRET_FILE``, ``…_UNSAFE_NO_SANDBOX=1``.

        Raises
        ------
        CourseError
            If a variable has an unusable value.
        """
        settings = cls(secret=load_secret())
        name = variable("GRADE_SECONDS")
        if budget := os.environ.get(name):
            settings = replace(settings, train_seconds=_positive(name, budget))
        if os.environ.get(variable("UNSAFE_NO_SANDBOX")) == "1":
            settings = replace(settings, sandbox=False)
        return settings

    def portable(self) -> Self:
        """Return them as they are sent to another machine."""
        return self

    def arrived(self) -> Self:
        """Return them as they are used on the machine that they were sent to.

        Raises
        ------
        CourseError
            If they cannot be used there.
        """
        return self

    def demonstrating(self, data: Path | None) -> Self:
        """Return them for the demonstration, on real data or on those that the course makes."""
        return self

    def data_summary(self) -> str:
        """Make sure that there are data, and say what they are."""
        return "no data"

    def checks_depend_on(self) -> bytes:
        """Return what verdicts depend on besides secret and code."""
        return b""


def variable(name: str) -> str:
    """Return the name of an environment variable of this course."""
    return f"{installed_course().prefix}_{name}"


def current_settings() -> Settings:
    """Read the settings of the installed course from the environment."""
    settings: Settings = load(installed_course().settings).from_environment()
    return settings


def load_secret() -> str:
    """Return the course secret, or the development secret where none is set.

    Raises
    ------
    CourseError
        If ``…_COURSE_SECRET_FILE`` names no readable, non-empty file.
    """
    name = variable("COURSE_SECRET_FILE")
    path = os.environ.get(name)
    if path:
        try:
            secret = Path(path).expanduser().read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise CourseError(
                f"expected {name} to name a text file, found {path} ({error}); "
                "write any long random line into such a file"
            ) from error
        if not secret:
            raise CourseError(f"expected a secret in {path}, found an empty file; write one line")
        return secret
    return os.environ.get(variable("COURSE_SECRET")) or DEVELOPMENT_SECRET


def named_file(name: str, what: str) -> Path | None:
    """Return the file that an environment variable names, if it does.

    Raises
    ------
    CourseError
        If there is no such file.
    """
    named = os.environ.get(name)
    if not named:
        return None
    path = Path(named).expanduser().resolve()
    if not path.is_file():
        raise CourseError(
            f"expected {name} to name {what}, found no file at {path}; correct the path or "
            "unset the variable"
        )
    return path


def _positive(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < 86_400:
        raise CourseError(f"expected {name} to be seconds above 0, found {text!r}; set e.g. 60")
    return value
