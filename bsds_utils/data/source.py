"""Choosing the data: the real set or the synthetic one, and where it lies."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bsds_utils.data.dataset import Dataset
from bsds_utils.data.descriptor import DESCRIPTOR, FORMAT, read_descriptor
from bsds_utils.data.files import printable
from bsds_utils.data.layout import Layout, find_layout
from bsds_utils.data.manifest import SPLITS, Manifest, bsds500_manifest
from bsds_utils.data.verify import missing_files
from bsds_utils.errors import BSDSError

__all__ = [
    "SOURCES",
    "Place",
    "arrays_folder",
    "cache_folder",
    "choose",
    "expected",
    "open_dataset",
]

SOURCES: Final = ("bsds500", "deadleaves")


def _expanded(path: str | os.PathLike[str]) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError:  # ~somebody who is not known here: then it is a name like others
        return Path(path)


def cache_folder() -> Path:
    """Return the folder for data and arrays: $BSDS_CACHE, else the user's cache."""
    chosen = os.environ.get("BSDS_CACHE")
    if chosen:
        return _expanded(chosen).absolute()
    from platformdirs import user_cache_path

    return user_cache_path("bsds", appauthor=False)


def arrays_folder() -> Path:
    """Return the folder where loaded arrays are kept."""
    return cache_folder() / "arrays"


@dataclass(frozen=True)
class Place:
    """Where a data set is, or is to be put.

    Attributes
    ----------
    source
        ``"bsds500"`` or ``"deadleaves"``.
    root
        The folder.
    ours
        Whether it is in our own cache, where we may make, replace and delete.
    """

    source: str
    root: Path
    ours: bool

    @property
    def vacant(self) -> bool:
        """Whether there is nothing at the root yet: no entry or an empty folder."""
        if not os.path.lexists(self.root):
            return True
        try:
            return self.root.is_dir() and not any(self.root.iterdir())
        except OSError:
            return False


def _named(variable: str) -> str | None:
    return os.environ.get(variable) or None


def _checked(source: str | None, origin: str) -> str | None:
    if source is not None and source not in SOURCES:
        raise BSDSError(f"{origin}: expected {' or '.join(SOURCES)}, found {source!r}")
    return source


def _in_cache(source: str) -> Place:
    name = {"bsds500": "bsds500", "deadleaves": f"deadleaves-v{FORMAT}"}[source]
    return Place(source, cache_folder() / name, ours=True)


def choose(source: str | None = None, root: str | os.PathLike[str] | None = None) -> Place:
    """Decide which data set is meant; nothing is read, made or downloaded.

    Parameters
    ----------
    source
        ``"bsds500"``, ``"deadleaves"``, or None for $BSDS_SOURCE, else whichever is there.
    root
        The data's folder, or None for $BSDS500_ROOT, else the user's cache. A folder with a
        file deadleaves.json holds a synthetic set.

    Returns
    -------
    Place
        The source and the folder.

    Raises
    ------
    BSDSError
        If there is no such source, or the folder holds the other one.
    """
    source = _checked(source, "source")
    if root is None:
        source = source or _checked(_named("BSDS_SOURCE"), "BSDS_SOURCE")
        root = _named("BSDS500_ROOT")
        if root is not None and source == "deadleaves" and not _synthetic(_expanded(root)):
            root = None  # the variable points to the real set, which is not what is asked for
    if root is None:
        if source is None:
            source = "deadleaves" if _in_cache("bsds500").vacant else "bsds500"
        return _in_cache(source)
    path = _expanded(root)
    found = "deadleaves" if _synthetic(path) else "bsds500"
    place = Place(source or found, path, ours=False)
    if found != place.source and not place.vacant:
        what = "has a" if found == "deadleaves" else "has no"
        raise BSDSError(
            f"{printable(path)}: expected the source {place.source}, but the folder {what} file "
            f"{DESCRIPTOR}, which marks synthetic sets; give another folder or another source"
        )
    return place


def _synthetic(root: Path) -> bool:
    return os.path.lexists(root / DESCRIPTOR)


def expected(place: Place) -> Manifest:
    """Return what the place should hold."""
    return (
        bsds500_manifest() if place.source == "bsds500" else read_descriptor(place.root).manifest()
    )


def _say(text: str) -> None:
    print(f"bsds_utils: {text}", file=sys.stderr)


def obtain(place: Place) -> None:
    """Make or download a place's data; say so on stderr.

    What is at the place is replaced if it is in our own cache, and in the way otherwise.

    Raises
    ------
    BSDSError
        If the download fails, the folder is not empty, or it cannot be written.
    """
    if place.source == "deadleaves":
        from bsds_utils.synthetic import DEFAULT_COUNTS, DEFAULT_SEED, write_dataset

        _say(f"making the synthetic data set in {printable(place.root)} (once)")
        write_dataset(place.root, DEFAULT_COUNTS, DEFAULT_SEED, replace=place.ours)
    else:
        from bsds_utils.data.download import download_bsds500

        _say(f"downloading BSDS500 to {printable(place.root)} (once, about 70 MB)")
        download_bsds500(place.root, cache_folder() / "downloads", replace=place.ours)


def _dataset(place: Place, layout: Layout, manifest: Manifest) -> Dataset:
    pairs = {
        split: {
            image_id: (
                layout.files["images", split, image_id],
                layout.files["groundTruth", split, image_id],
            )
            for image_id in manifest.ids(split)
        }
        for split in SPLITS
    }
    return Dataset(place.source, layout.root, pairs, arrays_folder())


def _complete(place: Place, manifest: Manifest) -> Layout:
    layout = find_layout(place.root)
    problems = missing_files(layout, manifest)
    if problems:
        raise BSDSError(
            f"{printable(place.root)}: {'; '.join(problems)}; restore them, or get a whole copy "
            f"with `bsds data --source {place.source}`"
        )
    return layout


def open_place(place: Place, manifest: Manifest | None = None) -> Dataset:
    """Open the data set at a place, which must be complete there.

    Parameters
    ----------
    place
        From `choose`.
    manifest
        What the place should hold; by default what belongs to its source.

    Raises
    ------
    BSDSError
        If files are missing. Damage inside files shows when they are read; `bsds data` looks
        for it.
    """
    manifest = manifest or expected(place)
    return _dataset(place, _complete(place, manifest), manifest)


def open_dataset(source: str | None = None, root: str | os.PathLike[str] | None = None) -> Dataset:
    """Open the real or the synthetic data set.

    Parameters
    ----------
    source
        ``"bsds500"`` (real photographs), ``"deadleaves"`` (synthetic scenes), or None for
        $BSDS_SOURCE, else BSDS500 if $BSDS500_ROOT is set or it was downloaded before, else
        the synthetic set.
    root
        The data's folder: the one that holds ``images/`` and ``groundTruth/`` (or
        ``ground_truth/``), or an unpacked archive's ``BSR`` or ``BSDS500``. None for
        $BSDS500_ROOT, else the user's cache ($BSDS_CACHE, if set), into which the data is
        downloaded (BSDS500) or made (synthetic) on first use.

    Returns
    -------
    Dataset
        Complete: every image of the three splits is there with its ground truth.

    Raises
    ------
    BSDSError
        If the folder lacks files or holds something else, or the download fails.

    Examples
    --------
    ::

        dataset = bsds_utils.open_dataset()
        images, masks, ids = dataset.load("train", size=168)
    """
    place = choose(source, root)
    if place.ours and place.vacant:
        obtain(place)
    return open_place(place)
