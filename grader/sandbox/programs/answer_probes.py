"""The program inside a probe sandbox: defines a submission's functions and answers questions.

There are three generations of processes. The first imports what is slow to import and never runs
a line of the submission. Its child, the *definer*, runs the submission's cells once, within limits
of their own: whatever a student computes there takes nothing off the time of an answer. The
definer then forks a *session*, which answers; a second session is forked from the same state, so
that it is fresh and nothing runs twice.

A process that has other threads cannot be forked: those of TensorFlow, for example, which start
with its first operation, do not exist in the child, which would wait for them. Where the cells
started some, the definer is the session itself, and the next session needs a definer of its own.
That one leaves out what was slow the first time, mostly experiments: of such a cell it makes the
definitions alone, unless a function reads a name that the cell assigns, and it runs the cell after
all as soon as a function fails without it.

Cells run as in a notebook, with two differences: each has a time limit, and where one fails, its
later definitions are made all the same. So an error costs what depends on it, and nothing else.
A definer that ends or is silent is given up, and the next one runs without the cell that it was
at.

Runs as a script beside ``frames.py``. Its arguments are a script of the course's, "-" for none,
and modules to import first. The script, the *kit*, has ``OPERATIONS`` by name, functions of the
tools below and a request, and ``kind(value)``, which names what cannot travel.
"""

import ast
import contextlib
import functools
import itertools
import os
import re
import select
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence, Set, ValuesView
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import BuiltinFunctionType, FrameType, FunctionType, MethodType
from typing import Any, BinaryIO, NoReturn, cast

import numpy as np
from frames import (  # type: ignore[import-not-found]
    FrameError,
    own_streams,
    pack,
    receive,
    receive_bytes,
    send,
    send_bytes,
    unpack,
)
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

_SLOW_SECONDS = 2.0
_AGAIN_SECONDS = 5.0
"""How often a cell is interrupted that goes on after its time is over."""
_SILENT_SECONDS = 20.0
"""How long after its time is over a definer is given up."""
_MOST_GIVEN_UP = 3
_MOST_ITEMS = 100_000
_MAX_DEPTH = 8
_FRAME_BYTES = 1 << 30
_MAX_TEXT = 300
_THREADS = Path("/proc/self/task")
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_INSIDE_KERAS = re.compile(r"Exception encountered when calling (?:layer )?['\"]?(\w+)")
_NOISE = re.compile(r"\{\{[^}]*\}\}|\s*\[Op:\w+\]( name:.*)?")
_NO_REASON = re.compile(
    r"""[`'"~^=\-\s]*$|•|File "|in user code:|Traceback |Exception encounter"""
)
_END_OF_REASON = re.compile(
    r"Arguments received by|Call arguments received|Original stack trace|Stack trace for op"
    r"|Detected at node"
)
_BEFORE_NODE = re.compile(r"^(.+)\n\s*\[\[\{\{node", re.MULTILINE)
_LAST_ERROR = re.compile(r"^\s*(?:\w+\.)*(\w+(?:Error|Exception)): ", re.MULTILINE)


class Missing(Exception):
    """The submission does not define what was asked for."""


class NotAnAnswer(Exception):
    """What came back is of no use; the message says what it is, such as "a generator"."""


class TimeIsOver(KeyboardInterrupt):
    """A cell ran longer than it may."""


@dataclass(frozen=True)
class Failure:
    """A cell that did not run to its end, why, and the names that it was to define."""

    cell: str
    reason: str
    names: Set[str]


@dataclass
class Defined:
    """What the cells defined; which of them failed, were slow, or are left for later."""

    shell: Any
    failures: list[Failure] = field(default_factory=list)
    slow: list[int] = field(default_factory=list)
    later: list[dict[str, Any]] = field(default_factory=list)

    def failure(self, name: str) -> Failure | None:
        """Return the failure that explains why a name is missing."""
        return next((one for one in self.failures if name in one.names), None)


class _NotebookShell(InteractiveShell):
    """Takes what a notebook's shell takes besides Python and IPython's own."""

    def enable_gui(self, gui: Any = None) -> None:
        """Accept ``%matplotlib inline`` and the like; there is nothing to show here."""

    def ask_exit(self) -> None:
        """Go on after ``exit``, so that the cells below are defined, too."""


