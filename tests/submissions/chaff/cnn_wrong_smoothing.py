"""The Dice loss is smoothed by 1e-6 instead of 1, which differs where a mask is small or empty.

fails: loss
"""
# %% task_loss
def bce_dice_loss(y_true, y_pred):
    p = ops.clip(y_pred, 1e-7, 1 - 1e-7)
    bce = -ops.mean(y_true * ops.log(p) + (1 - y_true) * ops.log(1 - p))
    common = ops.sum(y_true * y_pred, axis=(1, 2, 3))
    total = ops.sum(y_true, axis=(1, 2, 3)) + ops.sum(y_pred, axis=(1, 2, 3))
    dice = (2 * common + 1e-6) / (total + 1e-6)
    return bce + ops.mean(1 - dice)
