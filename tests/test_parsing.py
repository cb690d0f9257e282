"""Parsing Python that is not trusted."""

import gc
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from grader.notebooks.parsing import parse_python

NESTED = "x = " + "(" * 30 + "1" + ")" * 30 + "\n"
SOURCE = NESTED + "def f(a):\n    return [a.b.c(d)[e] for d in range(9) if d]\n" * 100


class _Garbage:
    """Goes away in a collection alone, and then runs code, which lets other threads go on."""

    def __init__(self) -> None:
        self.me = self

    def __del__(self) -> None:
        sum(range(200))


@pytest.fixture
def restless() -> Iterator[None]:
    """Switch threads and collect garbage as often as possible."""
    interval, thresholds = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(1e-6)
    gc.set_threshold(1)
    yield
    sys.setswitchinterval(interval)
    gc.set_threshold(*thresholds)


@pytest.mark.usefixtures("restless")
def test_threads_do_not_disturb_one_another() -> None:
    """Submissions are parsed side by side, where Python's own parser loses count of its depth."""

    def parse(_: int) -> int:
        garbage = [_Garbage() for _ in range(3)]
        del garbage
        tree = parse_python(SOURCE)
        return 0 if tree is None else len(tree.body)

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(parse, range(80))) == {101}


@pytest.mark.parametrize(
    "source", ["x =", "\0", "\ud800", "(" * 5000 + ")" * 5000, "-" * 100_000 + "1"]
)
def test_what_cannot_be_parsed(source: str) -> None:
    """It is no Python, or nested too deeply, and nothing is raised."""
    assert parse_python(source) is None
