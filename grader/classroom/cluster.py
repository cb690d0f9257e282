"""Grading on a Dask cluster, for classes that outgrow one machine.

Submissions are read, results stored and the gradebook written on the instructor's machine alone.
Workers get a notebook, the settings with the course secret, and what executing left; they need
this course installed, the same data, and bubblewrap.
"""

import contextlib
import multiprocessing
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import platformdirs

from grader.assignment import Assignment, installed_course
from grader.errors import CourseError
from grader.folders import Workplace
from grader.grading.cache_keys import code_identity
from grader.grading.steps import prepare
from grader.sandbox.stopping import GradingStopped
from grader.settings import Settings

__all__ = ["Cluster", "connect"]

_CONNECT_SECONDS = 8
_LOOK_SECONDS = 5.0
_WITHOUT_WORKERS_SECONDS = 120.0
_INSTALL = "install the extra: pip install 'bsds-course[cluster]'"

_T = TypeVar("_T")


@dataclass(frozen=True)
class _Home:
    """What a worker compares itself with.

    Attributes
    ----------
    code, data
        Digests of the course's code, and of the data that submissions are given.
    """

    code: str
    data: str


class Cluster:
    """An engine of the grading pipeline whose steps run on Dask workers.

    Parameters
    ----------
    client
        Of ``distributed``, connected.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    @property
    def slots(self) -> int:
        """How many submissions the workers can have under way at a time, at least 1."""
        threads: dict[str, int] = self._client.nthreads()
        return max(1, sum(threads.values()))

    def __call__(self, step: Callable[..., _T], *arguments: Any) -> _T:
        """Run a step on a worker, on another one if that is lost.

        Raises
        ------
        CourseError
            If a worker cannot grade, is no copy of this machine, or there are none left.
        """
        *arguments_before, workplace = arguments
        assignment = next(one for one in arguments_before if isinstance(one, Assignment))
        settings = next(one for one in arguments_before if isinstance(one, Settings))
        home = _Home(code_identity(assignment), prepare(assignment, settings, workplace).identity)
        there = settings.portable()
        sent = [there if one is settings else one for one in arguments_before]
        future = self._client.submit(_on_worker, step, sent, assignment, there, home, pure=False)
        try:
            result: _T = self._wait(future)
        finally:
            future.cancel()
        return result

    def _wait(self, future: Any) -> Any:
        from distributed import TimeoutError as NotYet

        seen = time.monotonic()
        while True:
            try:
                return future.result(timeout=_LOOK_SECONDS)
            except NotYet:
                now = time.monotonic()
                if self._client.nthreads():
                    seen = now
                elif now - seen > _WITHOUT_WORKERS_SECONDS:
                    raise CourseError(
                        "expected Dask workers, found none any more; start some "
                        "('dask worker ADDRESS') and run again: what is finished stays so"
                    ) from None
            except CancelledError:
                raise GradingStopped from None


@contextlib.contextmanager
def connect(address: str) -> Iterator[Cluster]:
    """Connect to a Dask scheduler for the duration of the block.

    Parameters
    ----------
    address
        E.g. ``"tcp://10.0.0.1:8786"``.

    Raises
    ------
    CourseError
        If Dask is not installed, nothing answers there, or there are no workers.
    """
    try:
        from distributed import Client
    except ImportError:
        raise CourseError(
            f"--scheduler: expected Dask, found it not installed; {_INSTALL}"
        ) from None
    try:
        client = Client(address, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise CourseError(
            f"--scheduler: expected a Dask scheduler at {address}, found none ({reason}); start "
            "one with 'dask scheduler', and 'dask worker ADDRESS' on every machine"
        ) from error
    with client:
        if not client.nthreads():
            raise CourseError(
                f"expected workers at {address}, found none; start 'dask worker {address}' on "
                "every machine"
            )
        yield Cluster(client)


def _on_worker(
    step: Callable[..., _T],
    arguments: list[Any],
    assignment: Assignment,
    settings: Settings,
    home: _Home,
) -> _T:
    """Run a step of grading here, after making sure that here is as good as at home."""
    if home.code != code_identity(assignment):
        raise CourseError(
            f"expected the same course on every machine, found another version of it, or of "
            f"{', '.join(installed_course().packages)}, on the worker {socket.gethostname()}; "
            "install the same there"
        )
    local = settings.arrived()
    workplace = Workplace(Path(platformdirs.user_cache_dir("bsds-grader")))
    if home.data != prepare(assignment, local, workplace).identity:
        raise CourseError(
            "expected the same data and other inputs on every machine, found others on the "
            f"worker {socket.gethostname()}; set the variables there that name them here"
        )
    # Dask marks its workers as processes without children, but checks run in one.
    multiprocessing.current_process()._config["daemon"] = False  # type: ignore[attr-defined]
    return step(*[local if one == settings else one for one in arguments], workplace)
