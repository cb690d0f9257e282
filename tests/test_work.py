"""The clock of work: seconds count by what gets done in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bsds_utils.work import WorkClock, probe_seconds

USUAL = 0.03


class Machine:
    """Processor time that passes when told to, and neighbours who come and go."""

    def __init__(self) -> None:
        self.now, self.slower = 100.0, 1.0

    def processor_time(self) -> float:
        """Tell the processor time."""
        return self.now

    def probe(self) -> float:
        """Take a little of it."""
        self.now += USUAL * self.slower
        return USUAL * self.slower

    def work(self, clock: WorkClock, amount: float) -> None:
        """Do so much work in small steps, after each of which the clock is read."""
        for _ in range(100):
            self.now += amount / 100 * self.slower
            clock()


def clock_on(machine: Machine) -> WorkClock:
    """Return a clock that has begun."""
    clock = WorkClock(USUAL, machine.probe, machine.processor_time)
    assert clock() == 0
    return clock


@given(st.lists(st.floats(0.5, 2), min_size=1, max_size=5))
def test_neighbours_make_no_difference(neighbours: list[float]) -> None:
    """The same work takes the same time, whoever uses the machine meanwhile."""
    machine = Machine()
    clock = clock_on(machine)
    for slower in neighbours:
        machine.slower = slower
        machine.work(clock, 100)
    # What changes is noticed within two seconds and a step.
    assert clock() == pytest.approx(100 * len(neighbours), abs=8 * len(neighbours))


def test_what_cannot_be_explained_by_neighbours_does_not_count() -> None:
    """A probe that takes ten times as long at most halves what a second is worth."""
    machine = Machine()
    machine.slower = 10.0
    clock = clock_on(machine)
    machine.now += 10
    assert clock() == 5


def test_the_probe_takes_processor_time() -> None:
    """It is a real computation, and a short one."""
    assert 0 < probe_seconds() < 5