class _Child:
    """A forked process that answers requests.

    Parameters
    ----------
    serve
        What it does with its ends of the pipes.
    not_for_it
        Open files that it must not have.
    """

    def __init__(
        self, serve: Callable[[BinaryIO, BinaryIO], None], not_for_it: Sequence[BinaryIO]
    ) -> None:
        to_child, from_child = os.pipe(), os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            with contextlib.suppress(BaseException):
                for stream in not_for_it:
                    stream.close()
                os.close(to_child[1])
                os.close(from_child[0])
                os.setpgid(0, 0)
                serve(os.fdopen(to_child[0], "rb"), os.fdopen(from_child[1], "wb"))
            os._exit(0)
        os.close(to_child[0])
        os.close(from_child[1])
        self._requests = os.fdopen(to_child[1], "wb")
        # Without a buffer, so that what is not read yet can be waited for.
        self._answers = os.fdopen(from_child[0], "rb", buffering=0)

    def send(self, request: Any) -> None:
        """Send a request; an ended process shows when its answer is read."""
        with contextlib.suppress(OSError):
            send(self._requests, request)

    def receive(self, seconds: float | None = None) -> bytes | None:
        """Return the body of its next frame; None if it ended or is silent for so long."""
        ready, _, _ = select.select([self._answers], [], [], seconds)
        with contextlib.suppress(FrameError, OSError):
            return cast(bytes, receive_bytes(self._answers, _FRAME_BYTES)) if ready else None
        return None

    def end(self) -> None:
        """End it, and what it started."""
        with contextlib.suppress(OSError):
            os.killpg(self._pid, signal.SIGKILL)
        with contextlib.suppress(OSError):
            os.kill(self._pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._pid, 0)
        with contextlib.suppress(OSError):
            self._requests.close()
        self._answers.close()


def main() -> None:
    """Serve the grader until it closes its end."""
    requests, answers = own_streams()
    send(answers, {"ready": True})
    definer: _Child | None = None
    while True:
        try:
            request = receive(requests)
        except FrameError:
            return
        if request["op"] == "open":
            definer = _opened(definer, request, (requests, answers), answers)
        else:
            _ask(definer, request, answers)


def _ask(child: _Child | None, request: Any, answers: BinaryIO) -> None:
    """Pass a request on, and the answer back, without looking into it."""
    body = None
    if child is not None:
        child.send(request)
        body = child.receive()
    if body is None:
        send(answers, {"ended": True})
    else:
        send_bytes(answers, body)


def _opened(
    definer: _Child | None, request: dict[str, Any], ours: Sequence[BinaryIO], answers: BinaryIO
) -> _Child | None:
    """Open a fresh session, say so, and return the process that has it."""
    if definer is not None:
        definer.send({"op": "again"})
        if "opened" in _unpacked(definer.receive(_SILENT_SECONDS)):
            send(answers, {"opened": True})
            return definer
        definer.end()
    until = time.monotonic() + request["seconds"]
    given_up = set(request["given_up"])
    for _ in range(_MOST_GIVEN_UP + 1):
        at = None
        left = until - time.monotonic()
        attempt = {**request, "seconds": left, "given_up": given_up}
        definer = _Child(lambda *pipes, one=attempt: _be_definer(one, *pipes), ours)
        while body := definer.receive(
            max(0, min(left, request["cell_seconds"])) + _SILENT_SECONDS
        ):
            answer = _unpacked(body)
            if "opened" in answer:
                send(answers, {**answer, "given_up": sorted(given_up)})
                return definer
            at, left = answer.get("cell"), until - time.monotonic()
        definer.end()
        if not isinstance(at, int):
            break
        given_up.add(at)
    send(answers, {"ended": True})
    return None


def _unpacked(body: bytes | None) -> dict[str, Any]:
    with contextlib.suppress(FrameError):
        value = unpack(body or b"")
        return value if isinstance(value, dict) else {}
    return {}


