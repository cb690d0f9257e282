"""Half of a pair of characters, which JSON can hold and no file of text can.

rejected: expected text
"""
# %% edit
def edit(notebook, folder):
    notebook.cells[-1].source = "\ud800"
