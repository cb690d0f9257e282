"""The layout: the engine knows no course, and the library knows neither grader nor pages."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import bsds_utils
from grader.assignment import COURSE_ROOT
from grader.course import ASSIGNMENTS

GRADER = COURSE_ROOT / "grader"
OF_A_COURSE = ("course", "keras_models")
ENGINE = sorted(
    path for path in GRADER.rglob("*.py") if path.relative_to(GRADER).parts[0] not in OF_A_COURSE
)
LIBRARY = sorted((COURSE_ROOT / "bsds_utils").rglob("*.py"))
# What only this course is about, as words and as parts of names.
WORDS = re.compile(
    rf"(?<![a-z])(iou|masks?|encoders?|{'|'.join(ASSIGNMENTS)})(?![a-z])", re.IGNORECASE
)


def imported(path: Path) -> Iterator[str]:
    """Return the modules that a file imports, wherever in it."""
    package = path.relative_to(COURSE_ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            before = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*before, *([node.module] if node.module else [])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def named(path: Path, name: str) -> str:
    """Say where a file lies, for a test's id."""
    return str(path.relative_to(COURSE_ROOT / name))


@pytest.mark.parametrize("path", ENGINE, ids=lambda path: named(path, "grader"))
def test_engine_imports_nothing_of_a_course(path: Path) -> None:
    """The grader's own modules import neither the course nor its libraries."""
    forbidden = ("bsds_utils", "boundary_app", "keras", "tensorflow")
    of_a_course = tuple(f"grader.{name}" for name in OF_A_COURSE)
    found = [
        name
        for name in imported(path)
        if name.split(".")[0] in forbidden or name.startswith(of_a_course)
    ]
    assert not found


@pytest.mark.parametrize("path", ENGINE, ids=lambda path: named(path, "grader"))
def test_engine_speaks_of_no_course(path: Path) -> None:
    """They name no assignment of the course and nothing that it is about."""
    assert not WORDS.findall(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: named(path, "bsds_utils"))
def test_library_stands_alone(path: Path) -> None:
    """What students get imports nothing of the grader, and no page."""
    first = {name.split(".")[0] for name in imported(path)}
    assert not first & {"grader", "boundary_app", "cnn_app", "resnet_app", "streamlit", "tests"}


def test_no_circles() -> None:
    """Following imports at the top of modules never leads back to where one was."""
    course = (path for path in (GRADER / "course").rglob("*.py") if "samples" not in path.parts)
    files = [*ENGINE, *LIBRARY, *course]
    dotted = (".".join(path.relative_to(COURSE_ROOT).with_suffix("").parts) for path in files)
    modules = dict(zip((name.removesuffix(".__init__") for name in dotted), files, strict=True))
    follow = {name: set(_at_the_top(path)) & modules.keys() for name, path in modules.items()}
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, " imports ".join([*way[way.index(name) :], name])
        if name not in done:
            for other in sorted(follow[name] - {name}):
                visit(other, (*way, name))
            done.add(name)

    for name in sorted(modules):
        visit(name, ())


def _at_the_top(path: Path) -> Iterator[str]:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_the_grader_can_be_overlooked() -> None:
    """A stranger who opens the folder meets at most 20 entries."""
    entries = [path for path in GRADER.iterdir() if path.name != "__pycache__"]
    assert len(entries) <= 20


def test_every_public_name_is_typed_and_told() -> None:
    """Editors see each name that the library loads when first used, and its index names it."""
    tree = ast.parse((COURSE_ROOT / "bsds_utils" / "__init__.py").read_text(encoding="utf-8"))
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    typed = {
        alias.name: str(node.module).removeprefix("bsds_utils.")
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert typed == bsds_utils._HOME
    told = set(re.findall(r"`(\w+)`", str(bsds_utils.__doc__)))
    assert told == set(bsds_utils.__all__) - {"__version__"}


PAGES = [COURSE_ROOT / "README.md", *sorted((COURSE_ROOT / "docs").glob("*.md"))]
OURS = re.compile(r"`((?:grader|bsds_utils|boundary_app|tests|benchmarks|docs)/[\w./-]+)`")
"""Places of this repository that a page names, without patterns."""


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_pages_name_files_that_exist(page: Path) -> None:
    """Every file or folder that a page names is there."""
    text = page.read_text(encoding="utf-8")
    named = [
        *OURS.findall(text),
        *(f"tests/{name}" for name in re.findall(r"`(test_\w+\.py)", text)),
    ]
    made = re.compile(r"grader/course/(edges|NAME)/|\.bsds|docs/site")
    assert [
        one for one in named if not (COURSE_ROOT / one).exists() and not made.search(one)
    ] == []
