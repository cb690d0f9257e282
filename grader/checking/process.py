"""Running an assignment's hidden checks in a trusted process of their own.

The process is forked from a server that has its modules imported and nothing else. It asks
sandboxes for what functions answer and for what models predict; it never runs a submission's code
nor opens a model.
"""

import os
import signal
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from pathlib import Path

from grader.assignment import Assignment, installed_course, load
from grader.checking.forkserver import trusted_processes
from grader.checking.preview import Preview, make_preview
from grader.checking.submission import Submission
from grader.checking.verdict import BROKEN, Verdict
from grader.folders import Workplace
from grader.sandbox.bubblewrap import Sandbox
from grader.sandbox.launch import share_warm
from grader.sandbox.probe import Cell, Probe
from grader.sandbox.stopping import LIVE
from grader.settings import Settings

__all__ = ["CheckJob", "Findings", "run_checks"]

_MARGIN_SECONDS = 600.0
# The last two collect garbage in the end, in a process that ends anyway.
_UNUSED_PLUGINS = ("cacheprovider", "unraisableexception", "threadexception")


def course_environment() -> dict[str, str]:
    """Return the environment variables that say how and on what to grade."""
    prefix = installed_course().prefix
    return {name: value for name, value in os.environ.items() if name.startswith(prefix)}


@dataclass(frozen=True)
class CheckJob:
    """What the checking process needs to know.

    Attributes
    ----------
    assignment, settings, workplace
        What is graded, how, and where the grader keeps its files.
    artifacts
        Contents of the files that the notebook left behind, by name.
    probe_sandbox
        Where the student's functions run.
    probe_cells
        The cells that define them.
    student_cells
        The cells that the student wrote.
    problem
        Why the notebook did not run to its end, if it did not.
    warm
        Where the grader's warm process is found, from which the probe sandbox's starts.
    environment
        The course's environment variables. The server that checking processes are forked from
        has those of the time when it started, which may name other data.
    """

    assignment: Assignment
    settings: Settings
    workplace: Workplace
    artifacts: Mapping[str, bytes]
    probe_sandbox: Sandbox
    probe_cells: Sequence[Cell]
    student_cells: Sequence[Cell]
    problem: str | None
    warm: str | None = None
    environment: Mapping[str, str] = field(default_factory=course_environment)


@dataclass(frozen=True)
class Findings:
    """What the checking process answers.

    Attributes
    ----------
    verdicts
        By grade id.
    preview
        What there is to show of the submission, if there is anything.
    internal
        Why verdicts are missing, if any are; for the instructor.
    """

    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    preview: Preview | None = None
    internal: str | None = None


def run_checks(job: CheckJob) -> Findings:
    """Run hidden tests and return one verdict for each of their cells.

    Returns
    -------
    Findings
        Its verdicts are complete: a check that did not finish gives no points and says so.
    """
    context = trusted_processes()
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_check, args=(job, sender))
    process.start()
    sender.close()
    with LIVE.register(process.kill):
        # Once for the cells that define functions, once for the functions' answers.
        found = _receive(receiver, 2 * job.settings.limits.submission_seconds)
        if found.internal is not None:
            process.kill()
        process.join()
    verdicts = {
        grade_id: found.verdicts.get(grade_id)
        or Verdict(grade_id, 0.0, maximum, BROKEN, found.internal)
        for grade_id, maximum in job.assignment.points().items()
    }
    return replace(found, verdicts=verdicts)


def _receive(receiver: Connection, seconds: float) -> Findings:
    try:
        if receiver.poll(seconds + _MARGIN_SECONDS):
            found: Findings = receiver.recv()
            return found
        return Findings(internal="the hidden checks took too long")
    except EOFError:
        return Findings(internal="the checking process ended without an answer")
    finally:
        receiver.close()


def _check(job: CheckJob, sender: Connection) -> None:
    # Ctrl-C is for the grader alone, which then ends this process itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in course_environment():
        del os.environ[name]
    os.environ.update(job.environment)
    if job.warm is not None:
        share_warm(job.warm)
    try:
        sender.send(_findings(job))
    except BaseException:
        sender.send(Findings(internal=traceback.format_exc()))


def _findings(job: CheckJob) -> Findings:
    # Imported here, in the forked process, where it costs nothing: its server has it already.
    import pytest

    from grader.checking import fixtures
    from grader.checking.plugin import VerdictPlugin

    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    file = job.assignment.hidden_checks
    tests = [f"{file}::test_{name}" for name in job.assignment.points()]
    with tempfile.TemporaryFile("w+") as log:
        for descriptor in (1, 2):
            os.dup2(log.fileno(), descriptor)
        points = job.assignment.points()
        submission: Submission = load(job.assignment.submission)(
            assignment=job.assignment,
            settings=job.settings,
            workplace=job.workplace,
            artifacts=job.artifacts,
            student_cells=job.student_cells,
            probe=Probe(job.probe_sandbox, job.probe_cells),
            problem=job.problem,
        )
        plugin = VerdictPlugin(submission, points)
        try:
            arguments = ["-c", str(Path(__file__).with_name("pytest.ini"))]
            for unused in _UNUSED_PLUGINS:
                arguments += ["-p", f"no:{unused}"]
            pytest.main([*arguments, *tests], plugins=[plugin, fixtures])
            preview = make_preview(submission)
        finally:
            submission.close()
        log.seek(0)
        complete = plugin.verdicts.keys() >= points.keys()
        internal = None if complete else log.read()[-4000:]
        return Findings(plugin.verdicts, preview, internal)
