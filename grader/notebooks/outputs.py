"""Outputs of a submission that a browser and a terminal can show without danger."""

from collections.abc import Sequence
from typing import Any, Final

from nbformat import NotebookNode, v4

from grader.notebooks.pictures import genuine_picture
from grader.notebooks.text import harmless_line, harmless_text

__all__ = ["execution_count", "harmless_outputs"]

# HTML, SVG, JavaScript, LaTeX and Markdown could all hold a script or call for a remote picture.
_PICTURES: Final = ("image/png", "image/jpeg")


def harmless_outputs(outputs: Sequence[NotebookNode]) -> list[NotebookNode]:
    """Reduce a cell's outputs to plain text and pictures.

    Text loses terminal escapes and control characters, those that turn its direction included.
    Of what can be shown in several forms, plain text, PNG and JPEG stay; of metadata
    the words that stand for a picture.

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


def execution_count(value: Any) -> int | None:
    """Return a cell's number as the kernel told it, if it is one."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


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
            traceback=[_plain(line) for line in _lines(output.get("traceback"))],
        )
    if kind in ("display_data", "execute_result"):
        data = _bundle(output.get("data", {}))
        metadata = _alternatives(output.get("metadata"), data)
        if data and kind == "execute_result":
            count = execution_count(output.get("execution_count"))
            return _output(kind, data=data, metadata=metadata, execution_count=count)
        if data:
            return _output(kind, data=data, metadata=metadata)
    return None


def _lines(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _output(kind: str, **content: Any) -> NotebookNode:
    made: NotebookNode = v4.new_output(kind, **content)
    return made


def _plain(text: Any) -> str:
    joined = "".join(map(str, text)) if isinstance(text, list) else str(text)
    return harmless_text(joined)


def _bundle(data: Any) -> dict[str, str]:
    kept: dict[str, str] = {}
    if not isinstance(data, dict):
        return kept
    if "text/plain" in data:
        kept["text/plain"] = _plain(data["text/plain"])
    for kind in _PICTURES:
        picture = genuine_picture(data.get(kind))
        if picture is not None and picture[0] == kind:
            kept[kind] = picture[1]
    return kept


def _alternatives(metadata: Any, data: dict[str, str]) -> dict[str, dict[str, str]]:
    """Keep the words that stand for a picture where it cannot be seen."""
    kept: dict[str, dict[str, str]] = {}
    for kind in _PICTURES:
        about = metadata.get(kind) if isinstance(metadata, dict) else None
        words = about.get("alt") if isinstance(about, dict) else None
        if kind in data and isinstance(words, str):
            kept[kind] = {"alt": harmless_line(words)}
    return kept
