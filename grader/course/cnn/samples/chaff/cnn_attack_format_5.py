"""Calls itself notebook format 5, which nobody has heard of.

rejected: expected notebook format 4, found 5
"""
# %% edit
def edit(notebook, folder):
    notebook["nbformat"] = 5
