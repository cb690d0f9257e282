"""No file with students' data can be committed by mistake."""

import re
import subprocess
from pathlib import Path

import pytest
from nbgrader.apps.zipcollectapp import ZipCollectApp
from nbgrader.coursedir import CourseDirectory

from grader.assignment import COURSE_ROOT
from grader.folders import Workplace
from grader.gradebook.book import load_config

README = (COURSE_ROOT / "README.md").read_text(encoding="utf-8")


def _of_students() -> list[str]:
    """List what the README's commands read and write, below the folder of a class."""
    course = CourseDirectory(config=load_config(COURSE_ROOT))
    folders = {
        course.submitted_directory, course.autograded_directory, course.feedback_directory,
        ZipCollectApp().downloaded_directory,
    }  # fmt: skip
    # Files that have names in the text, such as that of `--json grades.json`.
    named = set(re.findall(r"[\w-]+\.(?:csv|zip)\b", README)) | set(
        re.findall(r"--json ([\w.-]+)", README)
    )
    reports = Workplace(Path()).reports
    return [
        *(f"{folder}/ada/cnn/{name}" for folder in folders for name in ("cnn.ipynb", "cnn.html")),
        "submitted/ada/cnn/timestamp.txt", "gradebook.db", "gradebook.db-journal",
        "gradebook.db.2026-03-01_12-00-00.000000", f"{reports}/cnn.html", f"{reports}/cnn.csv",
        "demo/gradebook.db", *named,
    ]  # fmt: skip


@pytest.mark.skipif(not (COURSE_ROOT / ".git").exists(), reason="needs a git repository")
@pytest.mark.parametrize("path", sorted(_of_students()))
def test_students_data_are_ignored(path: str) -> None:
    """Every file that grading, exporting and giving back make in the repository."""
    command = ["git", "check-ignore", "--no-index", "--quiet", path]
    assert subprocess.run(command, cwd=COURSE_ROOT, timeout=60).returncode == 0


@pytest.mark.skipif(not (COURSE_ROOT / ".git").exists(), reason="needs a git repository")
def test_nothing_of_the_course_is_ignored() -> None:
    """The rules for students' data catch no file that belongs to the repository."""
    command = ["git", "ls-files", "--cached", "--ignored", "--exclude-standard"]
    done = subprocess.run(command, cwd=COURSE_ROOT, timeout=60, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")
