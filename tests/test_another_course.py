"""The engine with another course: this one's files are gone, and so are its libraries.

Everything runs in a copy of the repository, where TensorFlow, Keras and the course's own library
cannot be imported.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from grader.assignment import COURSE_ROOT
from grader.sandbox.bubblewrap import sandbox_problem

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]

COMMAND = [sys.executable, "-c", "import sys; from grader.cli import main; sys.exit(main())"]
NBGRADER = [sys.executable, "-m", "nbgrader"]
GONE = ("tensorflow", "keras", "bsds_utils", "boundary_app")
POINTS = {"mean": 2.0, "summary": 2.0}

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def run(course: Path, *arguments: str, program: list[str] = COMMAND) -> "Done":
    """Run a command in a course of its own."""
    return Done(
        subprocess.run(
            [*program, *arguments], cwd=course, capture_output=True, text=True, check=False,
            env=os.environ | {"PYTHONPATH": f"{course.parent / 'gone'}:{course}"}, timeout=300,
        )
    )  # fmt: skip


class Done:
    """What came of a command."""

    def __init__(self, done: "subprocess.CompletedProcess[str]") -> None:
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr
        assert "Traceback" not in self.err, self.err

    def fine(self) -> str:
        """Return what it printed, if it went well."""
        assert self.code == 0, self.out + self.err
        return self.out


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a course whose one assignment is as ``new`` wrote it."""
    problem = sandbox_problem()
    if problem is not None:
        pytest.skip(problem)
    folder = tmp_path_factory.mktemp("another")
    (folder / "gone").mkdir()
    for name in GONE:
        (folder / "gone" / f"{name}.py").write_text("raise ImportError('not in this course')\n")
    course = folder / "course"
    kept = shutil.ignore_patterns("__pycache__", "course", ".bsds")
    shutil.copytree(COURSE_ROOT / "grader", course / "grader", ignore=kept)
    (course / "grader" / "course").mkdir()
    for name in ("nbgrader_config.py", "pyproject.toml", "LICENSE"):
        shutil.copy(COURSE_ROOT / name, course)
    assert "wrote solutions/mean/mean.ipynb" in run(course, "new", "mean").fine()
    return course


@pytest.fixture
def course(made: Path, tmp_path: Path) -> Path:
    """Return a copy of it that a test may change."""
    shutil.copytree(made.parent, tmp_path / "copy")
    return tmp_path / "copy" / "course"


def hand_in(course: Path, student: str, **answers: str) -> None:
    """Write a submission: the release version with these answers."""
    notebook = nbformat.read(course / "assignments" / "mean" / "mean.ipynb", as_version=4)
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        cell.source = answers.get(name, cell.source)
    folder = course / "submitted" / student / "mean"
    folder.mkdir(parents=True)
    nbformat.write(notebook, folder / "mean.ipynb")


def points(course: Path) -> dict[str, dict[str, float]]:
    """Read the automatic points of every student from the gradebook, in a process of its own."""
    program = (
        "import json\n"
        "from pathlib import Path\n"
        "from grader.assignment import get_assignment\n"
        "from grader.gradebook.book import CourseGradebook\n"
        "print(json.dumps(CourseGradebook(Path()).auto_points(get_assignment('mean'))))\n"
    )
    found: dict[str, dict[str, float]] = json.loads(
        run(course, "-c", program, program=[sys.executable]).fine()
    )
    return {student: {name: checks[name] for name in POINTS} for student, checks in found.items()}


RIGHT = {
    "task_mean": "import numpy as np\ndef mean(xs):\n    return np.mean(xs)",
    "task_summary": "def summary(xs):\n    return {'mean': mean(xs), 'largest': max(xs)}",
}


def test_another_subject_is_graded_both_ways(course: Path) -> None:
    """Own command and stock nbgrader give the same points; report, exports and bundle are made."""
    hand_in(course, "ada", **RIGHT)
    hand_in(course, "alan", task_mean=RIGHT["task_mean"])
    hand_in(course, "barbara")
    printed = run(course, "grade", "mean", "--json", "grades.json").fine()
    assert "forged" not in printed
    for kind in (".html", ".csv", "-canvas.csv", "-moodle.csv"):
        assert (course / ".bsds" / "reports" / f"mean{kind}").stat().st_size > 100
    expected = {
        "ada": POINTS,
        "alan": {"mean": 2.0, "summary": 0.0},
        "barbara": {"mean": 0.0, "summary": 0.0},
    }
    assert points(course) == expected
    graded = json.loads((course / "grades.json").read_text())
    assert {one["student"]: one["score"] for one in graded} == {"ada": 4, "alan": 2, "barbara": 0}
    shutil.rmtree(course / ".bsds")
    run(course, "autograde", "mean", "--force", program=NBGRADER).fine()
    assert points(course) == expected
    run(course, "release").fine()
    assert (course / "dist" / "student-bundle.zip").exists()