def _be_definer(request: dict[str, Any], requests: BinaryIO, answers: BinaryIO) -> None:
    """Run the cells, then answer, or fork sessions that do."""
    # As in a kernel, files that cells write can be imported.
    sys.path.insert(0, "")
    defined = _define(request, answers)
    opened = {"opened": True, "slow": defined.slow}
    if not (_THREADS.exists() and len(list(_THREADS.iterdir())) == 1):
        send(answers, opened)
        _serve(defined, requests, answers)
    while True:
        session = _Child(lambda *pipes: _serve(defined, *pipes), (requests, answers))
        send(answers, opened)
        while (request := receive(requests))["op"] != "again":
            _ask(session, request, answers)
        session.end()


def _define(request: dict[str, Any], answers: BinaryIO) -> Defined:
    """Execute cells as a notebook would, going on after errors."""
    # Its history is kept by a thread.
    quiet = Config({"HistoryManager": {"enabled": False}})
    defined = Defined(_NotebookShell.instance(config=quiet))
    until = time.monotonic() + request["seconds"]
    read = _read_by_functions(defined.shell, request["cells"]) if request["slow"] else set()
    for number, cell in enumerate(request["cells"]):
        if number in request["slow"]:
            tree = _parsed(defined.shell, cell["source"])
            if tree is not None and read.isdisjoint(_bound(tree, definitions=False)):
                _define_rest(defined.shell, cell["source"])
                defined.slow.append(number)
                defined.later.append(cell)
                continue
        if number in request["given_up"]:
            _failed(defined, cell, "it ended Python, or could not be interrupted")
            continue
        send(answers, {"cell": number})
        began = time.monotonic()
        left = until - began
        if left > 0:
            _run(defined, cell, min(left, request["cell_seconds"]))
        else:
            _failed(defined, cell, "the cells before it took all the time")
        if time.monotonic() - began > _SLOW_SECONDS:
            defined.slow.append(number)
    return defined


def _run(defined: Defined, cell: dict[str, str], seconds: float) -> None:
    """Run one cell; where it fails, make the definitions below all the same."""

    def interrupt(signum: int, frame: FrameType | None) -> NoReturn:
        raise TimeIsOver(f"it took more than {seconds:.0f} seconds")

    signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN_SECONDS)
    try:
        result = defined.shell.run_cell(cell["source"], store_history=False, silent=True)
        error = result.error_before_exec or result.error_in_exec
        if error is not None:
            _failed(defined, cell, _describe(error))
            _define_rest(defined.shell, cell["source"], error)
    except BaseException as error:
        _failed(defined, cell, _describe(error))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _failed(defined: Defined, cell: dict[str, str], reason: str) -> None:
    tree = _parsed(defined.shell, cell["source"])
    names = frozenset(_bound(tree) if tree else re.findall(r"def (\w+)", cell["source"]))
    defined.failures.append(Failure(cell["name"], reason, names))


def _define_rest(shell: Any, source: str, error: BaseException | None = None) -> None:
    """Make the definitions below the line where a cell failed, or all, each by itself."""
    tree = _parsed(shell, source)
    kinds: tuple[type[ast.stmt], ...] = (
        ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom,
    )  # fmt: skip
    line, trace = 0, error.__traceback__ if error else None
    while trace is not None:
        if (
            trace.tb_frame.f_globals is shell.user_ns
            and trace.tb_frame.f_code.co_name == "<module>"
        ):
            line = trace.tb_lineno
            kinds = (*kinds, ast.Assign, ast.AnnAssign)
        trace = trace.tb_next
    name = shell.compile.cache(source)
    for node in tree.body if tree else []:
        if node.lineno > line and isinstance(node, kinds):
            with contextlib.suppress(Exception):
                exec(compile(ast.Module([node], []), name, "exec"), shell.user_ns)


def _parsed(shell: Any, source: str) -> ast.Module | None:
    # What a magic like %%time stands before is code.
    source = re.sub(r"\A%%(time|timeit|capture|prun)\b.*", "", source)
    with contextlib.suppress(Exception):
        return ast.parse(str(shell.transform_cell(source)))
    return None


def _bound(tree: ast.AST, definitions: bool = True) -> Iterator[str]:
    """Names that code gives a value, not looking into its functions and classes."""
    todo: deque[ast.AST] = deque([tree])
    while todo:
        node = todo.popleft()
        match node:
            case ast.Name(id=name, ctx=ast.Store()):
                yield name
            case ast.alias(name=name, asname=other) if definitions:
                yield other or name.partition(".")[0]
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) if definitions:
                yield name
        if not isinstance(node, _SCOPES):
            todo.extend(ast.iter_child_nodes(node))


