"""Traces of attacks: code that has no place in this course, and what the walls stopped.

Reading code proves nothing and misses whatever is hidden well; the walls do not depend on it.
"""

import ast
import functools
import re
from collections.abc import Iterator
from typing import NamedTuple

from grader.result import Result
from grader.sandbox.probe import Cell
from grader.suspicion.code import MAX_SOURCE, parsed
from grader.suspicion.finding import Finding, Weight, excerpt

__all__ = ["code_traces", "wall_traces"]

_Kind = tuple[Weight, str]

MAX_NUMBERS = 500
"""Values in one list, tuple or set, and bytes in one literal: more looks like packed data."""

_MOST = 25
"""Findings of one submission: more tell nobody more."""

MODULES: dict[str, _Kind] = {
    **dict.fromkeys(
        ("ctypes", "cffi", "mmap", "ptrace", "pty", "resource"),
        ("sign", "reaches below Python"),
    ),
    **dict.fromkeys(
        ("socket", "socketserver", "ftplib", "smtplib", "telnetlib", "paramiko", "zmq"),
        ("sign", "opens connections"),
    ),
    **dict.fromkeys(("requests", "urllib", "urllib3", "http", "httpx"), ("note", "uses the web")),
    **dict.fromkeys(("subprocess", "multiprocessing", "pexpect"), ("sign", "starts processes")),
    **dict.fromkeys(
        ("grader", "nbgrader", "nbclient", "jupyter_client", "ipykernel", "pytest"),
        ("sign", "looks for the grader"),
    ),
    **dict.fromkeys(("sqlite3", "sqlalchemy"), ("sign", "opens databases")),
    **dict.fromkeys(("pickle", "cloudpickle", "dill", "marshal"), ("sign", "stores live objects")),
    **dict.fromkeys(("base64", "binascii", "zlib", "lzma", "bz2"), ("note", "unpacks data")),
    **dict.fromkeys(("zipfile", "h5py", "tarfile"), ("note", "works inside files")),
    **dict.fromkeys(("signal", "atexit", "site", "runpy"), ("sign", "changes how Python ends")),
    **dict.fromkeys(("imp", "importlib", "builtins", "sysconfig"), ("note", "changes imports")),
}
DOTTED: dict[str, _Kind] = {
    **dict.fromkeys(
        (
            "os.fork", "os.forkpty", "os.kill", "os.killpg", "os._exit", "os.abort", "os.setsid",
            "os.execv", "os.execve", "os.execvp", "os.posix_spawn", "os.spawnl", "os.spawnv",
            "os.getppid", "os.popen",
        ),
        ("sign", "starts or ends processes"),
    ),
    **dict.fromkeys(
        ("os.symlink", "os.link", "os.mkfifo", "os.mknod", "os.truncate", "os.chroot"),
        ("sign", "makes links, pipes or holes"),
    ),
    **dict.fromkeys(("os.system", "os.walk"), ("note", "looks around in the system")),
    **dict.fromkeys(
        (
            "sys.settrace", "sys.setprofile", "sys._getframe", "sys._current_frames",
            "sys.meta_path", "sys.path_hooks", "sys.modules", "sys.addaudithook",
        ),
        ("sign", "reaches into the interpreter"),
    ),
    **dict.fromkeys(
        ("gc.get_objects", "gc.get_referrers", "gc.get_referents"), ("sign", "walks all objects")
    ),
    **dict.fromkeys(
        ("inspect.currentframe", "inspect.stack", "inspect.getouterframes", "inspect.trace"),
        ("sign", "walks the callers' frames"),
    ),
}  # fmt: skip
ATTRIBUTES: dict[str, _Kind] = {
    **dict.fromkeys(
        ("f_back", "f_locals", "f_globals", "tb_frame", "gi_frame"),
        ("sign", "walks the callers' frames"),
    ),
    **dict.fromkeys(
        ("__subclasses__", "__globals__", "__builtins__", "__closure__", "__code__", "__reduce__"),
        ("sign", "reaches into the interpreter"),
    ),
    **dict.fromkeys(
        (
            "ast_transformers", "input_transformers_post", "input_transformers_cleanup",
            "input_transformer_manager", "run_cell_async", "do_execute",
        ),
        ("sign", "changes how cells run"),
    ),
    "enable_unsafe_deserialization": ("sign", "has models run code"),
    "register_keras_serializable": ("sign", "puts code of its own into the model"),
    "Lambda": ("note", "puts code of its own into the model"),
}  # fmt: skip
CALLS: dict[str, _Kind] = {
    "exec": ("sign", "runs text as code"),
    "eval": ("note", "runs text as code"),
    "__import__": ("sign", "changes imports"),
    "globals": ("note", "looks through all variables"),
}
TEXTS: tuple[tuple[re.Pattern[str], Weight, str], ...] = (
    (re.compile(r"(^|/)(proc|sys|dev|etc|root|boot)/|^/(run|var|home)\b"), "sign",
     "names a folder of the system"),
    (re.compile(r"gradebook|nbgrader|hidden_(tests|data)|submitted/|\.git(/|$)"), "sign",
     "names a file of the grader"),
    (re.compile(r"(^|/)(solutions?|hidden)(/|$)"), "note", "names a file of the grader"),
    (re.compile(r"BSDS_(COURSE|GRADE|UNSAFE)"), "sign", "names a setting of the grader"),
    (re.compile(r"<script|javascript:|\bon(error|load)\s*=|<iframe", re.IGNORECASE), "sign",
     "is a script for whoever looks at it"),
    (re.compile(r"\x1b\]|[\u202a-\u202e\u2066-\u2069]"), "sign", "drives a terminal"),
    (re.compile(r"\S{500}"), "sign", "is a long text without a space, as packed data are"),
)  # fmt: skip
_LIBRARIES = {
    "np", "numpy", "bsds", "bsds_utils", "keras", "ops", "layers", "tf", "tensorflow", "plt",
    "sys", "os", "builtins", "random", "time", "math", "json", "__builtins__",
}  # fmt: skip
# What IPython itself writes for a magic or a shell command.
_MAGIC_CALLS = {"run_line_magic", "run_cell_magic", "system", "getoutput", "set_next_input"}
_SHELL_MAGIC = re.compile(r"^%%(bash|sh|script|system|sx|javascript|js|html)\b|^%%!")
_REFUSED = re.compile(
    r"not a built-in Keras class|use built-in layers|is not a file that model\.save writes"
    r"|holds more than \d+ MB|describes far too large|cannot be read as a Keras model"
)
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
    messages = {verdict.message for verdict in result.verdicts.values()}
    refused = sorted(filter(_REFUSED.search, messages))
    found += [Finding("sign", "model", "was refused", excerpt(message)) for message in refused]
    return found


