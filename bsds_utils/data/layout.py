"""Finding a data set's files under a folder, whatever of the usual shapes the folder has."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bsds_utils.data.files import printable
from bsds_utils.data.manifest import SPLITS, Key
from bsds_utils.errors import BSDSError

__all__ = ["Layout", "find_layout"]

# The Berkeley archive unpacks to BSR/BSDS500/data, the mirror to BSDS500/data.
_INNER: Final = (
    "",
    "data",
    "BSDS500",
    "BSDS500/data",
    "BSR",
    "BSR/BSDS500",
    "BSR/BSDS500/data",
    "BSDS500/BSDS500/data",
)
_FOLDERS: Final = {"images": ("images",), "groundTruth": ("groundTruth", "ground_truth")}
_SUFFIXES: Final = {"images": (".jpg", ".jpeg"), "groundTruth": (".mat",)}


@dataclass(frozen=True)
class Layout:
    """A data set's files as the folder listings show them; nothing is opened.

    Attributes
    ----------
    root
        The folder that holds ``images`` and ``groundTruth``.
    files
        Path of each image and ground truth by key ``(kind, split, image id)``.
    doubles
        Further files with the same key, ``8049.jpg`` beside ``8049.JPG`` for instance.
    """

    root: Path
    files: dict[Key, Path]
    doubles: tuple[Path, ...] = ()


def _child(folder: Path, names: tuple[str, ...]) -> Path | None:
    return next((folder / name for name in names if (folder / name).is_dir()), None)


def _list(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def find_layout(root: Path) -> Layout:
    """List the images and ground truths under a folder.

    Accepted are the folder that holds ``images/`` and ``groundTruth/`` (or ``ground_truth/``, as
    on Kaggle), and the folders ``BSR`` and ``BSDS500`` that the archives unpack to, or the
    folder these were unpacked in. Hidden files and files with other suffixes than .jpg, .jpeg
    and .mat are strays and ignored.

    Parameters
    ----------
    root
        Where to look.

    Returns
    -------
    Layout
        What is there; complete or not is for the caller to judge.

    Raises
    ------
    BSDSError
        If the folder does not exist, cannot be listed, or holds no such pair of folders.
    """
    name = printable(root)
    try:
        is_folder = stat.S_ISDIR(root.stat().st_mode)
    except FileNotFoundError as error:
        found = "a link that leads nowhere" if root.is_symlink() else "no such folder"
        raise BSDSError(
            f"{name}: expected a folder with images/ and groundTruth/, found {found}; give an "
            f"existing folder, or download with `bsds data --source bsds500 --root {name}`"
        ) from error
    except OSError as error:
        raise BSDSError(
            f"{name}: cannot be read ({error.strerror}); check the path and its permissions"
        ) from error
    if not is_folder:
        raise BSDSError(
            f"{name}: expected a folder with images/ and groundTruth/, found a file; unpack an "
            "archive first and give the folder"
        )
    try:
        return _find(root)
    except OSError as error:
        raise BSDSError(
            f"{printable(error.filename or root)}: cannot be read ({error.strerror}); check its "
            "permissions"
        ) from error


def _find(root: Path) -> Layout:
    _list(root)  # says so if it must not be read
    partial: Path | None = None
    for inner in _INNER:
        folder = root / inner
        kinds = {kind: _child(folder, names) for kind, names in _FOLDERS.items()}
        if all(kinds.values()):
            return _scan(folder, {kind: path for kind, path in kinds.items() if path})
        if any(kinds.values()) and partial is None:
            partial = folder
    if partial is None:
        raise BSDSError(
            f"{printable(root)}: expected images/ and groundTruth/ in it (or BSDS500/ or BSR/), "
            "found neither; give the folder that holds both"
        )
    has, lacks = "images/", "groundTruth/"
    if _child(partial, _FOLDERS["images"]) is None:
        has, lacks = lacks, has
    raise BSDSError(
        f"{printable(partial)}: expected images/ and groundTruth/, found {has} but no folder "
        f"{lacks}; restore it, or get a whole copy as `bsds data --help` says"
    )


def _scan(root: Path, kinds: dict[str, Path]) -> Layout:
    files: dict[Key, Path] = {}
    doubles = []
    for kind, folder in kinds.items():
        for split in SPLITS:
            if not (folder / split).is_dir():
                continue  # the files it should hold are reported as missing
            for entry in _list(folder / split):
                stem, suffix = Path(entry.name).stem, Path(entry.name).suffix
                if suffix.lower() not in _SUFFIXES[kind] or stem.startswith("."):
                    continue
                path = Path(entry.path)
                if (kind, split, stem) in files:
                    doubles.append(path)
                else:
                    files[kind, split, stem] = path
    return Layout(root, files, tuple(doubles))
