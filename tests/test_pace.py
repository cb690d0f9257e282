"""Budgets of training are stretched on slow machines, and never shortened."""

import pytest

from grader import pace


@pytest.mark.parametrize(("slower", "expected"), [(0.3, 1.0), (2.5, 2.5), (100.0, 8.0)])
def test_factor(monkeypatch: pytest.MonkeyPatch, slower: float, expected: float) -> None:
    """The factor is how much slower the machine is, within bounds, and measured once."""
    monkeypatch.setattr(pace, "_measured", [])
    speed = pace.Speed(slower * pace._REFERENCE_SECONDS, 0.04)
    monkeypatch.setattr(pace, "measured_speed", lambda: speed)
    assert pace.pace() == pytest.approx(expected)
    monkeypatch.setattr(pace, "measured_speed", lambda: 1 / 0)
    assert pace.pace() == pytest.approx(expected)
    assert pace.usual_probe() == 0.04


def test_speed_is_measured() -> None:
    """The real work and the probe beside it take processor time, the probe less."""
    speed = pace.measured_speed()
    assert speed is not None
    assert 0 < speed.probe < speed.work


def test_unmeasurable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it cannot be measured, budgets stay as they are."""
    monkeypatch.setattr(pace, "_ANSWER_SECONDS", 0.0)
    monkeypatch.setattr(pace, "_measured", [])
    assert pace.pace() == 1.0
    assert pace.usual_probe() > 0