def _read_by_functions(shell: Any, cells: Sequence[dict[str, str]]) -> set[str]:
    """Names that functions read and do not define themselves."""
    trees = [_parsed(shell, cell["source"]) for cell in cells]
    read = set()
    for scope in (node for tree in trees if tree for node in ast.walk(tree)):
        if isinstance(scope, _SCOPES):
            inside = list(ast.walk(scope))
            names = [node for node in inside if isinstance(node, ast.Name)]
            own = {node.id for node in names if isinstance(node.ctx, ast.Store)}
            own |= {node.arg for node in inside if isinstance(node, ast.arg)}
            read |= {node.id for node in names} - own
    return read


def _serve(defined: Defined, requests: BinaryIO, answers: BinaryIO) -> NoReturn:
    while True:
        request = receive(requests)
        answers.write(_answer(defined, request))
        answers.flush()


def _answer(defined: Defined, request: dict[str, Any]) -> bytes:
    try:
        own = _OPERATIONS.get(request["op"])
        if own is not None:
            value = own(defined, request)
        else:
            value = _kit.OPERATIONS[request["op"]](_Tools(defined), request)
        return cast(bytes, pack({"value": _plain(value)}))
    except NotAnAnswer as error:
        return cast(bytes, pack({"returned": _short(str(error))}))
    except BaseException as error:
        if defined.later:
            # It may need what a cell does that was left out.
            return cast(bytes, pack({"later": True}))
        if isinstance(error, Missing):
            return cast(bytes, pack({"missing": _short(str(error))}))
        if isinstance(error, NotImplementedError) and not error.args:
            return cast(bytes, pack({"unwritten": _raised_in(error)}))
        return cast(bytes, pack({"error": _short(_describe(error) + _hint(defined, error))}))


