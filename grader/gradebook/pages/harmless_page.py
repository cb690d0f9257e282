"""Last step before a page is written: what is in the notebook and around it is made harmless."""

import re
import secrets
from typing import Any, Final

import nbformat
from markupsafe import escape
from nbconvert.preprocessors import Preprocessor

from grader.notebooks.outputs import harmless_outputs
from grader.notebooks.text import harmless_line

__all__ = ["HarmlessPage"]

_GRADE_ID: Final = re.compile(r"[A-Za-z0-9_-]+")
# What nbgrader's form writes into its page as it is.
_NAMES: Final = ("student", "first_name", "last_name", "assignment_id", "notebook_id")


class HarmlessPage(Preprocessor):
    """Reduces a notebook to what a page may show, wherever the notebook comes from.

    Outputs become text and pictures, raw cells Markdown, metadata those of nbgrader alone. Names
    of people are escaped, and the page's own scripts get a password (``resources.nonce``) that
    nobody could know before.
    """

    def preprocess(
        self, nb: nbformat.NotebookNode, resources: Any
    ) -> tuple[nbformat.NotebookNode, Any]:
        """Change the exporter's own copy."""
        for cell in nb.cells:
            grading = cell.metadata.get("nbgrader")
            known = isinstance(grading, dict) and _GRADE_ID.fullmatch(str(grading.get("grade_id")))
            cell.metadata = nbformat.from_dict({"nbgrader": grading} if known else {})
            if cell.cell_type == "code":
                cell.outputs = harmless_outputs(cell.outputs)
            else:
                cell.cell_type = "markdown"
        for name in _NAMES:
            if resources.get(name) is not None:
                resources[name] = escape(harmless_line(str(resources[name])))
        if "notebook_path" in resources:
            resources["notebook_path"] = escape(resources["notebook_path"])
        resources["nonce"] = secrets.token_urlsafe()
        return nb, resources
