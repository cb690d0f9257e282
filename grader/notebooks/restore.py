"""Putting the instructor's cells back into a submission."""

import copy

import nbformat

from grader.notebooks.bare_code import bare, held
from grader.notebooks.cells import grade_id, is_answer, is_students, label
from grader.notebooks.pictures import harmless_attachments
from grader.notebooks.submitted import Rejected
from grader.settings import Limits

__all__ = ["restore"]

_DEFAULT_LIMITS = Limits()


def restore(
    submitted: nbformat.NotebookNode,
    release: nbformat.NotebookNode,
    limits: Limits = _DEFAULT_LIMITS,
) -> nbformat.NotebookNode:
    """Return the release version with the student's answers and added cells in it.

    Every cell of the release version is there, once, in its order and with its metadata; only the
    sources of answer cells come from the submission, and the pictures pasted into written answers.
    Of an answer that exists more than once the last counts. Cells that the student added keep
    their place after the cell they follow, without metadata. So renamed, moved, deleted,
    duplicated and edited instructor's cells all come out right.

    Parameters
    ----------
    submitted
        As handed in; it is not changed.
    release
        As handed out.
    limits
        ``cell_bytes`` and ``code_bytes`` bound the student's code; where it holds more than
        ``held_text`` or ``held_code``, its comments and docstrings are left out.

    Returns
    -------
    nbformat.NotebookNode
        A notebook without outputs.

    Raises
    ------
    Rejected
        If the student's code is larger than a person would write.
    """
    answers: dict[str, nbformat.NotebookNode] = {}
    added: dict[str | None, list[nbformat.NotebookNode]] = {None: []}
    known = {grade_id(cell): cell for cell in release.cells if grade_id(cell) is not None}
    given_texts = {cell.source for cell in release.cells if grade_id(cell) is None}
    last: str | None = None
    for cell in submitted.cells:
        name = grade_id(cell)
        if name is not None and name in known:
            last = name
            answers[name] = cell
        elif cell.cell_type == "code" or cell.source not in given_texts:
            added.setdefault(last, []).append(_plain(cell))
    restored = copy.deepcopy(release)
    restored.cells = list(added[None])
    for cell in copy.deepcopy(release.cells):
        name = grade_id(cell)
        if name is not None and name in answers and is_answer(cell):
            _answer(cell, answers[name])
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        restored.cells.append(cell)
        if name is not None:
            restored.cells += added.get(name, [])
    for number, cell in enumerate(restored.cells):
        # Ids need only be unique, and a submission's need not be.
        cell["id"] = f"cell-{number}"
    _check_size(restored, limits)
    _leave_out_text(restored, limits)
    return restored


def _leave_out_text(restored: nbformat.NotebookNode, limits: Limits) -> None:
    """Take comments and docstrings out of a notebook where they are enough to hide weights in."""
    cells = [cell for cell in restored.cells if is_students(cell)]
    text, everything = held(cell.source for cell in cells)
    if text > limits.held_text or everything > limits.held_code:
        for cell in cells:
            cell.source = bare(cell.source)


def _check_size(restored: nbformat.NotebookNode, limits: Limits) -> None:
    total = 0
    for number, cell in enumerate(restored.cells, start=1):
        if not is_students(cell):
            continue
        size = len(cell.source.encode())
        total += size
        if size > limits.cell_bytes:
            raise Rejected(
                f"expected at most {limits.cell_bytes:,} bytes of code in a cell, found {size:,} "
                f"in cell {label(cell, number)}; remove what is no code"
            )
    if total > limits.code_bytes:
        raise Rejected(
            f"expected at most {limits.code_bytes:,} bytes of code in all your cells, found "
            f"{total:,}; remove what the tasks do not need"
        )


def _answer(cell: nbformat.NotebookNode, answer: nbformat.NotebookNode) -> None:
    """Put the text of an answer, and the pictures in it, into a cell."""
    cell.source = answer.source
    if cell.cell_type == "markdown":
        attachments = harmless_attachments(answer.get("attachments"))
        if attachments:
            cell["attachments"] = nbformat.from_dict(attachments)


def _plain(cell: nbformat.NotebookNode) -> nbformat.NotebookNode:
    plain: nbformat.NotebookNode
    if cell.cell_type == "code":
        plain = nbformat.v4.new_code_cell(cell.source)
    else:
        plain = nbformat.v4.new_markdown_cell()
        _answer(plain, cell)
    return plain
