"""Progress bars where somebody looks: on a terminal and in a notebook."""

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from tqdm import tqdm

__all__ = ["bar"]

T = TypeVar("T")
_DELAY = 1.0  # seconds; what is done sooner needs no bar


def bar(
    items: Iterable[T] | None = None,
    what: str = "",
    total: int | None = None,
    unit: str = "it",
    **options: Any,
) -> "tqdm[T]":
    """Wrap an iterable in a progress bar that vanishes when it is through.

    Parameters
    ----------
    items
        What to go through; None for a bar that is moved by ``update``.
    what
        A word or two before the bar.
    total
        Number of items, where the iterable does not say.
    unit
        What is counted.
    options
        For tqdm.
    """
    from tqdm import tqdm

    notebook = "ipykernel" in sys.modules and not sys.stderr.isatty()
    progress = tqdm(
        items,
        what,
        total,
        unit=f" {unit}",
        leave=False,
        delay=_DELAY,
        # On stderr a notebook would show the bar in red; elsewhere a log is no place for bars.
        file=sys.stdout if notebook else sys.stderr,
        disable=False if notebook else None,
        **options,
    )
    return cast("tqdm[T]", progress)
