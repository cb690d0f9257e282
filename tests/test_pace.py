"""Budgets of training are stretched on slow machines, and never shortened."""

import pytest

from grader import pace


@pytest.mark.parametrize(("slower", "expected"), [(0.3, 1.0), (2.5, 2.5), (100.0, 8.0)])
def test_factor(monkeypatch: pytest.MonkeyPatch, slower: float, expected: float) -> None:
    """The factor is how much slower the machine is, within bounds, and measured once."""
    monkeypatch.setattr(pace, "_measured", [])
    monkeypatch.setattr(pace, "work_seconds", lambda: slower * pace._REFERENCE_SECONDS)
    assert pace.pace() == pytest.approx(expected)
    monkeypatch.setattr(pace, "work_seconds", lambda: 1 / 0)
    assert pace.pace() == pytest.approx(expected)


def test_work_is_measured() -> None:
    """The real work takes processor time."""
    assert pace.work_seconds() > 0


def test_unmeasurable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it cannot be measured, budgets stay as they are."""
    monkeypatch.setattr(pace, "_ANSWER_SECONDS", 0.0)
    monkeypatch.setattr(pace, "_measured", [])
    assert pace.pace() == 1.0
