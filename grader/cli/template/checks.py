"""Hidden checks of the assignment "NAME": one test for each automatically graded cell.

Messages are read by students and contain no hidden input or code.
"""

import numpy as np

from grader.checking.answers import number, table
from grader.checking.submission import Submission
from grader.checking.verdict import require


def test_mean(submission: Submission, generator: np.random.Generator) -> None:
    """The mean of fresh numbers."""
    for length in (1, 2, 9):
        numbers = generator.normal(size=length).round(2).tolist()
        found = number(submission.functions.call("mean", numbers), "mean")
        require(np.isclose(found, np.mean(numbers)), f"mean is not the mean of {length} number(s)")


def test_summary(submission: Submission, generator: np.random.Generator) -> None:
    """Mean and largest of fresh numbers, and of those that were saved."""
    numbers = generator.normal(size=6).round(2).tolist()
    names = ["mean", "largest"]
    # So that whoever takes the first or the last number is not right by chance.
    for ordered in (sorted(numbers), sorted(numbers, reverse=True)):
        found = table(submission.functions.call("summary", ordered), "summary", names)
        require(np.isclose(found["mean"], np.mean(numbers)), "summary: the mean is not right")
        require(np.isclose(found["largest"], max(numbers)), "summary: the largest is not right")
    saved = table(submission.json("NAME.json"), "the saved summary", names)
    require(
        np.isclose([saved[name] for name in names], [2.8, 5]).all(),
        "NAME.json does not hold the summary of the five numbers",
    )
