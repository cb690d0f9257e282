"""The `bsds` command as a whole: help, exit codes, one-line errors, Ctrl-C."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from bsds_command import PROGRAM, start

from grader.cli import command_modules

COMMANDS = sorted(command_modules())


def bsds(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, as users do."""
    return subprocess.run(
        [*PROGRAM, *arguments], cwd=cwd, capture_output=True, text=True, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


def test_help_lists_every_command(tmp_path: Path) -> None:
    """`bsds --help` exits 0 and has a line for each command with what it does."""
    done = bsds("--help", cwd=tmp_path)
    assert done.returncode == 0
    assert {"data", "predict", "release", "grade"} <= set(COMMANDS)
    for name in COMMANDS:
        (line,) = [line for line in done.stdout.splitlines() if line.startswith(f"    {name} ")]
        assert len(line.split()) > 3


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_an_example(name: str, tmp_path: Path) -> None:
    """`bsds COMMAND --help` exits 0, describes every argument and shows a command to copy."""
    done = bsds(name, "--help", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stderr == ""
    assert "example" in done.stdout.lower()
    assert any(line.strip().startswith(f"bsds {name} ") or line.strip() == f"bsds {name}"
               for line in done.stdout.splitlines())  # fmt: skip


@pytest.mark.parametrize(
    "arguments", [[], ["dance"], ["grade"], ["data", "--nonsense"], ["predict", "a.keras"]]
)
def test_wrong_arguments(arguments: list[str], tmp_path: Path) -> None:
    """Missing and unknown commands and arguments exit 2 and show the usage."""
    done = bsds(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("usage: bsds")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["grade", "dance"], ["'dance'", "cnn, resnet"]),
        (["grade", "cnn"], ["submitted/<student>/cnn", "found none"]),
        (["grade", "cnn", "--jobs", "0"], ["--jobs", "found 0"]),
        (["grade", "cnn", "--seconds", "-5"], ["above 0", "-5"]),
        (["release", "dance"], ["'dance'", "cnn, resnet"]),
        (["predict", "none.keras", "x.jpg", "-o", "out"], ["none.keras"]),
        (["data", "--root", "nowhere"], ["nowhere"]),
        (["data", "--source", "bsds500", "--root", "."], ["bsds data"]),
    ],
)
def test_mistakes_are_told_on_one_line(
    arguments: list[str], parts: list[str], tmp_path: Path
) -> None:
    """A user's mistake exits 1, and each line on stderr names the command; no traceback."""
    (tmp_path / "notes.txt").write_text("something of the user's")
    done = bsds(*arguments, cwd=tmp_path)
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if "WARNING" not in line]
    assert all(line.startswith(f"bsds {arguments[0]}: ") for line in lines)
    assert 1 <= len(lines) <= (2 if arguments[0] == "data" else 1)
    for part in parts:
        assert part in lines[0]
    assert (tmp_path / "notes.txt").exists()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("BSDS_GRADE_SECONDS", "long"),
        ("BSDS_GRADE_SECONDS", "nan"),
        ("BSDS_COURSE_SECRET_FILE", "no/such/file"),
        ("BSDS_ENCODER_WEIGHTS", "no/such/file.h5"),
    ],
)
def test_wrong_settings_are_told_on_one_line(
    variable: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable with an unusable value exits 1 with one line that names it."""
    monkeypatch.setenv(variable, value)
    done = bsds("grade", "cnn", cwd=tmp_path)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("bsds grade: ")
    assert variable in line


def test_ctrl_c_while_making_data(tmp_path: Path) -> None:
    """Ctrl-C exits 130 with one line, leaves nothing half made, and a second run completes."""
    environment = os.environ | {"BSDS_CACHE": str(tmp_path / "cache")}
    process = start(
        "data", "--source", "deadleaves", cwd=tmp_path, env=environment,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    assert "making the synthetic data set" in process.stderr.readline()
    time.sleep(1.0)
    # A terminal sends it to the whole group.
    os.killpg(process.pid, signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.splitlines()[-1] == "bsds data: stopped by Ctrl-C"
    assert "Traceback" not in errors
    assert output == ""
    again = subprocess.run(
        [*PROGRAM, "data", "--source", "deadleaves"], cwd=tmp_path, env=environment, text=True,
        capture_output=True, check=False,
    )  # fmt: skip
    assert again.returncode == 0, again.stderr
    assert "deadleaves" in again.stdout
