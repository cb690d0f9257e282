"""Reading one variable of a MATLAB file; nothing in it is executed or unpickled."""

import io
import math
from pathlib import Path
from typing import Any

from bsds_utils.data.files import looks_like_html, printable, read_bytes
from bsds_utils.data.warningfilter import warnings_become
from bsds_utils.errors import BSDSError

__all__ = ["parse_variable", "read_variable"]

# Files up to this size are read without looking first how much is in them, which takes half as
# long as reading: the data set's and usual ucm2 maps are smaller.
_SMALL_BYTES = 1 << 19


def read_variable(path: Path, variable: str, advice: str, max_elements: int = 1 << 28) -> Any:
    """Read a variable of a MATLAB 5 file, which MATLAB calls version 5 to 7.

    Parameters
    ----------
    path
        The file.
    variable
        Its name.
    advice
        What to do if that fails, for the end of the error message.
    max_elements
        Largest number of elements; in files over half a megabyte it is checked before they are
        unpacked.

    Returns
    -------
    Any
        What `scipy.io.loadmat` makes of it, of the class that it has in MATLAB: whole numbers of
        class double, which MATLAB packs into bytes, are float64, and logical ones bool.

    Raises
    ------
    BSDSError
        If the file cannot be read, is no such file or holds no such variable, or a larger one.
    """
    return parse_variable(
        read_bytes(path, advice), printable(path), variable, advice, max_elements
    )


def parse_variable(
    content: bytes, name: str, variable: str, advice: str, max_elements: int = 1 << 28
) -> Any:
    """Read a variable from a MATLAB 5 file's content.

    Parameters
    ----------
    content
        The file's bytes.
    name
        What to call the file in error messages.
    variable, advice, max_elements
        As for `read_variable`.

    Returns
    -------
    Any
        As from `read_variable`.

    Raises
    ------
    BSDSError
        If it is no such file or holds no such variable, or a larger one.
    """
    from scipy.io import loadmat, whosmat  # here, because it takes a moment to import

    if looks_like_html(content):
        raise BSDSError(f"{name}: expected a MATLAB file, found a web page; {advice}")
    stream: Any = io.BytesIO(content)
    try:
        with warnings_become("ignore"):  # callers check what they get
            size = 0
            if len(content) > _SMALL_BYTES:
                shapes = {found: shape for found, shape, _ in whosmat(stream)}
                size = math.prod(shapes.get(variable, (0,)))
                stream.seek(0)
            fits = size <= max_elements
            variables = loadmat(stream, variable_names=[variable] if fits else [], mat_dtype=True)
    except NotImplementedError as error:
        raise BSDSError(
            f"{name}: not a MATLAB 5 file but one of version 7.3 (the option -v7 of MATLAB's save "
            f"writes the right kind); {advice}"
        ) from error
    except Exception as error:  # a broken file makes scipy raise almost anything
        raise BSDSError(
            f"{name}: not a MATLAB 5 file, or a truncated or corrupt one "
            f"({len(content)} bytes); {advice}"
        ) from error
    if not fits:
        raise BSDSError(
            f"{name}: expected {variable} of at most {max_elements:,} elements, found "
            f"{size:,}; {advice}"
        )
    if variable not in variables:
        raise BSDSError(f"{name}: expected a variable {variable}, the file has none; {advice}")
    return variables[variable]
