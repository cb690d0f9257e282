"""The zip file that students download."""

import shutil
import subprocess
import sys
import tempfile
import textwrap
import tomllib
import zipfile
from pathlib import Path

from bsds_utils.errors import BSDSError
from grader.assignment import ASSIGNMENTS, COURSE_ROOT
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
name = "bsds_utils"
version = "{version}"
description = "Data, masks, metrics and plots for boundary segmentation with BSDS500"
requires-python = "{python}"
license = "MIT"
license-files = ["LICENSE"]
dependencies = {dependencies}

[project.optional-dependencies]
benchmark = {benchmark}

[project.scripts]
bsds = "bsds_utils.cli:main"

[project.entry-points."bsds.commands"]
{commands}

[tool.hatch.build.targets.wheel]
packages = ["bsds_utils"]
"""

_README = """\
Boundary segmentation with BSDS500: assignments

You need Python {python}. In this folder:

    python3 -m venv .venv
    .venv/bin/pip install -r requirements.txt      (Windows: .venv\\Scripts\\pip)
    .venv/bin/jupyter lab

and open cnn/cnn.ipynb first, then resnet/resnet.ipynb. "bsds data" downloads the Berkeley images
(about 70 MB); without them the notebooks use synthetic scenes.

On Colab, upload a notebook and the file {wheel}.

How it is graded

{conditions}
The images and drawings of BSDS500 are for non-commercial research and education
(Arbelaez, Maire, Fowlkes and Malik, TPAMI 2011). This bundle holds none of them.
"""


def build_bundle(destination: Path = BUNDLE) -> Path:
    """Zip the release notebooks, a wheel of ``bsds_utils`` and environment files.

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
    BSDSError
        If the wheel cannot be built.
    """
    with tempfile.TemporaryDirectory(prefix="bsds-bundle-") as folder:
        wheel = _build_wheel(Path(folder))
        project = _project()
        files: dict[str, bytes] = {
            "README.txt": _README.format(
                python=project["requires-python"],
                wheel=wheel.name,
                conditions=_wrapped(conditions([*ASSIGNMENTS.values()])),
            ).encode(),
            "requirements.txt": f"./{wheel.name}\n".encode() + _notebook_requirements(project),
            "LICENSE": (COURSE_ROOT / "LICENSE").read_bytes(),
            wheel.name: wheel.read_bytes(),
        }
        for assignment in ASSIGNMENTS.values():
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


def _notebook_requirements(project: dict[str, object]) -> bytes:
    return "".join(f"{line}\n" for line in _extra(project, "notebook")).encode()


def _build_wheel(folder: Path) -> Path:
    """Build a wheel that knows of nothing but ``bsds_utils``."""
    project = _project()
    source = folder / "source"
    shutil.copytree(
        COURSE_ROOT / "bsds_utils",
        source / "bsds_utils",
        ignore=shutil.ignore_patterns("__pycache__", "*.pyc"),
    )
    shutil.copy(COURSE_ROOT / "LICENSE", source)
    entry_points = project["entry-points"]
    assert isinstance(entry_points, dict)
    commands = {
        name: module
        for name, module in entry_points["bsds.commands"].items()
        if module.startswith("bsds_utils.")
    }
    (source / "pyproject.toml").write_text(
        _PROJECT.format(
            version=project["version"],
            python=project["requires-python"],
            dependencies=project["dependencies"],
            benchmark=_extra(project, "benchmark"),
            commands="\n".join(f'{name} = "{module}"' for name, module in commands.items()),
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
        raise BSDSError(f"expected to build a wheel of bsds_utils, hatchling failed: {reason}")
    return wheels[0]
