"""Code without its comments and docstrings does the same, and holds less."""

import ast
import random

import pytest

from grader.assignment import COURSE_ROOT
from grader.notebooks.bare_code import bare, held, parsed
from grader.samples import cases

SOURCES = [
    cell.source for case in cases() for cell in case.notebook().cells if cell.cell_type == "code"
]


def _same(first: str, second: str) -> bool:
    trees = [parsed(source) for source in (first, second)]
    for tree in trees:
        for node in ast.walk(tree) if tree else ():
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                node.value.value = ""
    return len({ast.dump(tree) if tree else "" for tree in trees}) == 1


def test_nothing_else_changes() -> None:
    """Every cell of every sample means the same without comments, and each line stays in place."""
    changed = 0
    for source in dict.fromkeys(SOURCES):
        left = bare(source)
        if left != source:
            changed += 1
            kept = left.splitlines()[:-1]
            assert _same(source, left)
            assert len(kept) == len(source.splitlines())
            assert all(a.startswith(b.replace('""', "")[:3]) for a, b in zip(
                source.splitlines(), kept, strict=True))  # fmt: skip
    assert changed > 10


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x = 1  # one", "x = 1"),
        ("# all\nx = 1\n", "\nx = 1"),
        ("x = '# no comment'  # a comment", "x = '# no comment'"),
        ('def f():\n    """Docs\n    go on."""\n    return 1', 'def f():\n    ""\n\n    return 1'),
        ('"""Log\n12:00 # started\n"""; x = 1', '""; x = 1\n\n'),
        ('s = """\n# part of a text\n"""  # gone', 's = """\n# part of a text\n"""'),
        ("ü = 'ä'; 'ö'; ß = 1  # é", "ü = 'ä'; \"\"; ß = 1"),
        ("%time x = 1\n# gone\n!ls # of the shell", "%time x = 1\n\n!ls # of the shell"),
        ("files = !ls\n# gone", "files = !ls\n"),
        ("%%time\nx = 1  # gone", "%%time\nx = 1"),
        ("x = 1  # a\r\ny = 2  # b\r\n", "x = 1\r\ny = 2"),
    ],
)
def test_what_is_left(source: str, expected: str) -> None:
    """Comments and strings that are statements go; all else, magics included, stays."""
    assert bare(source).rpartition("\n# Comments")[0].rstrip() == expected.rstrip()


@pytest.mark.parametrize(
    "source",
    [
        "x = 1",
        "",
        "def broken(:  # a comment",
        "%%writefile notes.txt\n# a heading",
        "%%bash\nls  # files",
        "x = '\u2028'\n",
        "-" * 50_000 + "1  # deep",
        "\0",
        "\ud800",
    ],
)
def test_what_stays_as_it_is(source: str) -> None:
    """A cell without comments, and what is no Python, is not touched."""
    assert bare(source) == source


def test_people_hold_little() -> None:
    """Long modules that people wrote hold less than a half of it without what they explain."""
    for name in ("bsds_utils/training.py", "bsds_utils/plots.py", "bsds_utils/views.py"):
        source = (COURSE_ROOT / name).read_text(encoding="utf-8")
        assert held([bare(source)]).text < held([source]).text / 2


def test_noise_is_held_wherever_it_is() -> None:
    """The same noise counts in literals, comments and magics; in comments until they are gone."""
    noise = "".join(random.Random(0).choices("0123456789abcdef", k=4000))
    sources = [f"x = '{noise}'", f"# {noise}", f"%echo {noise}", f"not Python: {noise}"]
    assert all(held([source]).text > 1900 for source in sources)
    assert [held([bare(source)]).text > 1900 for source in sources] == [True, False, True, True]
