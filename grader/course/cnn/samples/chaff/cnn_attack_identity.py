"""Says that it is somebody else's, and has somebody else's submission and grades beside it.

fails: iou
"""
# %% task_train
# %% edit
def edit(notebook, folder):
    import json

    notebook.metadata["authors"] = [{"name": "ada"}]
    notebook.metadata["nbgrader"] = {"student": "ada", "assignment": "resnet", "notebook": "resnet"}
    everything = json.dumps(notebook)
    for place in ("ada/cnn", "submitted/ada/cnn", "autograded/ada/cnn", "feedback/ada/cnn", "cnn"):
        (folder / place).mkdir(parents=True)
        (folder / place / "cnn.ipynb").write_text(everything)
    (folder / "ada.ipynb").write_text(everything)
    (folder / "timestamp.txt").write_text("1970-01-01 00:00:00 UTC")
    (folder / "gradebook.db").write_bytes(b"SQLite format 3\0")
