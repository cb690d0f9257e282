"""Loading the compiled code, and saying so where that takes time."""

import sys
import threading
from collections.abc import Callable
from functools import cache
from typing import Any, Final, NamedTuple

from bsds_utils.errors import BSDSError

__all__ = ["Engine", "load_engine"]

_MISSING: Final = (
    "the benchmark: expected the package numba, which is not installed; install it "
    "(pip install numba) and run this again"
)
_BROKEN: Final = "the benchmark: the package numba cannot be imported: {reason}"
_NO_CACHE: Final = (
    "the benchmark: compiled code cannot be kept, because neither the package's folder nor your "
    "cache can be written; name a folder in NUMBA_CACHE_DIR"
)
_COMPILING: Final = "bsds_utils: compiling the benchmark (once, less than half a minute)"


class Engine(NamedTuple):
    """The compiled functions, which release Python's global lock.

    Attributes
    ----------
    thin_masks
        `bsds_utils.benchmark.thinning.thin_masks`.
    match_masks
        `bsds_utils.benchmark.matching.match_masks`.
    """

    thin_masks: Callable[..., Any]
    match_masks: Callable[..., Any]


_LOCK = threading.Lock()


def load_engine() -> Engine:
    """Load the compiled functions, and compile them if that was not done before.

    Numba keeps the result beside the package, or in the user's cache. The functions are
    compiled for one combination of types only, so that there is never a second time.

    Raises
    ------
    BSDSError
        If numba is missing or broken, or there is no place for the result.
    """
    with _LOCK:  # a cache alone would let two threads compile, and say so, side by side
        return _load()


@cache
def _load() -> Engine:
    try:
        from numba.core import event
    except ImportError as error:
        if isinstance(error, ModuleNotFoundError) and str(error.name).startswith("numba"):
            raise BSDSError(_MISSING) from error
        raise BSDSError(_BROKEN.format(reason=" ".join(str(error).split()))) from error

    class Announcement(event.Listener):  # type: ignore[misc]
        announced = False

        def on_start(self, event: Any) -> None:
            if not self.announced:
                print(_COMPILING, file=sys.stderr, flush=True)
            self.announced = True

        def on_end(self, event: Any) -> None:
            pass

    with event.install_listener("numba:compile", Announcement()):
        try:
            from bsds_utils.benchmark.matching import match_masks
            from bsds_utils.benchmark.thinning import thin_masks
        except RuntimeError as error:
            if "cannot cache function" not in str(error):
                raise
            raise BSDSError(_NO_CACHE) from error
    return Engine(thin_masks, match_masks)
