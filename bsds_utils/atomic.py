"""Files that appear whole or not at all."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["written_whole"]


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a path beside the file's to write to, and move what was written to its place.

    If the body fails or is interrupted, what was at the path stays as it was.

    Parameters
    ----------
    path
        The file to write or replace; its folder exists.

    Yields
    ------
    pathlib.Path
        Where to write it. Nothing is there yet, and the name is the file's own.

    Raises
    ------
    OSError
        If the folder cannot be written to.
    """
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".writing-") as folder:
        part = Path(folder, path.name)
        yield part
        part.replace(path)
