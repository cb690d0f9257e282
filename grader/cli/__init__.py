"""The instructor's command: finds its sub-commands and reports errors on one line.

A sub-command is a module with ``add_arguments(parser)`` and ``run(args) -> int``, one of this
package's or one that the course declares. The first line of its docstring is its summary, and the
rest is shown by ``--help``; {command} and {assignment} in it become the course's own.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from types import ModuleType

from grader.assignment import installed_course
from grader.errors import mistakes

__all__ = ["command_modules", "main"]

OWN = ("check", "grade", "new", "release")
INTERRUPTED = 130


def command_modules() -> dict[str, str]:
    """Return by name the modules of all sub-commands."""
    own = {name: f"{__name__}.{name}" for name in OWN}
    return dict(sorted({**own, **installed_course().commands}.items()))


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
    name = program = installed_course().command
    found = command_modules()
    try:
        # Only help needs them all, and some take seconds to import.
        wanted = arguments[:1] if arguments[:1] and arguments[0] in found else list(found)
        commands = {one: import_module(found[one]) for one in wanted}
        args = _parser(program, commands).parse_args(arguments)
        name = f"{program} {args.command}"
        return int(commands[args.command].run(args))
    except mistakes() as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"{name}: stopped by Ctrl-C", file=sys.stderr)
        return INTERRUPTED


def _parser(program: str, commands: Mapping[str, ModuleType]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=program, description=installed_course().title)
    course = installed_course()
    example = course.assignments[0].name if course.assignments else "NAME"
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, module in commands.items():
        text = (module.__doc__ or "").strip()
        text = text.replace("{command}", program).replace("{assignment}", example)
        sub = subparsers.add_parser(
            name,
            help=text.splitlines()[0],
            description=text,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(sub)
    return parser
