"""The file ``deadleaves.json``, by which a folder says that it is a synthetic data set."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from bsds_utils.data.files import printable, read_bytes
from bsds_utils.data.manifest import SPLITS, Manifest
from bsds_utils.errors import BSDSError

__all__ = ["DESCRIPTOR", "FORMAT", "Descriptor", "read_descriptor"]

DESCRIPTOR: Final = "deadleaves.json"
FORMAT: Final = 1  # raise it when the same seed gives other scenes or the files change


@dataclass(frozen=True)
class Descriptor:
    """How a synthetic data set was made, and what it consists of.

    Attributes
    ----------
    format
        Version of the generator and the files.
    seed
        Seed of the whole set.
    counts
        Images by split.
    sha256
        SHA-256 sum by path relative to the root, as written.
    """

    format: int
    seed: int
    counts: dict[str, int]
    sha256: dict[str, str]

    def to_json(self) -> str:
        """Return the file's content."""
        return json.dumps(asdict(self), indent=1) + "\n"

    def manifest(self) -> Manifest:
        """Return the files with their sums."""
        return Manifest(self.sha256)


def _parse(content: bytes) -> Descriptor:
    fields: Any = json.loads(content)
    descriptor = Descriptor(**fields)
    if descriptor.format != FORMAT:
        raise ValueError(f"format {descriptor.format!r}, this version reads {FORMAT}")
    manifest = descriptor.manifest()
    found = {split: len(manifest.ids(split)) for split in SPLITS}
    if descriptor.counts != found or len(manifest) != 2 * sum(found.values()):
        raise ValueError(f"counts {descriptor.counts!r} for the files {found!r}")
    return descriptor


def read_descriptor(root: Path) -> Descriptor:
    """Read the descriptor of the synthetic data set in a folder.

    Raises
    ------
    BSDSError
        If the file cannot be read, is damaged, or is of another format version.
    """
    path = root / DESCRIPTOR
    content = read_bytes(path)
    try:
        return _parse(content)
    except (ValueError, TypeError, AttributeError, BSDSError) as error:
        reason = " ".join(str(error).split())
        raise BSDSError(
            f"{printable(path)}: not a descriptor of a synthetic set ({reason}); delete the "
            "folder and make it again with `bsds data --source deadleaves`"
        ) from error
