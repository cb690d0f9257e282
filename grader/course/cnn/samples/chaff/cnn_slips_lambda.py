"""A slip in every task: a Lambda layer, nobody divides by the annotators, 0 / 0, logarithms of 0, an index.

fails: agreement, metrics, loss, architecture, from_scratch, iou, threshold, test_report
"""
# %% task_agreement
def annotator_agreement(boundaries):
    return boundaries.sum(axis=0).astype(np.float32)
# %% task_scores
def scores(truth, prediction):
    # An empty union gives 0 / 0.
    truth, prediction = truth.astype(bool), prediction.astype(bool)
    iou = (truth & prediction).sum() / (truth | prediction).sum()
    background = (~truth & ~prediction).sum() / (~truth | ~prediction).sum()
    return {"accuracy": (truth == prediction).mean(), "iou": iou, "mean_iou": (iou + background) / 2}


def scores_of_nothing(truth):
    return scores(truth, np.zeros_like(truth))
# %% task_loss
def bce_dice_loss(y_true, y_pred):
    # Without clipping, 0 · log 0 is not a number.
    bce = -ops.mean(y_true * ops.log(y_pred) + (1 - y_true) * ops.log(1 - y_pred))
    common = ops.sum(y_true * y_pred, axis=(1, 2, 3))
    total = ops.sum(y_true, axis=(1, 2, 3)) + ops.sum(y_pred, axis=(1, 2, 3))
    return bce + ops.mean(1 - (2 * common + 1) / (total + 1))
# %% task_build_cnn
def build_cnn():
    image = keras.Input((None, None, 3))
    x = layers.Lambda(lambda pixels: pixels / 255)(image)
    x = layers.Conv2D(8, 3, padding="same", activation="relu")(x)
    x = layers.Dropout(0.1)(x)
    return keras.Model(image, layers.Conv2D(1, 1, activation="sigmoid")(x))
# %% task_train
# %% task_choose_threshold
def choose_threshold(probabilities, truths):
    # The place of the threshold in the list.
    return int(np.argmax(bsds.threshold_sweep(truths["val"], probabilities["val"]).iou))
# %% task_test_report
def test_report(probabilities, truths, threshold):
    return scores(truths["test"], probabilities["test"] >= 0.5)
