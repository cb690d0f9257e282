"""Unpacking a downloaded archive: only files that the manifest lists, only with the right sums."""

import hashlib
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Final

from bsds_utils.data.files import printable
from bsds_utils.data.manifest import Key, Manifest
from bsds_utils.errors import BSDSError

__all__ = ["BadArchiveError", "unpack"]

# BSDS500's archives have some 3,000 members of 200 MB in all; these limits stop bombs.
_MOST_MEMBERS: Final = 100_000
_MOST_BYTES: Final = 4 * 2**30
_MOST_BYTES_OF_A_FILE: Final = 16 * 2**20


class BadArchiveError(BSDSError):
    """A file that came whole over the line is not the archive it should be."""


def _checked_members(archive: tarfile.TarFile, folder: Path) -> Iterator[tarfile.TarInfo]:
    """Go through the members; refuse an archive that no honest tool would have made."""
    total = 0
    for count, member in enumerate(archive, start=1):
        name = printable(member.name)
        total += max(member.size, 0)
        if count > _MOST_MEMBERS or total > _MOST_BYTES or member.size < 0:
            raise BadArchiveError(
                f"refused: absurd size ({count} members, {total} bytes at {name})"
            )
        parts = PurePosixPath(member.name.replace("\\", "/")).parts
        if ".." in parts or member.name.startswith(("/", "\\")) or ":" in (parts or ("",))[0]:
            raise BadArchiveError(
                f"refused: the member {name} would be written outside the folder"
            )
        try:
            tarfile.data_filter(member, str(folder))
        except tarfile.FilterError as error:
            raise BadArchiveError(
                f"refused: unsafe member {name} ({type(error).__name__})"
            ) from error
        yield member


def _key(member: tarfile.TarInfo) -> Key | None:
    """Return the key of a regular file at …/images/train/8049.jpg, whatever lies before."""
    parts = PurePosixPath(member.name).parts
    if not member.isreg() or len(parts) < 3:
        return None
    kind = {"images": "images", "groundTruth": "groundTruth", "ground_truth": "groundTruth"}
    if parts[-3] not in kind:
        return None
    return kind[parts[-3]], parts[-2], PurePosixPath(parts[-1]).stem


def _keep(stream: IO[bytes], digest: str, path: Path) -> bool:
    content = stream.read(_MOST_BYTES_OF_A_FILE)
    if hashlib.sha256(content).hexdigest() != digest:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return True


def unpack(path: Path, folder: Path, manifest: Manifest) -> None:
    """Take a data set's files out of a tar archive.

    Where a file is written follows from the manifest, never from the archive.

    Parameters
    ----------
    path
        A .tar, .tar.gz or the like. The data may lie at any depth in it.
    folder
        Where to write ``images/`` and ``groundTruth/``; should be new, since files remain in it
        if the archive turns out to be bad.
    manifest
        The files to take, with their sums.

    Raises
    ------
    BadArchiveError
        If the file is no archive, is truncated, tries to write elsewhere, holds devices or
        absurd sizes, or lacks files of the manifest or has them with other content.
    OSError
        If the disk refuses.
    """
    done: set[Key] = set()
    differ: set[Key] = set()
    try:
        with tarfile.open(path) as archive:
            for member in _checked_members(archive, folder):
                key = _key(member)
                if key is None or key in done or key not in manifest.sums:
                    continue
                stream = archive.extractfile(member)
                assert stream is not None  # it is a regular file
                if _keep(stream, manifest.sums[key], folder / manifest.paths[key]):
                    done.add(key)
                else:
                    differ.add(key)
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise BadArchiveError(
            f"not a tar archive, or a truncated one ({path.stat().st_size} bytes)"
        ) from error
    except OSError as error:
        if error.errno is None:  # gzip's complaint of a damaged stream, not the disk's
            raise BadArchiveError(f"a damaged archive ({error})") from error
        raise
    differ -= done
    lacking = len(manifest) - len(done) - len(differ)
    if differ or lacking:
        raise BadArchiveError(
            f"a wrong archive: of {len(manifest)} files {lacking} are missing and {len(differ)} "
            "have other SHA-256 sums than the manifest"
        )