def _raised_in(error: BaseException) -> str:
    """Name of the function that raised an error."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace.tb_frame.f_code.co_name if trace else ""


def _later(defined: Defined, request: dict[str, Any]) -> None:
    """Run the cells that were left out, which were slow when they ran before."""
    cells, defined.later = defined.later, []
    until = time.monotonic() + request["seconds"]
    for cell in cells:
        left = until - time.monotonic()
        if left > 0:
            _run(defined, cell, min(left, request["cell_seconds"]))


def _again(defined: Defined, request: dict[str, Any]) -> None:
    """Refuse: this process ran the cells itself, so it is fresh no more."""
    raise Missing("this process cannot be forked")


def _function(defined: Defined, name: str) -> Callable[..., Any]:
    found = defined.shell.user_ns.get(name)
    if callable(found):
        return cast(Callable[..., Any], found)
    if (failure := defined.failure(name)) is not None:
        raise Missing(f"{name} is not defined: cell {failure.cell} failed ({failure.reason})")
    if name in defined.shell.user_ns:
        raise Missing(
            f"{name} is not a function but {_kind(found)}: is its name used for something else?"
        )
    raise Missing(f"{name} is not defined: is its cell still there, and its name the same?")


def _call(defined: Defined, request: dict[str, Any]) -> Any:
    return _function(defined, request["function"])(*request["args"])


class _Tools:
    """What an operation of the kit may use."""

    NotAnAnswer = NotAnAnswer

    def __init__(self, defined: Defined) -> None:
        self.function = functools.partial(_function, defined)
        self.kind = _kind
        self.describe = _describe


class _NoKit:
    """Stands for a kit where the course has none."""

    OPERATIONS: Mapping[str, Callable[[_Tools, dict[str, Any]], Any]] = {}

    @staticmethod
    def kind(value: Any) -> str | None:
        """Know nothing."""
        return None


_OPERATIONS: dict[str, Callable[[Defined, dict[str, Any]], Any]] = {
    "again": _again, "call": _call, "later": _later,
}  # fmt: skip
_kit: Any = _NoKit


def _load_kit(path: str) -> Any:
    spec = spec_from_file_location("kit", path)
    assert spec is not None
    assert spec.loader is not None
    kit = module_from_spec(spec)
    spec.loader.exec_module(kit)
    return kit


def _plain(value: Any, depth: int = 0) -> Any:
    """Turn an answer in any style into what can travel.

    Raises
    ------
    NotAnAnswer
        If a part of it is nothing of the kind.
    """
    if value is None or isinstance(value, bool | int | float | str | bytes):
        return value
    if depth > _MAX_DEPTH:
        raise NotAnAnswer("something nested too deeply")
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise NotAnAnswer("a dict with keys that are not strings")
        return {str(key): _plain(one, depth + 1) for key, one in value.items()}
    if isinstance(value, list | tuple | Set | deque | range | Iterator | ValuesView):
        parts = list(itertools.islice(value, _MOST_ITEMS + 1))
        if len(parts) > _MOST_ITEMS:
            raise NotAnAnswer(f"{_kind(value)} without an end")
        return [_plain(one, depth + 1) for one in parts]
    if isinstance(value, type) or _is_function(value) or _kit.kind(value) is not None:
        raise NotAnAnswer(_kind(value))
    try:
        array = np.asarray(value)
    except Exception as error:
        raise NotAnAnswer(_kind(value)) from error
    if "float" in array.dtype.name and array.dtype.kind == "V":
        array = array.astype(np.float32)  # bfloat16, which is not one of NumPy's own
    if array.dtype.hasobject or array.dtype.kind not in "biufcU":
        raise NotAnAnswer(_kind(value))
    return array


def _kind(value: Any) -> str:
    """Say what something is, in words that go after "found"."""
    name = type(value).__name__
    if value is None:
        return "nothing (is the `return` missing?)"
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if _is_function(value):
        return "a function (is it to be called?)"
    if (kind := _kit.kind(value)) is not None:
        return str(kind)
    if isinstance(value, np.ndarray) and value.dtype.hasobject:
        return "an array of Python objects"
    if isinstance(value, list | tuple | Set):
        return f"a {name} of {len(value)}"
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def _is_function(value: Any) -> bool:
    return isinstance(value, FunctionType | BuiltinFunctionType | MethodType | functools.partial)


def _hint(defined: Defined, error: BaseException) -> str:
    """Say what may help where a name is missing."""
    if not isinstance(error, NameError) or isinstance(error, UnboundLocalError) or not error.name:
        return ""
    if (failure := defined.failure(error.name)) is not None:
        return f" (cell {failure.cell}, which defines it, failed: {failure.reason})"
    return " (each function is called by itself: hand over what it needs, or define it above it)"


def _describe(error: BaseException) -> str:
    """Say on one line why something failed."""
    kind = type(error).__name__
    try:
        text = _ANSI.sub("", str(error))
    except Exception:
        text = ""
    match error:
        case SyntaxError():
            return _short(f"{kind}: {error.msg} (line {error.lineno})")
        case SystemExit():
            return "it ends Python (exit or SystemExit)"
        case RecursionError():
            return "it calls itself without end (RecursionError)"
        case MemoryError():
            return "it needs more memory than there is (MemoryError)"
        case TimeIsOver():
            return text
    reason = _reason(text)
    return _short(f"{kind}: {reason}" if reason else kind)


def _reason(text: str) -> str:
    """Pick the line of an error's text that tells why; some libraries write many."""
    layers = _INSIDE_KERAS.findall(text)
    if before_node := _BEFORE_NODE.search(text):
        text = before_node[1]
    elif "in user code:" in text and (last := list(_LAST_ERROR.finditer(text))):
        text = text[last[-1].end() :]
    lines = []
    for line in text.splitlines():
        if _END_OF_REASON.search(line):
            break
        line = " ".join(_NOISE.sub("", line).split())
        if not _NO_REASON.match(line):
            lines.append(line)
    reason = " ".join(lines[: 2 if lines and lines[0].endswith(":") else 1])
    return f"{reason} (in a layer {layers[-1]})" if reason and layers else reason


def _short(text: str) -> str:
    return text if len(text) <= _MAX_TEXT else f"{text[: _MAX_TEXT - 1]}…"


if __name__ == "__main__":
    np.seterr(all="ignore")
    for module in sys.argv[2:]:
        import_module(module)
    if sys.argv[1] != "-":
        _kit = _load_kit(sys.argv[1])
    main()
