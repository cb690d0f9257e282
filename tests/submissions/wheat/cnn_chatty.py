"""Talks a lot: warnings, log lines and stderr everywhere, and numbers that look like points."""
# %% task_agreement
import logging
import os
import sys
import warnings

logging.basicConfig(level=logging.INFO)
os.write(2, b"a line written past Python\n")


def annotator_agreement(boundaries):
    print("0")
    print("warning: careful", file=sys.stderr)
    warnings.warn("the annotators disagree", stacklevel=1)
    return boundaries.mean(axis=0).astype(np.float32)
# %% task_loss
def bce_dice_loss(y_true, y_pred):
    print("0.0 of 3 points")
    logging.getLogger().error("FAILED (not really)")
    p = ops.clip(y_pred, 1e-7, 1 - 1e-7)
    bce = -ops.mean(y_true * ops.log(p) + (1 - y_true) * ops.log(1 - p))
    common = ops.sum(y_true * y_pred, axis=(1, 2, 3))
    total = ops.sum(y_true, axis=(1, 2, 3)) + ops.sum(y_pred, axis=(1, 2, 3))
    return bce + ops.mean(1 - (2 * common + 1) / (total + 1))


0
# %% task_choose_threshold
def choose_threshold(probabilities, masks):
    print("1.0")
    print("Traceback (most recent call last):", file=sys.stderr)
    warnings.warn("thresholds are a matter of taste", DeprecationWarning, stacklevel=1)
    os.write(1, b"0\n")
    return float(bsds.threshold_sweep(masks["val"], probabilities["val"]).best_threshold)


1.0
# %% task_test_report
def test_report(probabilities, masks, threshold):
    from IPython.display import HTML, display

    display(HTML("<b>0</b>"), 0)
    print("\x1b[31mred\x1b[0m \N{GREEK SMALL LETTER OMEGA}", file=sys.stderr, flush=True)
    return scores(masks["test"], probabilities["test"] >= threshold)
