"""Asks for a kernel of its own, which it hands in, too.

fails: iou
"""
# %% task_train
# %% edit
def edit(notebook, folder):
    import json

    spec = {"argv": ["/bin/sh", "-c", "touch /tmp/pwned; echo {connection_file}"],
            "display_name": "own", "language": "python",
            "metadata": {"kernel_provisioner": {"provisioner_name": "local-provisioner"}}}
    for place in ("kernels/own", "share/jupyter/kernels/own", ".local/share/jupyter/kernels/own"):
        (folder / place).mkdir(parents=True)
        (folder / place / "kernel.json").write_text(json.dumps(spec))
    notebook.metadata.kernelspec = {"name": "own", "display_name": "own", "language": "bash"}
    notebook.metadata.language_info = {"name": "bash", "file_extension": "/../../x"}
    notebook.metadata.widgets = notebook.metadata.celltoolbar = [[]]
