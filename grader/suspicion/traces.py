"""Traces of attacks: code that has no place in this course, and what the walls stopped.

Reading code proves nothing and misses whatever is hidden well; the walls do not depend on it.
"""

import ast
import functools
import re
from collections.abc import Iterator
from typing import NamedTuple

from grader.grading.result import Result
from grader.sandbox.probe import Cell
from grader.suspicion.code import MAX_SOURCE, parsed
from grader.suspicion.finding import Finding, Weight, excerpt

__all__ = ["code_traces", "wall_traces"]

_Kind = tuple[Weight, str]

MAX_NUMBERS = 500
"""Values in one list, tuple or set, and bytes in one literal: more may be packed data."""

_MOST = 25
"""Findings of one submission: more tell nobody more."""

# A sign is what no textbook and no tutorial for notebooks has; what some have is a note, and what
# many have (pickle, subprocess, urllib, sys.modules, get_ipython, globals) is nothing.
MODULES: dict[str, _Kind] = {
    **dict.fromkeys(("ctypes", "cffi", "ptrace", "pty"), ("sign", "reaches below Python")),
    **dict.fromkeys(("mmap", "marshal"), ("note", "reaches below Python")),
    **dict.fromkeys(
        ("socketserver", "ftplib", "smtplib", "telnetlib", "paramiko", "zmq"),
        ("sign", "opens connections"),
    ),
    "socket": ("note", "opens connections"),
    "pexpect": ("note", "starts processes"),
    "grader": ("sign", "looks for the grader"),
    **dict.fromkeys(
        ("nbgrader", "nbclient", "jupyter_client", "ipykernel", "pytest"),
        ("note", "uses the tools of a grader"),
    ),
    **dict.fromkeys(("sqlite3", "sqlalchemy"), ("note", "opens databases")),
    **dict.fromkeys(("base64", "binascii", "zlib", "lzma", "bz2"), ("note", "unpacks data")),
    **dict.fromkeys(("zipfile", "h5py"), ("note", "works inside files")),
    **dict.fromkeys(("signal", "atexit", "site", "runpy"), ("note", "changes how Python ends")),
    **dict.fromkeys(("imp", "builtins"), ("note", "changes imports")),
}
DOTTED: dict[str, _Kind] = {
    **dict.fromkeys(
        (
            "os.fork", "os.forkpty", "os.killpg", "os.setsid", "os.execv", "os.execve",
            "os.execvp", "os.posix_spawn", "os.spawnl", "os.spawnv",
        ),
        ("sign", "starts or ends processes"),
    ),
    # Some restart a notebook by os.kill(os.getpid(), 9).
    **dict.fromkeys(
        (
            "os.kill", "os._exit", "os.abort", "os.getppid", "os.popen", "os.system",
            "multiprocessing.Process", "multiprocessing.Pool",
        ),
        ("note", "starts or ends processes"),
    ),
    **dict.fromkeys(("os.mkfifo", "os.mknod", "os.chroot"), ("sign", "makes pipes or devices")),
    **dict.fromkeys(("os.symlink", "os.link", "os.truncate"), ("note", "makes links or holes")),
    **dict.fromkeys(
        ("sys.settrace", "sys.setprofile", "sys.meta_path", "sys.path_hooks", "sys.addaudithook"),
        ("sign", "reaches into the interpreter"),
    ),
    **dict.fromkeys(
        ("gc.get_objects", "gc.get_referrers", "gc.get_referents"), ("note", "walks all objects")
    ),
    **dict.fromkeys(
        (
            "inspect.currentframe", "inspect.stack", "inspect.getouterframes", "inspect.trace",
            "sys._getframe", "sys._current_frames",
        ),
        ("note", "walks the callers' frames"),
    ),
}  # fmt: skip
ATTRIBUTES: dict[str, _Kind] = {
    **dict.fromkeys(
        ("f_locals", "f_globals", "gi_frame"), ("sign", "reads the callers' variables")
    ),
    **dict.fromkeys(("f_back", "tb_frame"), ("note", "walks the callers' frames")),
    "__globals__": ("sign", "reaches into the interpreter"),
    **dict.fromkeys(
        ("__subclasses__", "__builtins__", "__closure__", "__code__", "__reduce__"),
        ("note", "reaches into the interpreter"),
    ),
    **dict.fromkeys(
        (
            "ast_transformers", "input_transformers_post", "input_transformers_cleanup",
            "input_transformer_manager", "run_cell_async", "do_execute",
        ),
        ("sign", "changes how cells run"),
    ),
    # Keras' own message for a Lambda layer recommends it.
    "enable_unsafe_deserialization": ("note", "has models run code"),
    "register_keras_serializable": ("note", "puts code of its own into the model"),
    "Lambda": ("note", "puts code of its own into the model"),
}  # fmt: skip
CALLS: dict[str, _Kind] = {
    "exec": ("note", "runs text as code"),
    "eval": ("note", "runs text as code"),
    "__import__": ("note", "changes imports"),
}
_ROOT = r"(?<![\w.~/*])/"
TEXTS: tuple[tuple[re.Pattern[str], Weight, str], ...] = (
    # Whole paths only: train/dev/test is none. Many notebooks show /proc/cpuinfo, write to
    # /dev/null and live in /root or /home.
    (re.compile(_ROOT + r"(proc/(self|\d+|\*)|etc/(passwd|shadow)|dev/(k?mem|sd[a-z]))(?!\w)"),
     "sign", "names a file of the system"),
    (re.compile(_ROOT + r"(proc|sys|etc|boot)/(?!(cpu|mem)info|self|\d|passwd|shadow)\w"),
     "note", "names a folder of the system"),
    (re.compile(r"gradebook\.db|grader/(course|checking)|(^|[\s'\"/])\.git(/|$)"), "sign",
     "names a file of the grader"),
    (re.compile(r"gradebook|nbgrader|hidden_(tests|data)|submitted/|(^|/)(solutions|hidden)/"),
     "note", "names a file of the grader"),
    (re.compile(r"BSDS_(COURSE|GRADE|UNSAFE)"), "sign", "names a setting of the grader"),
    (re.compile(r"<script|javascript:|\bon(error|load)\s*=|<iframe", re.IGNORECASE), "note",
     "is a script for whoever looks at it"),
    (re.compile(r"\x1b\]"), "sign", "drives a terminal"),
    (re.compile(r"[\u202a-\u202e\u2066-\u2069]"), "note", "turns the direction of text"),
    (re.compile(r"[!-~]{500}"), "note",
     "is a long text without a space, as packed data are"),
)  # fmt: skip
# What checks and training rest on: whoever puts something else there wants another result.
_RELIED_ON = {"np", "numpy", "ops", "bsds", "bsds_utils", "builtins", "__builtins__"}
_LIBRARIES = _RELIED_ON | {
    "keras", "layers", "tf", "tensorflow", "plt", "os", "random", "time", "math", "json",
}  # fmt: skip
# Old names that NumPy dropped, which old code needs back: np.bool = bool.
_OLD_NAMES = {"bool", "int", "float", "complex", "object", "str", "long"}
# What IPython itself writes for a magic or a shell command.
_MAGIC_CALLS = {"run_line_magic", "run_cell_magic", "system", "getoutput", "set_next_input"}
_SHELL_MAGIC = re.compile(r"^%%(bash|sh|script|system|sx|javascript|js|html)\b|^%%!")
_MAGIC_DEPTH = 2


