"""Data for tests: the real set if it is at hand, and a small synthetic one."""

import os
import shutil
from pathlib import Path

import pytest

_SHARED = Path(__file__).resolve().parents[2] / "shared"
_BESIDE = _SHARED / "BSDS500"
# Read before the fixture below hides it from the code under test.
_ASKED = os.environ.get("BSDS500_ROOT")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the user's cache and settings out of every test."""
    monkeypatch.setenv("BSDS_CACHE", str(tmp_path_factory.mktemp("cache")))
    for variable in ("BSDS500_ROOT", "BSDS_SOURCE"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture(scope="session")
def bsds500_root() -> Path:
    """Return the folder of the real BSDS500, or skip the test."""
    root = Path(_ASKED) if _ASKED else _BESIDE
    if not (root / "images").is_dir():
        pytest.skip(f"needs BSDS500: set BSDS500_ROOT, or put it at {_BESIDE}")
    return root


@pytest.fixture(scope="session")
def official_benchmark() -> Path:
    """Return the folder of the official benchmark's examples and numbers, or skip the test."""
    folder = _SHARED / "benchmark"
    if not folder.is_dir():
        pytest.skip(f"needs the official benchmark's examples: put them at {folder}")
    return folder


@pytest.fixture(scope="session")
def tiny_deadleaves(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the root of a synthetic data set of 4 + 2 + 2 scenes; not to be changed."""
    from bsds_utils.synthetic import write_dataset

    root = tmp_path_factory.mktemp("data") / "deadleaves"
    write_dataset(root, {"train": 4, "val": 2, "test": 2}, seed=3)
    return root


@pytest.fixture(scope="session")
def few_scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the root of a synthetic data set on which a network learns in seconds."""
    from red_lines import write_red_scenes

    root = tmp_path_factory.mktemp("data") / "scenes"
    write_red_scenes(root)
    return root


@pytest.fixture
def tiny_bsds500(tiny_deadleaves: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a small folder of the test's own that passes for BSDS500, manifest and all."""
    from bsds_utils.data import source
    from bsds_utils.data.descriptor import read_descriptor

    root = tmp_path / "BSDS500"
    shutil.copytree(tiny_deadleaves, root, ignore=shutil.ignore_patterns("*.json"))
    manifest = read_descriptor(tiny_deadleaves).manifest()
    monkeypatch.setattr(source, "bsds500_manifest", lambda: manifest)
    return root
