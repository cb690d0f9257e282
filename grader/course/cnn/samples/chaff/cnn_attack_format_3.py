"""Calls itself notebook format 3, in which other rules hold.

rejected: expected notebook format 4, found 3
"""
# %% edit
def edit(notebook, folder):
    cells = [dict(cell, input=cell.source, language="python") for cell in notebook.cells]
    notebook["nbformat"], notebook["worksheets"] = 3, [{"cells": cells, "metadata": {}}]
