"""Reading one variable of a MATLAB file; nothing in it is executed or unpickled."""

import warnings
from pathlib import Path
from typing import Any

from bsds_utils.data.files import looks_like_html, printable, read_bytes
from bsds_utils.errors import BSDSError

__all__ = ["read_variable"]


def read_variable(path: Path, variable: str, advice: str) -> Any:
    """Read a variable of a MATLAB 5 file, which MATLAB calls version 5 to 7.

    Parameters
    ----------
    path
        The file.
    variable
        Its name.
    advice
        What to do if that fails, for the end of the error message.

    Returns
    -------
    Any
        What `scipy.io.loadmat` makes of it.

    Raises
    ------
    BSDSError
        If the file cannot be read, is no such file or holds no such variable.
    """
    from scipy.io import loadmat  # here, because it takes a moment to import

    content = read_bytes(path)
    name = printable(path)
    if looks_like_html(content):
        raise BSDSError(f"{name}: expected a MATLAB file, found a web page; {advice}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # callers check what they get
            variables = loadmat(path, variable_names=[variable])
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
    if variable not in variables:
        raise BSDSError(f"{name}: expected a variable {variable}, the file has none; {advice}")
    return variables[variable]