def test_a_new_assignment_is_proved(course: Path) -> None:
    """What ``new`` writes passes ``check``, in a table and as JSON."""
    printed = run(course, "check", "mean", "--json", "proof.json").fine()
    assert printed.count("  yes  ") == 10
    (steps,) = json.loads((course / "proof.json").read_text()).values()
    assert all(step["problems"] == [] for step in steps)


SAMPLES = "grader/course/mean/samples"
RELEASE, MEAN = "assignments/mean/mean.ipynb", "grader/course/mean"
BROKEN = {
    "files": (
        (RELEASE, "Three small tasks", "Two small tasks", "is not what"),
        (RELEASE, "# YOUR CODE HERE", "### BEGIN SOLUTION", "'BEGIN SOLUTION' in mean.ipynb"),
        (f"{MEAN}/__init__.py", "mean.json", "other.json", "the artifact other.json"),
        (f"{MEAN}/checks.py", "test_mean", "test_average", "test_average in"),
    ),
    "a wrong check": ((f"{MEAN}/checks.py", "[2.8, 5]", "[2.8, 6]", "the solution loses points"),),
    "samples": (
        (f"{SAMPLES}/chaff/mean_last.py", "fails: summary", "fails: mean", "last also loses"),
        (f"{SAMPLES}/wheat/mean_numpy.py", "np.mean(xs)\n", "2.0\n", "mean_numpy loses points"),
        (f"{SAMPLES}/chaff/mean_rounded.py", " // ", " / ", "no sample ever fails mean"),
    ),
    "a wrong sample that is right": (
        (f"{SAMPLES}/chaff/mean_last.py", "xs[-1]", "max(xs)", "gives it all points"),
    ),
}


@pytest.mark.parametrize("faults", BROKEN.values(), ids=BROKEN)
def test_what_is_wrong_is_found(faults: tuple[tuple[str, ...], ...], course: Path) -> None:
    """Each fault in an assignment fails its proof, and a line says what it is."""
    for file, before, after, _ in faults:
        text = (course / file).read_text()
        assert before in text
        (course / file).write_text(text.replace(before, after))
    done = run(course, "check", "mean")
    assert done.code == 1
    for *_, said in faults:
        assert said in done.out


def test_without_hidden_checks_points_can_be_forged_and_it_is_said(course: Path) -> None:
    """Then nbgrader's own tests count, hidden ones too, both ways; table and report say so."""
    shutil.rmtree(course / SAMPLES)
    (course / "grader" / "course" / "mean" / "checks.py").unlink()
    source = course / "solutions" / "mean" / "mean.ipynb"
    notebook = nbformat.read(source, as_version=4)
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "mean":
            cell.source += (
                "\n### BEGIN HIDDEN TESTS\nassert mean([9, 9]) == 9\n### END HIDDEN TESTS"
            )
    nbformat.write(notebook, source)
    run(course, "release").fine()
    assert "[9, 9]" not in (course / "assignments" / "mean" / "mean.ipynb").read_text()
    hand_in(course, "ada", **RIGHT)
    hand_in(
        course, "alan",
        task_mean="def mean(xs):\n    return sum(xs) / len(xs) if xs[0] != 9 else 0",
    )  # fmt: skip
    done = run(course, "grade", "mean")
    assert "can be forged" in done.fine()
    assert "can be forged" in done.err
    assert "an be forged" in (course / ".bsds" / "reports" / "mean.html").read_text()
    expected = {"ada": POINTS, "alan": {"mean": 0.0, "summary": 0.0}}
    assert points(course) == expected
    shutil.rmtree(course / ".bsds")
    run(course, "autograde", "mean", "--force", program=NBGRADER).fine()
    assert points(course) == expected


@pytest.mark.parametrize(
    "name", ["mean", "Mean", "a-b", "../x", "", "class", "x" * 31, "1st", "a b", "ä"]
)
def test_names_that_cannot_be_are_refused(name: str, made: Path) -> None:
    """Taken and unsafe names are refused in one line, and nothing is written."""
    before = sorted(path for path in made.rglob("*") if "__pycache__" not in path.parts)
    done = run(made, "new", name)
    assert done.code == 1
    (line,) = done.err.splitlines()
    assert line.startswith("bsds new: expected a name")
    assert sorted(p for p in made.rglob("*") if "__pycache__" not in p.parts) == before


def test_an_assignment_from_another(course: Path) -> None:
    """``new --from`` copies one, renames what has its name, and the copy passes its proof."""
    run(course, "new", "median", "--from", "mean").fine()
    text = (course / "grader" / "course" / "median" / "__init__.py").read_text()
    assert 'name="median"' in text
    assert (course / "grader/course/median/samples/chaff/median_last.py").exists()
    assert run(course, "check").fine().count("  yes  ") == 20
