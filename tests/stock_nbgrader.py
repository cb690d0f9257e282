"""Stock nbgrader on a course in a folder of its own, as an instructor runs it there."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from grader.assignment import COURSE_ROOT
from grader.gradebook.book import CONFIG_FILE

__all__ = ["nbgrader"]


def nbgrader(
    root: Path, *arguments: str, timeout: float = 300
) -> "subprocess.CompletedProcess[str]":
    """Run the stock command in a course's folder with this course's configuration.

    nbgrader reads ``nbgrader_config.py`` from the folder it is started in, and no other: that
    ``--config`` names one is ignored with a warning.
    """
    shutil.copy(CONFIG_FILE, root)
    for name in ("solutions", "assignments"):
        if not (root / name).exists():
            (root / name).symlink_to(COURSE_ROOT / name)
    return subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=root, env=os.environ, capture_output=True, text=True, timeout=timeout,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
