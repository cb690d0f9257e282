"""Running an assignment's hidden checks in a trusted process of their own.

The process is forked from a server that has Keras imported and nothing else, so a class pays for
that import once; it opens artifacts and asks a probe sandbox, and never runs a submission's code.
"""

import os
import signal
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from grader.course import Assignment
from grader.sandbox.bubblewrap import Sandbox
from grader.sandbox.live import LIVE
from grader.sandbox.probe import Cell, Probe
from grader.scoring.verdict import BROKEN, Verdict
from grader.settings import Settings
from grader.trusted import trusted_processes
from grader.workplace import Workplace

__all__ = ["CheckJob", "run_checks"]

_MARGIN_SECONDS = 600.0


def course_environment() -> dict[str, str]:
    """Return the environment variables that say how and on what to grade."""
    return {name: value for name, value in os.environ.items() if name.startswith("BSDS")}


@dataclass(frozen=True)
class CheckJob:
    """What the checking process needs to know.

    Attributes
    ----------
    assignment, settings, workplace
        What is graded, how, and where the grader keeps its files.
    artifacts
        Folder with the files that the notebook left behind.
    probe_sandbox
        Where the student's functions run.
    probe_cells
        The cells that define them.
    student_cells
        The cells that the student wrote.
    problem
        Why the notebook did not run to its end, if it did not.
    environment
        The course's environment variables. The server that checking processes are forked from
        has those of the time when it started, which may name other data.
    """

    assignment: Assignment
    settings: Settings
    workplace: Workplace
    artifacts: Path
    probe_sandbox: Sandbox
    probe_cells: Sequence[Cell]
    student_cells: Sequence[Cell]
    problem: str | None
    environment: Mapping[str, str] = field(default_factory=course_environment)


def run_checks(job: CheckJob) -> dict[str, Verdict]:
    """Run the hidden tests and return one verdict for each automatically graded cell.

    Returns
    -------
    dict
        By grade id, complete: a check that did not finish gives no points and says so.
    """
    context = trusted_processes()
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_check, args=(job, sender))
    process.start()
    sender.close()
    with LIVE.register(process.kill):
        verdicts, internal = _receive(receiver, job.settings.limits.submission_seconds)
        if internal is not None:
            process.kill()
        process.join()
    points = job.assignment.points()
    missing = {
        grade_id: Verdict(grade_id, 0.0, maximum, BROKEN, internal)
        for grade_id, maximum in points.items()
        if grade_id not in verdicts
    }
    return {grade_id: (verdicts | missing)[grade_id] for grade_id in points}


def _receive(receiver: Connection, seconds: float) -> tuple[dict[str, Verdict], str | None]:
    try:
        if receiver.poll(seconds + _MARGIN_SECONDS):
            verdicts, internal = receiver.recv()
            return verdicts, internal
        return {}, "the hidden checks took too long"
    except EOFError:
        return {}, "the checking process ended without an answer"
    finally:
        receiver.close()


def _check(job: CheckJob, sender: Connection) -> None:
    # Ctrl-C is for the grader alone, which then ends this process itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in course_environment():
        del os.environ[name]
    os.environ.update(job.environment)
    try:
        sender.send(_verdicts(job))
    except BaseException:
        sender.send(({}, traceback.format_exc()))


def _verdicts(job: CheckJob) -> tuple[dict[str, Verdict], str | None]:
    # Imported here, in the forked process, because it needs Keras.
    import pytest

    from grader.scoring.evidence import Evidence
    from grader.scoring.plugin import VerdictPlugin

    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    tests = job.assignment.hidden_tests
    with tempfile.TemporaryFile("w+") as log:
        for descriptor in (1, 2):
            os.dup2(log.fileno(), descriptor)
        probe = Probe(job.probe_sandbox, job.probe_cells)
        evidence = Evidence(
            assignment=job.assignment,
            settings=job.settings,
            workplace=job.workplace,
            artifacts=job.artifacts,
            student_cells=job.student_cells,
            probe=probe,
            problem=job.problem,
        )
        plugin = VerdictPlugin(evidence, job.assignment.points())
        try:
            arguments = ["-c", str(tests.with_name("pytest.ini")), "-p", "no:cacheprovider"]
            pytest.main([*arguments, str(tests)], plugins=[plugin])
        finally:
            probe.close()
        log.seek(0)
        complete = plugin.verdicts.keys() >= job.assignment.points().keys()
        return plugin.verdicts, None if complete else log.read()[-4000:]
