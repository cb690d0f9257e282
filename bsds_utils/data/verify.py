"""Comparing a folder with the manifest of what should be in it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bsds_utils.data.files import printable, read_bytes
from bsds_utils.data.groundtruth import read_ground_truth
from bsds_utils.data.imagefile import image_shape, read_image
from bsds_utils.data.layout import Layout
from bsds_utils.data.manifest import SPLITS, Key, Manifest, sha256
from bsds_utils.data.progress import bar
from bsds_utils.errors import BSDSError

__all__ = ["Verification", "missing_files", "verify"]

_NAMED = 3  # files named in a line; the rest are counted


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    shown = ", ".join(printable(name) for name in listed[:_NAMED])
    return shown + (f" and {len(listed) - _NAMED} more" if len(listed) > _NAMED else "")


def missing_files(layout: Layout, manifest: Manifest) -> list[str]:
    """Return one line for each kind of file that the folder lacks; an empty list if none.

    Parameters
    ----------
    layout
        The folder's files.
    manifest
        What should be there.
    """
    lines = []
    for kind, word in (("images", "images"), ("groundTruth", "ground truths")):
        total = sum(key[0] == kind for key in manifest)
        missing = [key for key in manifest if key[0] == kind and key not in layout.files]
        if not missing:
            continue
        names = []
        for split in SPLITS:
            lost = [manifest.paths[key] for key in missing if key[1] == split]
            whole = len(lost) > _NAMED and len(lost) == len(manifest.ids(split))
            names += [f"all {len(lost)} of {kind}/{split}"] if whole else lost
        lines.append(f"{len(missing)} of {total} {word} missing: {_some(names)}")
    return lines


@dataclass
class Verification:
    """What a comparison with the manifest found.

    Attributes
    ----------
    matching
        How many files have exactly the content that the manifest says.
    problems
        One line for each kind of damage; empty if the data set is whole.
    notes
        One line for each oddity that does no harm.
    """

    matching: int = 0
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def _fault(layout: Layout, key: Key) -> str | None:
    """Say what is wrong with a file whose sum is wrong; None if it can be read all the same."""
    kind, split, image_id = key
    try:
        if kind == "images":
            read_image(layout.files[key])
            return None
        image = layout.files.get(("images", split, image_id))
        read_ground_truth(layout.files[key], image_shape(image) if image else None)
    except BSDSError as error:
        return str(error)
    return None


def verify(layout: Layout, manifest: Manifest) -> Verification:
    """Read every file and compare its SHA-256 sum with the manifest.

    Parameters
    ----------
    layout
        The folder's files.
    manifest
        What should be there.

    Returns
    -------
    Verification
        Missing, unreadable, changed and surplus files, a line for each kind.
    """
    result = Verification(problems=missing_files(layout, manifest))
    owner = {digest: key for key, digest in manifest.sums.items()}
    faults: list[str] = []
    swapped: list[str] = []
    changed: list[str] = []
    present = [key for key in manifest if key in layout.files]
    for key in bar(present, "verifying", unit="files"):
        name = manifest.paths[key]
        try:
            digest = sha256(read_bytes(layout.files[key]))
        except BSDSError as error:
            faults.append(str(error))
            continue
        if digest == manifest.sums[key]:
            result.matching += 1
        elif digest in owner:
            swapped.append(f"{name} is {manifest.paths[owner[digest]]}")
        elif fault := _fault(layout, key):
            faults.append(fault)
        else:
            changed.append(name)
    if faults:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        what, _, _advice = faults[0].rpartition("; ")  # ours comes after all the problems
        result.problems.append(f"damaged, {_files(faults)}: {what}{more}")
    if swapped:
        result.problems.append(f"swapped, {_files(swapped)}: {_some(swapped)}")
    if changed:
        result.problems.append(
            f"changed, {_files(changed)} readable but with another SHA-256 sum than the "
            f"original: {_some(changed)}"
        )
    _surplus(layout, manifest, result)
    return result


def _files(names: Sequence[str]) -> str:
    return f"{len(names)} file" + "s" * (len(names) != 1)


def _surplus(layout: Layout, manifest: Manifest, result: Verification) -> None:
    split_of = {(kind, image_id): split for kind, split, image_id in manifest}
    mixed, strange = [], [path.relative_to(layout.root).as_posix() for path in layout.doubles]
    for (kind, split, image_id), path in layout.files.items():
        if (kind, split, image_id) in manifest.sums:
            continue
        name = path.relative_to(layout.root).as_posix()
        if (kind, image_id) in split_of:
            mixed.append(f"{name} belongs to {split_of[kind, image_id]}")
        else:
            strange.append(name)
    if mixed:
        result.problems.append(f"in a wrong split, {_files(mixed)}: {_some(sorted(mixed))}")
    if strange:
        result.notes.append(
            f"ignored, {_files(strange)} not of the data set: {_some(sorted(strange))}"
        )
