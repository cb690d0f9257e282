"""Warnings on nbgrader's way of using SQLAlchemy, which say nothing to anybody here."""

import warnings

__all__ = ["ignore_nbgrader_warnings"]


def ignore_nbgrader_warnings() -> None:
    """Ignore them from now on; call it before threads start.

    A filter for a block alone would be lost: libraries that other threads use put back the filters
    that they found, and each of those has to hold this one.
    """
    # nbgrader 0.9 adds objects to the session in an order that SQLAlchemy 2 remarks on.
    warnings.filterwarnings("ignore", message=r"Object of type <\w+> not in session")
