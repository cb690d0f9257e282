"""Writes a module of its own and imports it.

"""
# %% after setup
%%writefile overlap.py
import numpy as np


def overlap(first, second):
    either = np.logical_or(first, second).sum()
    return float(np.logical_and(first, second).sum() / either) if either else 1.0
# %% task_scores
from overlap import overlap


def scores(truth, prediction):
    truth, prediction = truth.astype(bool), prediction.astype(bool)
    boundary, rest = overlap(truth, prediction), overlap(~truth, ~prediction)
    accuracy = float(np.mean(truth == prediction))
    return {"accuracy": accuracy, "iou": boundary, "mean_iou": (boundary + rest) / 2}


def scores_of_nothing(truth):
    return scores(truth, np.zeros_like(truth))