class _Hit(NamedTuple):
    line: int
    weight: Weight
    what: str


def code_traces(cells: list[Cell]) -> list[Finding]:
    """Find code that has no place in this course.

    Parameters
    ----------
    cells
        The student's code cells; they are read, never run.

    Returns
    -------
    list of Finding
        In the order of the cells; for each line at most one of a kind.
    """
    found = []
    for cell in cells:
        lines = cell.source.splitlines()
        for line, weight, what in sorted(set(_hits(cell.source))):
            text = lines[line - 1] if 0 < line <= len(lines) else ""
            found.append(Finding(weight, f"cell {cell.name}, line {line}", what, excerpt(text)))
    return found[:_MOST]


def wall_traces(result: Result) -> list[Finding]:
    """Say what a limit or the look through the model file stopped."""
    found = []
    if result.status == "not_run":
        found.append(Finding("note", "run", "was stopped", excerpt(result.problem or "")))
    if result.remark is not None:
        found.append(Finding("note", "run", "used up its time", excerpt(result.remark)))
    refused = {one.message for one in result.verdicts.values() if one.kind == "refused"}
    found += [
        Finding("sign", "model", "was refused", excerpt(message)) for message in sorted(refused)
    ]
    return found


@functools.lru_cache(maxsize=4096)
def _hits(source: str) -> tuple[_Hit, ...]:
    if _SHELL_MAGIC.match(source):
        return (_Hit(1, "note", "runs another language"), *_in_lines(source[:MAX_SOURCE]))
    tree = parsed(source)
    found = list(_in_lines(source[:MAX_SOURCE]) if tree is None else _in_tree(tree))
    if len(source) > MAX_SOURCE:
        found.append(_Hit(1, "note", f"holds {len(source)} characters"))
    return tuple(found)


def _in_lines(source: str) -> Iterator[_Hit]:
    """Look for words where the code is no Python."""
    words = {**MODULES, **DOTTED, **ATTRIBUTES}
    for number, line in enumerate(source.splitlines(), start=1):
        for word, (weight, what) in words.items():
            if word in line and re.search(rf"(?<![\w.]){re.escape(word)}\b", line):
                yield _Hit(number, weight, what)
        yield from _in_text(line, number, number)


