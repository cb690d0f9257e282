"""What files a data set consists of, with their SHA-256 sums."""

import hashlib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Final

from bsds_utils.errors import BSDSError

__all__ = ["SPLITS", "Key", "Manifest", "bsds500_manifest", "sha256"]

SPLITS: Final = ("train", "val", "test")

Key = tuple[str, str, str]
"""``(kind, split, image id)``, kind ``images`` or ``groundTruth``: a file whatever its suffix."""


def sha256(content: bytes) -> str:
    """Return the SHA-256 sum as 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


class Manifest:
    """The files of a data set by their key, with their sums.

    Parameters
    ----------
    sums
        SHA-256 sum by path relative to the root, ``images/train/8049.jpg`` for instance.

    Raises
    ------
    BSDSError
        If a path has another form.
    """

    def __init__(self, sums: Mapping[str, str]) -> None:
        self.paths: dict[Key, str] = {}
        self.sums: dict[Key, str] = {}
        for path, digest in sums.items():
            kind, _, rest = path.partition("/")
            split, _, name = rest.partition("/")
            image_id, _, suffix = name.rpartition(".")
            expected = {"images": "jpg", "groundTruth": "mat"}.get(kind)
            bad_name = not image_id or image_id.startswith(".") or "/" in name or "\\" in name
            if suffix != expected or split not in SPLITS or bad_name:
                raise BSDSError(
                    f"manifest: expected paths like images/train/8049.jpg, found {path!r}"
                )
            self.paths[kind, split, image_id] = path
            self.sums[kind, split, image_id] = digest

    @classmethod
    def parse(cls, text: str) -> "Manifest":
        """Read the format of the ``sha256sum`` command: a sum, two blanks, a path a line."""
        lines = (line.split(maxsplit=1) for line in text.splitlines() if line.strip())
        return cls({path: digest for digest, path in lines})

    def ids(self, split: str) -> tuple[str, ...]:
        """Return the sorted image ids of a split."""
        return tuple(sorted(i for kind, s, i in self.sums if kind == "images" and s == split))

    def __iter__(self) -> Iterator[Key]:
        return iter(self.sums)

    def __len__(self) -> int:
        return len(self.sums)


def bsds500_manifest() -> Manifest:
    """Return the 1,000 files of BSDS500 (500 images, 500 ground truths; 200/100/200).

    The sums are those of the files in the public mirror BIDS/BSDS500, commit a04b7c6.

    >>> len(bsds500_manifest())
    1000
    """
    text = files("bsds_utils.data").joinpath("manifest.sha256").read_text(encoding="utf-8")
    return Manifest.parse(text)
