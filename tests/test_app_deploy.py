"""What makes each demo deployable on its own."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from grader.assignment import COURSE_ROOT

APPS = ("cnn_app", "resnet_app")


def requirements(app: str) -> dict[str, Requirement]:
    """Return an app's requirements by name."""
    lines = (COURSE_ROOT / app / "requirements.txt").read_text(encoding="utf-8").splitlines()
    parsed = (Requirement(line) for line in lines if line and not line.startswith("#"))
    return {requirement.name: requirement for requirement in parsed}


def test_both_differ_only_in_what_differs() -> None:
    """One app's script is the other's with another name, and all the rest is the same."""
    cnn, resnet = (COURSE_ROOT.joinpath(app, "app.py").read_text("utf-8") for app in APPS)
    assert len(cnn.splitlines()) < 20
    assert cnn.replace("ResNet50", "CNN") == resnet.replace("ResNet50", "CNN").replace(
        "resnet", "cnn"
    )
    assert requirements("cnn_app") == requirements("resnet_app")


@pytest.mark.parametrize("app", APPS)
def test_settings_hold_wherever_it_is_started(app: str) -> None:
    """Streamlit reads the settings beside the script, so that they are the root's."""
    name = Path(".streamlit", "config.toml")
    assert (COURSE_ROOT / app / name).read_bytes() == (COURSE_ROOT / name).read_bytes()


def test_settings() -> None:
    """Uploads are limited, no figures leave the machine, and both looks are there."""
    settings = tomllib.loads((COURSE_ROOT / ".streamlit/config.toml").read_text("utf-8"))
    assert 10 <= settings["server"]["maxUploadSize"] <= 50
    assert settings["browser"]["gatherUsageStats"] is False
    assert settings["client"]["showErrorDetails"] == "none"
    assert settings["theme"]["light"].keys() == settings["theme"]["dark"].keys()


def test_requirements_are_the_projects() -> None:
    """An app asks for what the project asks for, in the same versions."""
    project = tomllib.loads((COURSE_ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"]["app"]]
    known = {parsed.name: parsed.specifier for parsed in map(Requirement, asked)}
    known["tensorflow-cpu"] = known["tensorflow"]
    for name, requirement in requirements("cnn_app").items():
        assert requirement.specifier == known[name]


def test_requirements_hold_all_that_is_imported() -> None:
    """What the page imports is required by name, or by something that is."""
    program = (
        "import sys, boundary_app.page, bsds_utils.models.modelcard\n"
        "print(*sys.modules)\n"
        "ours = ('bsds_utils', 'boundary_app')\n"
        "print(*(m.__file__ for n, m in sys.modules.items() if n.startswith(ours)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120
    )
    loaded, files = (line.split() for line in done.stdout.splitlines())
    source = "\n".join(Path(file).read_text("utf-8") for file in files)
    named = set(re.findall(r"^\s*(?:import|from) (\w+)", source, re.M))
    homes = packages_distributions()
    used = {home.lower() for name in named & set(loaded) for home in homes.get(name, ())}
    assert {"streamlit", "keras", "numpy"} <= used
    assert used - {"bsds-course"} <= _installed(requirements("cnn_app"))


def _installed(names: Iterable[str]) -> set[str]:
    """Return the names and those of all that they require, as far as it is installed here."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop().lower()
        if name in found:
            continue
        found.add(name)
        with suppress(PackageNotFoundError):
            parsed = map(Requirement, requires(name) or ())
            waiting += [
                one.name
                for one in parsed
                if one.marker is None or one.marker.evaluate({"extra": ""})
            ]
    return found


def test_the_library_does_not_need_streamlit() -> None:
    """The package, and what of the page is logic, is imported without Streamlit or TensorFlow."""
    program = (
        "import sys, bsds_utils, boundary_app.pictures, boundary_app.drawing, "
        "boundary_app.truth, boundary_app.describe, boundary_app.demos, "
        "boundary_app.samples, boundary_app.prediction\n"
        "assert not {'streamlit', 'tensorflow', 'keras', 'numba'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
