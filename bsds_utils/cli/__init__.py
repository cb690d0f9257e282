"""The ``bsds`` command that students get: data, evaluation and predictions.

A sub-command is a module of this package with ``add_arguments(parser)`` and ``run(args) -> int``;
its docstring is the help text, the first line the summary.
"""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from bsds_utils.errors import BSDSError

__all__ = ["COMMANDS", "main"]

COMMANDS = ("data", "evaluate", "predict")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one sub-command.

    Parameters
    ----------
    argv
        Arguments without the program name; by default those of the process.

    Returns
    -------
    int
        Exit code: 0 on success, 1 after a user's mistake, 2 for wrong arguments (raised by
        argparse as ``SystemExit``), 130 after Ctrl-C.
    """
    parser = argparse.ArgumentParser(prog="bsds", description="Boundaries with BSDS500.")
    choice = parser.add_subparsers(metavar="COMMAND", required=True)
    name = "bsds"
    for command in COMMANDS:
        module = import_module(f"{__name__}.{command}")
        text = (module.__doc__ or "").strip()
        sub = choice.add_parser(
            command, help=text.partition("\n")[0], description=text,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )  # fmt: skip
        sub.set_defaults(run=module.run, name=f"bsds {command}")
        module.add_arguments(sub)
    try:
        args = parser.parse_args(argv)
        name = args.name
        return int(args.run(args))
    except BSDSError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"{name}: stopped by Ctrl-C", file=sys.stderr)
        return 130
