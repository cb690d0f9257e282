"""Executed submissions and verdicts on disk, found again by what they depend on."""

import contextlib
import json
import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import nbformat

from grader.checking.preview import Preview
from grader.checking.verdict import Verdict
from grader.sandbox.notebook import Executed

__all__ = ["Checked", "ResultStore"]

_EXECUTED = "executed.json"
_CHECKED = "checked.json"
_ARTIFACTS = "artifacts"
_OLD_SECONDS = 3600.0


@dataclass(frozen=True)
class Checked:
    """What the hidden checks found.

    Attributes
    ----------
    verdicts
        By grade id.
    key
        Digest of what the checks depended on; empty if they have to be made again.
    preview
        What there is to show of the submission.
    seconds
        Wall-clock seconds of the checks.
    """

    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    key: str = ""
    preview: Preview | None = None
    seconds: float = 0.0


class ResultStore:
    """A folder with a folder for each executed submission.

    Whoever reads while another writes sees all of a thing or nothing of it.

    Parameters
    ----------
    folder
        Made when the first thing is kept; must be out of reach of submissions.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def count(self) -> int:
        """Return of how many executed submissions there are results."""
        return sum(path.suffix != ".part" for path in self._folder.glob("*"))

    def executed(self, key: str) -> Executed | None:
        """Return what executing left, or None; damaged files count as none."""
        folder = self._folder / key
        try:
            value = json.loads((folder / _EXECUTED).read_text(encoding="utf-8"))
            return Executed(
                notebook=nbformat.from_dict(value["notebook"]),
                seconds=value["seconds"],
                problem=value["problem"],
                artifacts={
                    name: (folder / _ARTIFACTS / name).read_bytes() for name in value["artifacts"]
                },
                cpu_seconds=value["cpu_seconds"],
                remark=value["remark"],
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def keep_executed(self, key: str, executed: Executed) -> None:
        """Keep what executing left; verdicts on what was there before go."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = Path(tempfile.mkdtemp(dir=self._folder, suffix=".part"))
        try:
            (part / _ARTIFACTS).mkdir()
            for name, data in executed.artifacts.items():
                (part / _ARTIFACTS / name).write_bytes(data)
            value = {
                "notebook": executed.notebook,
                "seconds": executed.seconds,
                "problem": executed.problem,
                "artifacts": sorted(executed.artifacts),
                "cpu_seconds": executed.cpu_seconds,
                "remark": executed.remark,
            }
            (part / _EXECUTED).write_text(json.dumps(value), "utf-8")
            shutil.rmtree(self._folder / key, ignore_errors=True)
            part.rename(self._folder / key)
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def sweep(self) -> None:
        """Remove what writers left that were killed, once it is too old to be in the making."""
        for part in self._folder.glob("*.part"):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - part.stat().st_mtime > _OLD_SECONDS:
                    shutil.rmtree(part, ignore_errors=True)

    def checked(self, key: str) -> Checked:
        """Return the verdicts on an executed submission, as far as there are any."""
        try:
            value = json.loads((self._folder / key / _CHECKED).read_text(encoding="utf-8"))
            verdicts = [Verdict(**verdict) for verdict in value["verdicts"]]
            preview = value["preview"]
            return Checked(
                verdicts={verdict.grade_id: verdict for verdict in verdicts},
                key=str(value["key"]),
                preview=None if preview is None else Preview(**preview),
                seconds=float(value["seconds"]),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return Checked()

    def keep_checked(self, key: str, checked: Checked) -> None:
        """Keep verdicts on an executed submission."""
        value: dict[str, Any] = {
            "verdicts": [asdict(verdict) for verdict in checked.verdicts.values()],
            "key": checked.key,
            "preview": None if checked.preview is None else asdict(checked.preview),
            "seconds": checked.seconds,
        }
        path = self._folder / key / _CHECKED
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".writing-") as folder:
            part = Path(folder, path.name)
            part.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
            part.replace(path)
