"""Answers that are texts, dicts, lists of differing lengths and whole numbers without end.

fails: agreement, metrics, nothing, loss, iou, threshold, test_report
"""
# %% task_agreement
def annotator_agreement(boundaries):
    return [[0.5] * 31] * 22 + [[0.5] * 30]
# %% task_scores
def scores(truth, prediction):
    return {"accuracy": [1.0, [2.0]], "iou": 10**400, "mean_iou": {"iou": 1.0}}


def scores_of_nothing(truth):
    return {"accuracy": 10**400, "iou": "1.0", "mean_iou": None}
# %% task_loss
def bce_dice_loss(y_true, y_pred):
    return "small"
# %% task_choose_threshold
def choose_threshold(probabilities, masks):
    return {"best": 0.5}
# %% task_train
