"""What students get: current, free of secrets, complete, and usable without us."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import nbformat
import pytest

from grader.assignment import COURSE_ROOT, get_assignment
from grader.course import ASSIGNMENTS
from grader.release.bundle import build_bundle
from grader.release.conditions import conditions
from grader.release.leaks import find_leaks, require_no_leaks

SECRET_FOLDERS = {"grader", "solutions", "tests"}


def run_release(course: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``bsds release`` in a copy of the course."""
    return subprocess.run(
        [sys.executable, "-c", "import sys; from grader.cli import main; sys.exit(main())",
         "release", *arguments],
        cwd=course, env=os.environ | {"PYTHONPATH": str(course)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """Return a copy of the course that a test may change."""
    copy = tmp_path / "course"
    copy.mkdir()
    for name in ("bsds_utils", "grader", "solutions", "assignments"):
        shutil.copytree(
            COURSE_ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name in ("nbgrader_config.py", "pyproject.toml", "LICENSE"):
        shutil.copy(COURSE_ROOT / name, copy)
    return copy


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the student bundle, freshly built."""
    return build_bundle(tmp_path_factory.mktemp("bundle") / "student-bundle.zip")


@pytest.fixture(scope="session")
def unpacked(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the unpacked bundle."""
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(folder)
    return folder


def edit(path: Path, old: str, new: str) -> None:
    """Replace text in the one notebook cell that has it."""
    notebook = nbformat.read(path, as_version=4)
    (cell,) = [cell for cell in notebook.cells if old in cell.source]
    cell.source = cell.source.replace(old, new)
    nbformat.write(notebook, path)


def test_committed_release_is_current(course: Path) -> None:
    """The committed assignments/ is what the committed solutions/ give."""
    done = run_release(course, "--check")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "assignments/ is up to date\n"


def test_stale_release_is_told(course: Path) -> None:
    """After a change in solutions/ --check fails, with one line that says what to do."""
    edit(course / "solutions" / "cnn" / "cnn.ipynb", "# Finding boundaries", "# Finding edges")
    done = run_release(course, "--check")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "bsds release: assignments/ is out of date for cnn: run 'bsds release' and commit what it "
        "changes"
    ]


def test_release_is_reproducible(course: Path, bundle: Path) -> None:
    """Releasing elsewhere gives the same notebooks and the same bundle, byte for byte."""
    shutil.rmtree(course / "assignments")
    done = run_release(course)
    assert done.returncode == 0, done.stderr
    for assignment in ASSIGNMENTS.values():
        again = course / assignment.release.relative_to(COURSE_ROOT)
        assert again.read_bytes() == assignment.release.read_bytes()
    assert (course / "dist" / "student-bundle.zip").read_bytes() == bundle.read_bytes()


def test_release_has_stubs_for_answers() -> None:
    """Every answer cell of the release version is open, and nothing has outputs."""
    for assignment in ASSIGNMENTS.values():
        for cell in nbformat.read(assignment.release, as_version=4).cells:
            assert not cell.get("outputs")
            if cell.metadata.get("nbgrader", {}).get("solution"):
                stub = "NotImplementedError" if cell.cell_type == "code" else "YOUR ANSWER HERE"
                assert stub in cell.source


def test_release_and_bundle_hold_no_secret(bundle: Path) -> None:
    """The leak check finds nothing in what we give out."""
    require_no_leaks(bundle)


def secret_line(assignment: str, kind: str) -> str:
    """Return a line that students must not see."""
    if kind == "hidden check":
        text = get_assignment(assignment).hidden_checks.read_text(encoding="utf-8")
        return max((line for line in text.splitlines() if "def test_" in line), key=len).strip()
    notebook = nbformat.read(get_assignment(assignment).source, as_version=4)
    if kind == "code":
        source = "\n".join(cell.source for cell in notebook.cells)
        answer = source.split("### BEGIN SOLUTION")[1:]
        lines = [line.strip() for part in answer for line in part.split("### END")[0].split("\n")]
        return max(lines, key=len)
    (text, *_) = [
        cell.source
        for cell in notebook.cells
        if cell.cell_type == "markdown" and cell.metadata.get("nbgrader", {}).get("solution")
    ]
    return str(text.splitlines()[0])


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
@pytest.mark.parametrize("kind", ["code", "written answer", "hidden check"])
def test_planted_text_is_found(assignment: str, kind: str) -> None:
    """One line of a solution, a model answer or a hidden check is found, indented or not."""
    line = secret_line(assignment, kind)
    assert find_leaks({"cnn/cnn.ipynb": f"x = 1\n        {line}\ny = 2"})
    assert not find_leaks({"cnn/cnn.ipynb": "x = 1\ny = 2"})


@pytest.mark.parametrize(
    "name", ["grader/assignment.py", "solutions/cnn/cnn.ipynb", "cnn/checks.py"]
)
def test_planted_file_is_found(name: str) -> None:
    """A file of the grader, the solutions or the tests is found by its place."""
    assert find_leaks({name: ""})


@pytest.mark.parametrize(
    "text",
    ["### BEGIN SOLUTION", "### BEGIN HIDDEN TESTS", "import grader", "from grader import x"],
)
def test_planted_marker_is_found(text: str) -> None:
    """Markers of solutions and hidden tests, and imports of the grader, are found."""
    assert find_leaks({"README.txt": f"some {text} here"})


def test_leak_stops_release(course: Path) -> None:
    """With the grader in the library nothing is released, and one line says where it is."""
    (course / "bsds_utils" / "hints.py").write_text("import grader\n")
    done = run_release(course)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "hints.py" in done.stderr
    assert not (course / "dist" / "student-bundle.zip").exists()


def test_bundle_contents(bundle: Path) -> None:
    """The bundle holds notebooks, a wheel, environment files and the licence, and no more."""
    with zipfile.ZipFile(bundle) as archive:
        names = archive.namelist()
        (wheel,) = [name for name in names if name.endswith(".whl")]
        with archive.open(wheel) as stream, zipfile.ZipFile(stream) as inner:
            tops = {name.split("/")[0] for name in inner.namelist()}
    assert sorted(names) == sorted(
        ["LICENSE", "README.txt", "requirements.txt", wheel]
        + [f"{name}/{name}.ipynb" for name in ASSIGNMENTS]
    )
    assert wheel.startswith("bsds_utils-")
    assert {top for top in tops if not top.endswith(".dist-info")} == {"bsds_utils"}
    assert not tops & SECRET_FOLDERS


def test_bundle_requirements_name_the_wheel(unpacked: Path) -> None:
    """The requirements install the wheel in the bundle and Jupyter, from nowhere else."""
    lines = (unpacked / "requirements.txt").read_text().splitlines()
    (wheel,) = unpacked.glob("*.whl")
    assert lines[0] == f"./{wheel.name}"
    assert any(line.startswith("jupyterlab") for line in lines)


def test_bundle_tells_the_conditions(unpacked: Path) -> None:
    """The bundle's README says how grading runs, in the words of the notebooks."""
    told = (unpacked / "README.txt").read_text(encoding="utf-8")
    assert " ".join(conditions([*ASSIGNMENTS.values()]).split()) in " ".join(told.split())


def test_wheel_offers_the_benchmark(unpacked: Path) -> None:
    """Students who want the official benchmark can install what it needs by the extra's name."""
    (wheel,) = unpacked.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (one for one in archive.namelist() if one.endswith(".dist-info/METADATA"))
        metadata = archive.read(name).decode()
    assert "Provides-Extra: benchmark\n" in metadata
    assert "Requires-Dist: numba" in metadata


@pytest.fixture(scope="session")
def student(unpacked: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the scripts folder of an environment with the bundle's wheel, not with the course.

    The wheel's requirements are borrowed from this environment, without the course's own entry.
    """
    home = tmp_path_factory.mktemp("student")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home / "env"], check=True)
    scripts = home / "env" / Path(sys.executable).parent.name
    (wheel,) = unpacked.glob("*.whl")
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", scripts / "python", "install", "--quiet",
         "--disable-pip-version-check", "--no-deps", "--no-index", wheel],
        check=True, cwd=home,
    )  # fmt: skip
    borrowed = home / "borrowed"
    borrowed.mkdir()
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if not path.name.startswith("bsds") and path.suffix != ".pth":
            (borrowed / path.name).symlink_to(path)
    site = subprocess.check_output(
        [scripts / "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        text=True,
    ).strip()
    Path(site, "borrowed.pth").write_text(f"{borrowed}\n")
    return scripts


def test_student_has_only_student_commands(student: Path, tmp_path: Path) -> None:
    """The `bsds` of the student wheel knows data, evaluate and predict, and no grading."""
    done = subprocess.run(
        [student / "bsds", "--help"], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    for name in ("data", "evaluate", "predict"):
        assert f"\n    {name} " in done.stdout
    for name in ("grade", "release"):
        assert name not in done.stdout
    refused = subprocess.run(
        [student / "bsds", "grade", "cnn"], capture_output=True, text=True, check=False,
        cwd=tmp_path,
    )  # fmt: skip
    assert refused.returncode == 2


def test_student_wheel_imports_without_course(student: Path, tmp_path: Path) -> None:
    """The library imports where neither the grader nor the checkout is."""
    program = (
        "import bsds_utils, importlib.util\n"
        "bsds_utils.foreground_iou([[0, 1]], [[0, 1]])\n"
        "assert importlib.util.find_spec('grader') is None\n"
        "print(bsds_utils.__file__)"
    )
    done = subprocess.run(
        [student / "python", "-c", program], capture_output=True, text=True, cwd=tmp_path,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not Path(done.stdout.strip()).is_relative_to(COURSE_ROOT)
