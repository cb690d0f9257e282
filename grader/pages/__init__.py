"""What nbgrader's pages show of a submission: nothing in it can run, and nothing is requested.

The feedback pages and the formgrader are nbconvert's ``HTMLExporter`` with nbgrader's templates.
``nbgrader_config.py`` gives it a preprocessor (:mod:`grader.pages.harmless_page`), a filter for
Markdown (:mod:`grader.pages.markdown`) and templates that go before nbgrader's; a policy in
each page (Content-Security-Policy) is a second wall behind them.
"""

import functools
import sys
from pathlib import Path
from typing import Final

from jinja2 import Environment
from nbgrader.server_extensions import formgrader

__all__ = ["TEMPLATES", "install"]

_FORMGRADER: Final = Path(formgrader.__file__).parent

# Ours come first; by its folder's name ours can extend nbgrader's template of the same name.
TEMPLATES: Final = [
    str(Path(__file__).with_name("templates")), str(_FORMGRADER / "templates"), str(_FORMGRADER),
]  # fmt: skip


def install() -> None:
    """Let the formgrader's other pages, which show students' names, escape what they show."""
    server = sys.modules.get("nbgrader.server_extensions.formgrader.formgrader")
    if server is not None:
        server.Environment = functools.partial(Environment, autoescape=True)  # type: ignore[attr-defined]