def _in_tree(tree: ast.AST, before: int = 0, depth: int = 0) -> Iterator[_Hit]:
    """Look at code that starts after so many lines of its cell."""
    nodes = list(ast.walk(tree))
    magics = [node for node in nodes if isinstance(node, ast.Call) and _is_magic(node)]
    if depth < _MAGIC_DEPTH:
        for magic in magics:
            yield from _in_magic(magic, before, depth)
    for node in nodes:
        line = before + int(getattr(node, "lineno", 1))
        for weight, what in (*_named(node), *_shapes(node)):
            yield _Hit(line, weight, what)
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from _in_text(node.value, line, before + (node.end_lineno or 1))


def _named(node: ast.AST) -> Iterator[_Kind]:
    """Judge the modules, functions and attributes that a node names."""
    match node:
        case ast.Import(names=names):
            for alias in names:
                yield from _looked_up(MODULES, alias.name.split(".")[0])
        case ast.ImportFrom(module=str(module), names=names):
            yield from _looked_up(MODULES, module.split(".")[0])
            for alias in names:
                yield from _looked_up(DOTTED, f"{module}.{alias.name}")
                yield from _looked_up(ATTRIBUTES, alias.name)
        case ast.Attribute(attr=attr):
            yield from _looked_up(DOTTED, _dotted(node))
            yield from _looked_up(ATTRIBUTES, attr)
        case ast.Call(func=ast.Name(id=name)):
            yield from _looked_up(CALLS, name)


def _looked_up(table: dict[str, _Kind], name: str) -> Iterator[_Kind]:
    if name in table:
        yield table[name]


def _dotted(node: ast.AST) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def _shapes(node: ast.AST) -> Iterator[_Kind]:
    """Judge the form of the code."""
    match node:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                yield from _replaced(target, value)
        case ast.AugAssign(target=target, value=value) | ast.AnnAssign(target=target, value=value):
            yield from _replaced(target, value)
        case ast.Attribute(value=ast.Call(func=ast.Name(id="get_ipython")), attr="kernel"):
            yield "note", "takes hold of the kernel"
        case ast.Call(func=ast.Name(id="setattr"), args=[ast.Name(id=name), *_]):
            if name in _LIBRARIES:
                yield _weight(name), f"replaces a part of {name}"
        case ast.Call(func=ast.Name(id="getattr"), args=[ast.Name(id=name), looked_up, *_]):
            if name in _LIBRARIES and not isinstance(looked_up, ast.Constant):
                yield "note", f"looks up parts of {name} while it runs"
        case ast.Call(func=ast.Attribute() as function, args=arguments):
            if _dotted(function).startswith("subprocess.") and not _installs(arguments):
                yield "note", "starts processes"
        case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
            if len(items) > MAX_NUMBERS:
                yield "note", f"is a list of {len(items)} values, as packed data are"
        case ast.Constant(value=bytes(data)) if len(data) > MAX_NUMBERS:
            yield "note", "is a long text without a space, as packed data are"


def _installs(arguments: list[ast.expr]) -> bool:
    """Whether a command is pip's."""
    texts = [
        node.value
        for argument in arguments
        for node in ast.walk(argument)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    return any("pip" in text for text in texts)


def _replaced(target: ast.expr, value: ast.expr | None) -> Iterator[_Kind]:
    if isinstance(target, ast.Subscript) and _dotted(target.value) == "sys.modules":
        yield "sign", "replaces a module"
    if not isinstance(target, ast.Attribute):
        return
    root = _dotted(target).split(".")[0]
    if root in _LIBRARIES:
        # np.random.seed = 42 is a slip, and os.environ = … changes nothing of a library.
        slip = isinstance(value, ast.Constant) or target.attr in {*_OLD_NAMES, "environ"}
        if not slip:
            yield _weight(root), f"replaces a part of {root}"
    elif target.attr == "__code__":
        yield "sign", "replaces a function's code"
    elif isinstance(target.value, ast.Call) and _dotted(target.value.func) == "type":
        own = [_dotted(argument) for argument in target.value.args] == ["self"]
        if not own:
            yield "sign", "replaces a part of a class"


def _weight(library: str) -> Weight:
    return "sign" if library in _RELIED_ON else "note"


def _is_magic(call: ast.Call) -> bool:
    """Whether it is what IPython writes for a magic or a shell command."""
    function = call.func
    return (
        isinstance(function, ast.Attribute)
        and function.attr in _MAGIC_CALLS
        and isinstance(function.value, ast.Call)
        and _dotted(function.value.func) == "get_ipython"
    )


def _in_magic(magic: ast.Call, before: int, depth: int) -> Iterator[_Hit]:
    """Look into the code that a magic like ``%time`` runs."""
    for argument in magic.args[1:]:
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            tree = parsed(argument.value)
            if tree is not None:
                yield from _in_tree(tree, before + argument.lineno - 1, depth + 1)


def _in_text(text: str, line: int, last_line: int) -> Iterator[_Hit]:
    """Look into a text that stands in these lines."""
    for pattern, weight, what in TEXTS:
        match = pattern.search(text)
        if match is not None:
            yield _Hit(min(line + text.count("\n", 0, match.start()), last_line), weight, what)
