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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import platformdirs

from bsds_utils import open_dataset
from bsds_utils.errors import BSDSError
from grader.assignment import Assignment
from grader.course.inputs import prepare
from grader.folders import Workplace
from grader.grading.cache_keys import code_identity
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
        BSDSError
            If a worker cannot grade, is no copy of this machine, or there are none left.
        """
        *arguments_before, workplace = arguments
        assignment = next(one for one in arguments_before if isinstance(one, Assignment))
        settings = next(one for one in arguments_before if isinstance(one, Settings))
        home = _Home(code_identity(), prepare(assignment, settings, workplace).identity)
        there = _portable(settings)
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
                    raise BSDSError(
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
    BSDSError
        If Dask is not installed, nothing answers there, or there are no workers.
    """
    try:
        from distributed import Client
    except ImportError:
        raise BSDSError(
            f"--scheduler: expected Dask, found it not installed; {_INSTALL}"
        ) from None
    try:
        client = Client(address, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise BSDSError(
            f"--scheduler: expected a Dask scheduler at {address}, found none ({reason}); start "
            "one with 'dask scheduler', and 'dask worker ADDRESS' on every machine"
        ) from error
    with client:
        if not client.nthreads():
            raise BSDSError(
                f"expected workers at {address}, found none; start 'dask worker {address}' on "
                "every machine"
            )
        yield Cluster(client)


def _portable(settings: Settings) -> Settings:
    """Name the data set, which on another machine may lie elsewhere."""
    dataset = open_dataset(settings.data_source, settings.data_root)
    return replace(settings, data_source=dataset.name, data_root=dataset.root)


def _on_worker(
    step: Callable[..., _T],
    arguments: list[Any],
    assignment: Assignment,
    settings: Settings,
    home: _Home,
) -> _T:
    """Run a step of grading here, after making sure that here is as good as at home."""
    if home.code != code_identity():
        raise BSDSError(
            f"expected the same course on every machine, found another version of it, of Keras, "
            f"TensorFlow or NumPy on the worker {socket.gethostname()}; install the same there"
        )
    local = _local(settings)
    workplace = Workplace(Path(platformdirs.user_cache_dir("bsds-grader")))
    if home.data != prepare(assignment, local, workplace).identity:
        raise BSDSError(
            "expected the same data and encoder weights on every machine, found others on the "
            f"worker {socket.gethostname()}; set BSDS500_ROOT and BSDS_ENCODER_WEIGHTS there"
        )
    # Dask marks its workers as processes without children, but checks run in one.
    multiprocessing.current_process()._config["daemon"] = False  # type: ignore[attr-defined]
    return step(*[local if one == settings else one for one in arguments], workplace)


def _local(settings: Settings) -> Settings:
    """Use this machine's data and weights where the sender's paths lead nowhere."""
    own = Settings.from_environment()
    if settings.data_root is not None and not settings.data_root.exists():
        settings = replace(settings, data_root=None)
    weights = settings.encoder_weights
    if weights is not None and not weights.exists():
        settings = replace(settings, encoder_weights=own.encoder_weights)
    calibration = settings.calibration
    if calibration is not None and not calibration.exists():
        raise BSDSError(
            f"expected the calibration {calibration} on every machine, found none on the worker "
            f"{socket.gethostname()}; put it there, or unset BSDS_CALIBRATION"
        )
    return settings
