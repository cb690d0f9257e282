"""Downloading BSDS500: two addresses, resumed where it broke off, verified file by file."""

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bsds_utils.data.archive import BadArchiveError, unpack
from bsds_utils.data.files import looks_like_html, printable
from bsds_utils.data.folders import filled_atomically
from bsds_utils.data.manifest import Manifest, bsds500_manifest
from bsds_utils.data.progress import bar
from bsds_utils.errors import BSDSError

if TYPE_CHECKING:
    from tqdm import tqdm

__all__ = ["ADDRESSES", "download_bsds500"]

ADDRESSES: Final = (
    "http://www.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/BSR/BSR_bsds500.tgz",
    "https://github.com/BIDS/BSDS500/archive/a04b7c6c3a9f0ace74bf205c72a43d32e1c72722.tar.gz",
)
_TRIES: Final = 5  # connections to one address before the next is tried
_TIMEOUT: Final = (10.0, 60.0)  # seconds to connect, and without a byte
_CHUNK: Final = 2**13  # bytes; of a connection that breaks off, at most so many are lost
_MOST_BYTES: Final = 2**30  # the archives have about 70 MB


class _RefusedError(BSDSError):
    """An address does not give the archive; the next one may."""


class _BrokenError(Exception):
    """The connection broke off; what came so far is kept."""


def _range_start(response: Any, have: int) -> int:
    """Say at which byte the response's body starts."""
    if response.status_code == 200:
        return 0  # the server does not resume
    expected = f"bytes {have}-"
    found = response.headers.get("Content-Range", "")
    if response.status_code != 206 or not found.startswith(expected):
        raise _RefusedError(f"expected Content-Range {expected}…, found {found!r}")
    return have


def _continue(url: str, part: Path) -> None:
    """Fetch the rest of a file of which a part may be there already."""
    import requests

    have = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    try:
        with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as response:
            if response.status_code == 416 and have:
                # What is there is the whole file, or more than it: unpacking will tell.
                return
            if response.status_code >= 400:
                raise _RefusedError(f"HTTP {response.status_code} {response.reason}")
            start = _range_start(response, have)
            length = response.headers.get("Content-Length")
            total = start + int(length) if length else None
            if total is not None and total > _MOST_BYTES:
                raise _RefusedError(f"refused: {total} bytes, more than any archive of BSDS500")
            steps: tqdm[bytes] = bar(
                None, "downloading", total, "B", initial=start, unit_scale=True
            )
            with steps, part.open("ab" if start else "wb") as file:
                for chunk in response.iter_content(_CHUNK):
                    if file.tell() == 0 and looks_like_html(chunk):
                        part.unlink()
                        raise _RefusedError("a web page instead of the archive")
                    if file.tell() > _MOST_BYTES:
                        raise _RefusedError("refused: no end of data")
                    file.write(chunk)
                    steps.update(len(chunk))
    except requests.Timeout as error:
        raise _BrokenError("timed out") from error
    except requests.exceptions.ChunkedEncodingError as error:
        raise _BrokenError(f"broke off at {part.stat().st_size} bytes") from error
    except requests.ConnectionError as error:
        raise _BrokenError(_reason(error)) from error
    except requests.RequestException as error:
        raise _RefusedError(_reason(error)) from error
    if total is not None and part.stat().st_size < total:
        raise _BrokenError(f"broke off at {part.stat().st_size} of {total} bytes")


def _reason(error: BaseException) -> str:
    """Return what is behind a chain of wrapped network errors, in a few words."""
    seen = error
    while True:
        inner = getattr(seen, "reason", None) or next(
            (a for a in seen.args if isinstance(a, BaseException)), None
        )
        if not isinstance(inner, BaseException):
            break
        seen = inner
    text = " ".join(str(seen).split()).rsplit(": ", 1)[-1]
    return text[:120] or type(seen).__name__


def _resuming(part: Path, pause: float) -> Callable[[str, Any, Any], None]:
    """Return a downloader for pooch that goes on where it, or an earlier process, broke off."""

    def download(url: str, output_file: Any, _pooch: Any) -> None:
        for attempt in range(_TRIES):
            size = part.stat().st_size if part.exists() else 0
            try:
                _continue(url, part)
                break
            except _BrokenError as error:
                grown = part.exists() and part.stat().st_size > size
                if attempt == _TRIES - 1 or (not grown and attempt):
                    raise _RefusedError(str(error)) from error
                time.sleep(pause)
        part.replace(output_file)

    return download


def _fetch(url: str, folder: Path, pause: float) -> Path:
    import pooch

    name = url.rsplit("/", 1)[-1]
    # With no sum given, pooch recommends one to the user; ours are inside, file by file.
    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        return Path(
            pooch.retrieve(
                url,
                known_hash=None,
                fname=name,
                path=folder,
                downloader=_resuming(folder / f"{name}.part", pause),
            )
        )
    finally:
        logger.setLevel(level)


def _install(
    url: str, target: Path, folder: Path, manifest: Manifest, replace: bool, pause: float
) -> None:
    name = url.rsplit("/", 1)[-1]
    resumed = (folder / f"{name}.part").exists() or (folder / name).exists()
    archive = _fetch(url, folder, pause)
    try:
        with filled_atomically(target, replace=replace) as new:
            unpack(archive, new, manifest)
    except BadArchiveError:
        archive.unlink(missing_ok=True)
        if not resumed:
            raise
        # What was there from an earlier run may belong to another version of the file.
        _install(url, target, folder, manifest, replace, pause)
    archive.unlink(missing_ok=True)


def download_bsds500(
    target: Path,
    downloads: Path,
    *,
    replace: bool = False,
    addresses: Sequence[str] | None = None,
    manifest: Manifest | None = None,
    pause: float = 2.0,
) -> None:
    """Download BSDS500 and put its verified files into a folder.

    The folder appears whole or not at all. A download that breaks off goes on where it stopped,
    in this call or in a later one, if the server can do that; otherwise it starts again.

    Parameters
    ----------
    target
        The folder to make; it then holds ``images/`` and ``groundTruth/``.
    downloads
        Where unfinished downloads are kept.
    replace
        Replace what is at the target.
    addresses
        Where to look, the first one first; by default the data set's home in Berkeley, then
        the public mirror BIDS/BSDS500 on GitHub.
    manifest
        The files with their SHA-256 sums; by default BSDS500's.
    pause
        Seconds to wait before connecting again.

    Raises
    ------
    BSDSError
        If no address gives a right archive, or the disk refuses.
    """
    manifest = manifest or bsds500_manifest()
    failures = []
    try:
        downloads.mkdir(parents=True, exist_ok=True)
        for url in addresses or ADDRESSES:
            try:
                _install(url, target, downloads, manifest, replace, pause)
                return
            except (_RefusedError, BadArchiveError) as error:
                failures.append(f"{url} ({error})")
    except OSError as error:
        raise BSDSError(
            f"{printable(downloads)}: cannot be written ({error.strerror or error}); check free "
            "space and permissions, or set BSDS_CACHE to another folder"
        ) from error
    raise BSDSError(
        f"BSDS500 could not be downloaded; tried {' and '.join(failures)}; give a local copy with "
        "--root DIR or BSDS500_ROOT, or use the synthetic data: --source deadleaves"
    )
