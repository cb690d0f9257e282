"""Limits and sources of one grading run, from the environment or from code."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

from bsds_utils.errors import BSDSError
from grader.assignment import Assignment

__all__ = ["DEVELOPMENT_SECRET", "Limits", "Settings", "load_secret"]

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
        Training budget in seconds of processor time; None: the assignment's own.
    secret
        Course secret from which the hidden images are made.
    data_source, data_root
        As for :func:`bsds_utils.open_dataset`.
    encoder_weights
        ResNet50 weights file shown to the sandbox of assignments that use it; when None, a
        random encoder made from a fixed seed stands in.
    calibration
        What the reference solutions reach, in place of the committed ``targets.json``.
    sandbox
        False only after ``--unsafe-no-sandbox``.
    limits
        What a submission may use.
    """

    train_seconds: float | None = None
    secret: str = DEVELOPMENT_SECRET
    data_source: str | None = None
    data_root: Path | None = None
    encoder_weights: Path | None = None
    calibration: Path | None = None
    sandbox: bool = True
    limits: Limits = Limits()

    def budget(self, assignment: Assignment) -> float:
        """Training budget of an assignment's notebooks, in seconds of processor time."""
        return assignment.train_seconds if self.train_seconds is None else self.train_seconds

    @classmethod
    def from_environment(cls) -> "Settings":
        """Read the settings that environment variables carry.

        ``BSDS_GRADE_SECONDS`` (training budget), ``BSDS_COURSE_SECRET`` or
        ``BSDS_COURSE_SECRET_FILE``, ``BSDS_ENCODER_WEIGHTS``, ``BSDS_CALIBRATION``,
        ``BSDS_UNSAFE_NO_SANDBOX=1``; the data set is found as :func:`bsds_utils.open_dataset`
        finds it.

        Raises
        ------
        BSDSError
            If a variable has an unusable value.
        """
        settings = cls(secret=load_secret())
        budget = os.environ.get("BSDS_GRADE_SECONDS")
        if budget:
            settings = replace(settings, train_seconds=_positive("BSDS_GRADE_SECONDS", budget))
        settings = replace(
            settings,
            encoder_weights=_file("BSDS_ENCODER_WEIGHTS", "a weights file"),
            calibration=_file("BSDS_CALIBRATION", "a calibration"),
        )
        if os.environ.get("BSDS_UNSAFE_NO_SANDBOX") == "1":
            settings = replace(settings, sandbox=False)
        return settings


def load_secret() -> str:
    """Return the course secret, or the development secret where none is set.

    Raises
    ------
    BSDSError
        If ``BSDS_COURSE_SECRET_FILE`` names no readable, non-empty file.
    """
    path = os.environ.get("BSDS_COURSE_SECRET_FILE")
    if path:
        try:
            secret = Path(path).expanduser().read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise BSDSError(
                f"expected BSDS_COURSE_SECRET_FILE to name a text file, found {path} ({error}); "
                "write any long random line into such a file"
            ) from error
        if not secret:
            raise BSDSError(f"expected a secret in {path}, found an empty file; write one line")
        return secret
    return os.environ.get("BSDS_COURSE_SECRET") or DEVELOPMENT_SECRET


def _file(variable: str, what: str) -> Path | None:
    named = os.environ.get(variable)
    if not named:
        return None
    path = Path(named).expanduser().resolve()
    if not path.is_file():
        raise BSDSError(
            f"expected {variable} to name {what}, found no file at {path}; correct the path or "
            "unset the variable"
        )
    return path


def _positive(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < 86_400:
        raise BSDSError(f"expected {name} to be seconds above 0, found {text!r}; set e.g. 60")
    return value
