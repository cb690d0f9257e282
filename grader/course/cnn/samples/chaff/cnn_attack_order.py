"""Cells in reverse order, checks deleted or turned into text, text turned into code that runs.

fails: iou
"""
# %% task_train
# %% edit
def edit(notebook, folder):
    checks = [c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade")]
    for cell in checks[::2]:
        notebook.cells.remove(cell)
    for cell in checks[1::2]:
        cell.cell_type = "markdown"
        cell.pop("outputs", None)
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and "nbgrader" not in cell.metadata:
            cell.update(cell_type="code", outputs=[], execution_count=None)
            cell.source = "import builtins\nbuiltins.print = lambda *values, **options: None"
    notebook.cells.reverse()
