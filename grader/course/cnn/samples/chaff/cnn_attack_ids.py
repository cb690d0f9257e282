"""Grade ids swapped, repeated and renamed, cell ids repeated and illegal, versions invented.

fails: iou
"""
# %% task_train
# %% edit
def edit(notebook, folder):
    import copy

    by_id = {c.metadata.nbgrader.grade_id: c for c in notebook.cells if "nbgrader" in c.metadata}
    # What is easy is handed in a second time, as the answer to what is hard.
    again = [copy.deepcopy(by_id["agreement"]) for _ in range(4)]
    for cell, name in zip(again, ("iou", "threshold", "test_report", "new")):
        cell.source = "print('6 of 6')"
        cell.metadata.nbgrader.update(grade_id=name, points=6)
    again[0].metadata.nbgrader.grade_id = ["iou"]
    notebook.cells += again
    by_id["iou"].metadata.nbgrader.grade_id = "agreement"
    by_id["threshold"].metadata.nbgrader.grade_id = "../gradebook.db"
    by_id["test_report"].metadata.nbgrader = "none"
    for cell in notebook.cells:
        cell["id"] = "same"
    notebook.cells[3]["id"] = "<script>alert(1)</script>" * 9
    notebook.cells[4]["id"] = None
    notebook.nbformat_minor = 99
