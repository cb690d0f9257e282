"""The ``bsds`` command: finds its sub-commands and reports errors on one line.

A sub-command is a module with ``add_arguments(parser)`` and ``run(args) -> int``, registered in
the entry-point group ``bsds.commands``. The first line of its docstring is its summary, and the
rest is shown by ``--help``.
"""

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType

from bsds_utils.errors import BSDSError

__all__ = ["main"]

GROUP = "bsds.commands"
INTERRUPTED = 130


def _load(entry: EntryPoint) -> ModuleType:
    module = entry.load()
    assert isinstance(module, ModuleType)
    return module


def _parser(commands: dict[str, ModuleType]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bsds", description="Course on image boundary segmentation with BSDS500."
    )
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, module in sorted(commands.items()):
        text = (module.__doc__ or "").strip()
        sub = subparsers.add_parser(
            name,
            help=text.splitlines()[0],
            description=text,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(sub)
    return parser


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
    arguments = list(sys.argv[1:] if argv is None else argv)
    name = "bsds"
    found = {entry.name: entry for entry in entry_points(group=GROUP)}
    try:
        # Only help needs them all, and some take seconds to import.
        wanted = arguments[:1] if arguments[:1] and arguments[0] in found else list(found)
        commands = {one: _load(found[one]) for one in wanted}
        args = _parser(commands).parse_args(arguments)
        name = f"bsds {args.command}"
        return int(commands[args.command].run(args))
    except BSDSError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"{name}: stopped by Ctrl-C", file=sys.stderr)
        return INTERRUPTED
