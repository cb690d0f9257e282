"""Which revision of the code made something."""

import subprocess
from pathlib import Path

__all__ = ["current_commit"]


def current_commit(folder: Path | None = None) -> str | None:
    """Return the full name of the commit that a Git working tree stands at.

    Parameters
    ----------
    folder
        A folder in the working tree; None: the current one.

    Returns
    -------
    str or None
        40 hexadecimal digits; None without Git, or outside a working tree.
    """
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            capture_output=True, text=True, timeout=10, check=True, cwd=folder,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
