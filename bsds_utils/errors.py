"""The one exception that users are meant to read."""

__all__ = ["BSDSError"]


class BSDSError(Exception):
    """A mistake or a missing thing that the user can mend.

    The message is one line: what was expected, what was found, what to do next. The command-line
    tool prints it without a traceback; notebooks show it as the last line of the error.
    """