@functools.lru_cache(maxsize=4096)
def _hits(source: str) -> tuple[_Hit, ...]:
    if _SHELL_MAGIC.match(source):
        return (_Hit(1, "note", "runs another language"), *_in_lines(source[:MAX_SOURCE]))
    tree = parsed(source)
    found = list(_in_lines(source[:MAX_SOURCE]) if tree is None else _in_tree(tree))
    if len(source) > MAX_SOURCE:
        found.append(_Hit(1, "sign", f"holds {len(source)} characters"))
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
    # What IPython wrote for a magic, and not the student.
    own = {id(magic.func.value) for magic in magics if isinstance(magic.func, ast.Attribute)}
    for node in nodes:
        line = before + int(getattr(node, "lineno", 1))
        if id(node) in own:
            continue
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
        case ast.Assign(targets=targets):
            for target in targets:
                yield from _replaced(target)
        case ast.AugAssign(target=target) | ast.AnnAssign(target=target):
            yield from _replaced(target)
        case ast.Call(func=ast.Name(id="get_ipython")):
            yield "sign", "takes hold of the kernel"
        case ast.Call(func=ast.Name(id="setattr"), args=[ast.Name(id=name), *_]):
            if name in _LIBRARIES:
                yield "sign", f"replaces a part of {name}"
        case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
            if len(items) > MAX_NUMBERS:
                yield "sign", f"is a list of {len(items)} values, as packed data are"
        case ast.Constant(value=bytes(data)) if len(data) > MAX_NUMBERS:
            yield "sign", "is a long text without a space, as packed data are"


def _replaced(target: ast.expr) -> Iterator[_Kind]:
    if not isinstance(target, ast.Attribute):
        return
    root = _dotted(target).split(".")[0]
    if root in _LIBRARIES:
        yield "sign", f"replaces a part of {root}"
    elif isinstance(target.value, ast.Call) and _dotted(target.value.func) == "type":
        yield "sign", "replaces a part of a class"


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
