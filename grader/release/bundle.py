"""The zip file that students download."""

import shutil
import subprocess
import sys
import tempfile
import textwrap
import tomllib
import zipfile
from pathlib import Path

from grader.assignment import COURSE_ROOT, installed_course, package_folder
from grader.errors import CourseError
from grader.release.conditions import conditions

__all__ = ["BUNDLE", "build_bundle"]

BUNDLE = Path("dist", "student-bundle.zip")

# A fixed time makes equal contents equal files.
_TIMESTAMP = (2020, 1, 1, 0, 0, 0)

_PROJECT = """\
[build-system]
requires = ["hatchling>=1.27"]
build-backend = "hatchling.build"

[project]
name = "{package}"
version = "{version}"
description = "{title}"
requires-python = "{python}"
license = "MIT"
license-files = ["LICENSE"]
dependencies = {dependencies}

[project.optional-dependencies]
{extras}

[project.scripts]
{scripts}

[tool.hatch.build.targets.wheel]
packages = ["{package}"]
"""


def build_bundle(destination: Path = BUNDLE) -> Path:
    """Zip the release notebooks, wheels of the course's library and environment files.

    Parameters
    ----------
    destination
        The zip file; overwritten.

    Returns
    -------
    pathlib.Path
        `destination`.

    Raises
    ------
    CourseError
        If the wheel cannot be built.
    """
    with tempfile.TemporaryDirectory(prefix="bsds-bundle-") as folder:
        course, project = installed_course(), _project()
        wheels = [_build_wheel(name, Path(folder, name)) for name in course.library]
        names = [wheel.name for wheel in wheels]
        files: dict[str, bytes] = {
            "README.txt": course.bundle_readme.format(
                python=project["requires-python"],
                wheel=", ".join(names),
                conditions=_wrapped(conditions(course.assignments)),
            ).encode(),
            "requirements.txt": "".join(
                f"{line}\n" for line in (*(f"./{name}" for name in names), *_notebook(project))
            ).encode(),
            "LICENSE": (COURSE_ROOT / "LICENSE").read_bytes(),
            **{wheel.name: wheel.read_bytes() for wheel in wheels},
        }
        for assignment in course.assignments:
            files[f"{assignment.name}/{assignment.notebook_name}"] = (
                assignment.release.read_bytes()
            )
        destination.parent.mkdir(parents=True, exist_ok=True)
        part = Path(folder, "bundle.zip")
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in sorted(files.items()):
                archive.writestr(zipfile.ZipInfo(name, _TIMESTAMP), data, zipfile.ZIP_DEFLATED)
        shutil.move(part, destination)
    return destination


def _wrapped(text: str) -> str:
    """Break long lines, as a text file needs it."""
    lines = [
        textwrap.fill(line, 95, subsequent_indent="  " if line.startswith("- ") else "")
        for line in text.splitlines()
    ]
    return "".join(f"{line}\n" for line in lines)


def _project() -> dict[str, object]:
    with (COURSE_ROOT / "pyproject.toml").open("rb") as stream:
        project = tomllib.load(stream)["project"]
    assert isinstance(project, dict)
    return project


def _extra(project: dict[str, object], name: str) -> list[str]:
    extras = project["optional-dependencies"]
    assert isinstance(extras, dict)
    return list(extras[name])


def _notebook(project: dict[str, object]) -> list[str]:
    return _extra(project, "notebook")


def _build_wheel(package: str, folder: Path) -> Path:
    """Build a wheel that knows of nothing but one package."""
    course, project = installed_course(), _project()
    source = folder / "source"
    shutil.copytree(
        package_folder(package),
        source / package,
        ignore=shutil.ignore_patterns("__pycache__", "*.pyc"),
    )
    shutil.copy(COURSE_ROOT / "LICENSE", source)
    command = (
        f'{course.command} = "{package}.cli:main"' if (source / package / "cli").exists() else ""
    )
    (source / "pyproject.toml").write_text(
        _PROJECT.format(
            package=package,
            title=course.title,
            version=project["version"],
            python=project["requires-python"],
            dependencies=project["dependencies"],
            extras="\n".join(f"{name} = {_extra(project, name)}" for name in course.extras),
            scripts=command,
        ),
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel",
         "--directory", str(folder / "dist")],
        cwd=source, capture_output=True, text=True, check=False,
    )  # fmt: skip
    wheels = list((folder / "dist").glob("*.whl"))
    if done.returncode != 0 or len(wheels) != 1:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise CourseError(f"expected to build a wheel of {package}, hatchling failed: {reason}")
    return wheels[0]
