"""Says in the metadata that its checks are worth more, are no checks, or are answered already.

fails: iou
"""
# %% task_train
# %% edit
def edit(notebook, folder):
    for cell in notebook.cells:
        marks = cell.metadata.get("nbgrader")
        if marks and marks["grade"]:
            cell.source = "pass" if cell.cell_type == "code" else cell.source
            marks.update(points=1000, locked=False, solution=True, checksum=None)
        elif marks:
            marks.update(grade=True, points=1000, locked=False, schema_version=99)
    notebook.cells[8].metadata.nbgrader.update(grade=False, points=-5, schema_version="3")
