"""A bracket is missing in the loss, so nothing can be trained with it.

fails: loss, iou
"""
# %% task_loss
def bce_dice_loss(y_true, y_pred):
    p = ops.clip(y_pred, 1e-7, 1 - 1e-7
    bce = -ops.mean(y_true * ops.log(p) + (1 - y_true) * ops.log(1 - p))
    return bce
