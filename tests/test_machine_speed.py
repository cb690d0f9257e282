"""Budgets of training are stretched on slow machines, and never shortened."""

import pytest

from grader.course import machine_speed


@pytest.mark.parametrize(("slower", "expected"), [(0.3, 1.0), (2.5, 2.5), (100.0, 8.0)])
def test_factor(monkeypatch: pytest.MonkeyPatch, slower: float, expected: float) -> None:
    """The factor is how much slower the machine is, within bounds, and measured once."""
    monkeypatch.setattr(machine_speed, "_measured", [])
    speed = machine_speed.Speed(slower * machine_speed._REFERENCE_SECONDS, 0.04)
    monkeypatch.setattr(machine_speed, "measured_speed", lambda: speed)
    assert machine_speed.pace() == pytest.approx(expected)
    monkeypatch.setattr(machine_speed, "measured_speed", lambda: 1 / 0)
    assert machine_speed.pace() == pytest.approx(expected)
    assert machine_speed.usual_probe() == 0.04


def test_speed_is_measured() -> None:
    """The real work and the probe beside it take processor time, the probe less."""
    speed = machine_speed.measured_speed()
    assert speed is not None
    assert 0 < speed.probe < speed.work


def test_unmeasurable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it cannot be measured, budgets stay as they are."""
    monkeypatch.setattr(machine_speed, "_ANSWER_SECONDS", 0.0)
    monkeypatch.setattr(machine_speed, "_measured", [])
    assert machine_speed.pace() == 1.0
    assert machine_speed.usual_probe() > 0
