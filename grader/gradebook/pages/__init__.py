"""What nbgrader's pages show of a submission: nothing in it can run, and nothing is requested.

The feedback pages and the formgrader are nbconvert's ``HTMLExporter`` with nbgrader's templates.
``nbgrader_config.py`` gives it a preprocessor (``harmless_page.py``), a filter for Markdown
(``markdown.py``) and templates that go before nbgrader's; a policy in each page
(Content-Security-Policy) is a second wall behind them.
"""

import sys
from pathlib import Path
from typing import Any, Final

from nbconvert.exporters import HTMLExporter
from nbgrader.server_extensions import formgrader

__all__ = ["TEMPLATES", "install"]

_FORMGRADER: Final = Path(formgrader.__file__).parent

# Ours come first; by its folder's name ours can extend nbgrader's template of the same name.
TEMPLATES: Final = [
    str(Path(__file__).with_name("templates")), str(_FORMGRADER / "templates"), str(_FORMGRADER),
]  # fmt: skip


def install() -> None:
    """Let a formgrader that is running in this process follow the course's configuration.

    It makes its exporter before it knows which course it is asked for, and its other pages put
    students' names into HTML as they are.
    """
    server = sys.modules.get("nbgrader.server_extensions.formgrader.base")
    if server is not None:
        server.BaseHandler.exporter = property(_exporter)
        server.BaseHandler.render = _render


def _exporter(handler: Any) -> HTMLExporter:
    return HTMLExporter(config=handler.settings["nbgrader_formgrader"].config)


def _render(handler: Any, name: str, **values: Any) -> str:
    environment = handler.settings["nbgrader_jinja2_env"].overlay(autoescape=True)
    return str(environment.get_template(name).render(**values))
