"""Outputs of a submission that a browser and a terminal can show without danger."""

import base64
import binascii
import re
from collections.abc import Sequence
from typing import Any, Final

from nbformat import NotebookNode, v4

__all__ = ["harmless_outputs"]

# HTML, SVG, JavaScript, LaTeX and Markdown could all hold a script or call for a remote picture.
_PICTURES: Final = ("image/png", "image/jpeg")
_ESCAPES: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)?")
_CONTROLS: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)


def harmless_outputs(outputs: Sequence[NotebookNode]) -> list[NotebookNode]:
    """Reduce a cell's outputs to plain text and pictures.

    Text loses terminal escapes and control characters, those that turn its direction included.
    Of what can be shown in several forms, plain text, PNG and JPEG stay. Metadata go.

    Parameters
    ----------
    outputs
        As a kernel sent them.

    Returns
    -------
    list of NotebookNode
        New outputs, in the same order.
    """
    return [made for output in outputs if (made := _harmless(output)) is not None]


def _harmless(output: NotebookNode) -> NotebookNode | None:
    kind = output.get("output_type")
    if kind == "stream":
        name = "stderr" if output.get("name") == "stderr" else "stdout"
        return _output("stream", name=name, text=_plain(output.get("text", "")))
    if kind == "error":
        return _output(
            "error",
            ename=_plain(output.get("ename", "")),
            evalue=_plain(output.get("evalue", "")),
            traceback=[_plain(line) for line in output.get("traceback", [])],
        )
    if kind in ("display_data", "execute_result"):
        data = _bundle(output.get("data", {}))
        if data and kind == "execute_result":
            return _output(kind, data=data, execution_count=output.get("execution_count"))
        if data:
            return _output(kind, data=data)
    return None


def _output(kind: str, **content: Any) -> NotebookNode:
    made: NotebookNode = v4.new_output(kind, **content)
    return made


def _plain(text: Any) -> str:
    joined = "".join(text) if isinstance(text, list) else str(text)
    return _CONTROLS.sub("", _ESCAPES.sub("", joined))


def _bundle(data: Any) -> dict[str, str]:
    kept: dict[str, str] = {}
    if not isinstance(data, dict):
        return kept
    if "text/plain" in data:
        kept["text/plain"] = _plain(data["text/plain"])
    for kind in _PICTURES:
        # Pages put it between quotation marks: nothing but base64 may stand there.
        try:
            kept[kind] = base64.b64encode(_decoded(data[kind])).decode("ascii")
        except (KeyError, TypeError, ValueError, binascii.Error):
            continue
    return kept


def _decoded(text: Any) -> bytes:
    joined = "".join(text if isinstance(text, list) else [text])
    return base64.b64decode("".join(joined.split()), validate=True)
