"""A hundred thousand empty cells, each of which costs a moment.

rejected: at most 1000 cells
"""
# %% edit
def edit(notebook, folder):
    empty = {"cell_type": "code", "metadata": {}, "source": "", "outputs": []}
    notebook.cells += [empty] * 40_000
