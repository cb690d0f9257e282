"""Comparing a folder with the manifest of what should be in it."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from bsds_utils.data.files import printable, read_bytes
from bsds_utils.data.layout import Layout
from bsds_utils.data.manifest import Key, Manifest, sha256
from bsds_utils.errors import BSDSError

__all__ = ["Verification", "missing_files", "verify"]

_NAMED = 3  # files named in a line; the rest are counted


def _some(names: Iterable[str]) -> str:
    listed = sorted(names)
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
        expected = [key for key in manifest if key[0] == kind]
        missing = [key for key in expected if key not in layout.files]
        if missing:
            lines.append(
                f"{len(missing)} of {len(expected)} {word} missing: "
                f"{_some(manifest.paths[key] for key in missing)}"
            )
    return lines


@dataclass
class Verification:
    """What a comparison with the manifest found.

    Attributes
    ----------
    checked
        How many files have exactly the content that the manifest says.
    problems
        One line for each kind of damage; empty if the data set is whole.
    notes
        One line for each oddity that does no harm.
    """

    checked: int = 0
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def verify(layout: Layout, manifest: Manifest, *, progress: bool = False) -> Verification:
    """Read every file and compare its SHA-256 sum with the manifest.

    Parameters
    ----------
    layout
        The folder's files.
    manifest
        What should be there.
    progress
        Show a progress bar on stderr if that is a terminal.

    Returns
    -------
    Verification
        Missing, unreadable, changed and surplus files, a line for each kind.
    """
    from tqdm import tqdm

    result = Verification(problems=missing_files(layout, manifest))
    owner = {digest: key for key, digest in manifest.sums.items()}
    unreadable: list[str] = []
    damaged: dict[str, list[str]] = defaultdict(list)
    present = [key for key in manifest if key in layout.files]
    bar = tqdm(
        present, desc="verifying", unit="file", leave=False, disable=None if progress else True
    )
    for key in bar:
        name = manifest.paths[key]
        try:
            digest = sha256(read_bytes(layout.files[key]))
        except BSDSError as error:
            unreadable.append(str(error))
            continue
        if digest == manifest.sums[key]:
            result.checked += 1
        elif digest in owner:
            damaged["hold another file's content (swapped?)"].append(
                f"{name} (has that of {manifest.paths[owner[digest]]})"
            )
        else:
            damaged["differ from the manifest's SHA-256 sums"].append(name)
    if unreadable:
        more = f" (and {len(unreadable) - 1} more)" if len(unreadable) > 1 else ""
        result.problems.append(f"{len(unreadable)} files unreadable: {unreadable[0]}{more}")
    result.problems += [f"{len(v)} files {k}: {_some(v)}" for k, v in damaged.items()]
    _surplus(layout, manifest, result)
    return result


def _surplus(layout: Layout, manifest: Manifest, result: Verification) -> None:
    split_of: dict[tuple[str, str], str] = {(kind, i): s for kind, s, i in manifest}
    surplus: list[Key] = [key for key in layout.files if key not in manifest.sums]
    relative = {key: layout.files[key].relative_to(layout.root).as_posix() for key in surplus}
    mixed = [
        f"{relative[key]} (belongs to {split_of[key[0], key[2]]})"
        for key in surplus
        if (key[0], key[2]) in split_of
    ]
    if mixed:
        result.problems.append(f"{len(mixed)} files in a split not theirs: {_some(mixed)}")
    strange = [relative[key] for key in surplus if (key[0], key[2]) not in split_of]
    strange += [path.relative_to(layout.root).as_posix() for path in layout.doubles]
    if strange:
        result.notes.append(f"{len(strange)} surplus files ignored: {_some(strange)}")
