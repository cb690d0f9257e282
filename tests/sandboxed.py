"""Marks of tests that execute submissions."""

import pytest

from grader.sandbox.bubblewrap import sandbox_problem

__all__ = ["SANDBOXED"]

SANDBOXED = [
    pytest.mark.sandbox,
    pytest.mark.skipif(sandbox_problem() is not None, reason=str(sandbox_problem())),
]
"""They need a sandbox, and are skipped with the reason where there is none."""
