"""Reading one file of the data set, with the reasons it cannot be read in the user's words."""

import stat
from pathlib import Path

from bsds_utils.errors import BSDSError

__all__ = ["looks_like_html", "printable", "read_bytes"]

_MAX_BYTES = (
    64 * 2**20
)  # the largest file of BSDS500 has 0.2 MB; anything near this is no part of it


def printable(path: Path | str) -> str:
    r"""Return a path as text that any terminal and any one-line message can hold.

    Names that are not UTF-8 and control characters are written as escapes.

    >>> printable("a\nb.jpg")
    'a\\nb.jpg'
    """
    text = str(path).encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def read_bytes(path: Path, advice: str = "restore the file") -> bytes:
    """Read a regular file as a whole.

    Parameters
    ----------
    path
        The file; a link to a file counts as the file.
    advice
        What to do if it cannot be read, for the end of the error message.

    Returns
    -------
    bytes
        Its content, never empty.

    Raises
    ------
    BSDSError
        If it is missing, a dangling link, a folder or device, empty, absurdly large, or not
        readable; the message names the file.
    """
    name = printable(path)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            what = "a folder" if stat.S_ISDIR(status.st_mode) else "not a regular file"
            raise BSDSError(f"{name}: expected a file, found {what}; {advice}")
        if status.st_size > _MAX_BYTES:
            raise BSDSError(
                f"{name}: expected at most {_MAX_BYTES >> 20} MiB, found "
                f"{status.st_size >> 20} MiB; {advice}"
            )
        content = path.read_bytes()
    except FileNotFoundError as error:
        found = "a link that leads nowhere" if path.is_symlink() else "none"
        raise BSDSError(f"{name}: expected a file, found {found}; {advice}") from error
    except OSError as error:
        raise BSDSError(
            f"{name}: cannot be read ({error.strerror}); check its permissions and the disk"
        ) from error
    if not content:
        raise BSDSError(f"{name}: the file is empty (0 bytes); {advice}")
    return content


def looks_like_html(content: bytes) -> bool:
    """Say whether a file is a web page: what a failed download often leaves behind."""
    head = content[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return head.startswith((b"<!doctype", b"<html", b"<head", b"<?xml"))
