"""A slip in every task: too many parameters, bools that are subtracted, sums for means, the worst threshold.

fails: metrics, loss, architecture, iou, threshold, test_report
"""
# %% task_scores
def scores(truth, prediction):
    # The difference of bool arrays is an error.
    wrong = np.count_nonzero(truth - prediction)
    both = np.count_nonzero(truth & prediction)
    iou = both / (both + wrong) if both + wrong else 1.0
    neither = truth.size - both - wrong
    background = neither / (neither + wrong) if neither + wrong else 1.0
    return {"accuracy": 1 - wrong / truth.size, "iou": iou, "mean_iou": (iou + background) / 2}


def scores_of_nothing(truth):
    return scores(truth, np.zeros_like(truth))
# %% task_loss
def bce_dice_loss(y_true, y_pred):
    # The sum over the pixels, not their mean.
    p = ops.clip(y_pred, 1e-7, 1 - 1e-7)
    bce = -ops.sum(y_true * ops.log(p) + (1 - y_true) * ops.log(1 - p), axis=(1, 2, 3))
    common = ops.sum(y_true * y_pred, axis=(1, 2, 3))
    total = ops.sum(y_true, axis=(1, 2, 3)) + ops.sum(y_pred, axis=(1, 2, 3))
    return ops.mean(bce + 1 - (2 * common + 1) / (total + 1))
# %% task_build_cnn
def build_cnn():
    image = keras.Input((None, None, 3))
    fine = layers.Conv2D(8, 3, padding="same", activation="relu")(layers.Rescaling(1 / 255)(image))
    x = layers.Conv2D(128, 8, strides=8, activation="relu")(fine)
    x = layers.Conv2D(1024, 3, padding="same", activation="relu")(x)
    x = layers.UpSampling2D(8)(layers.Conv2D(8, 1)(layers.Dropout(0.1)(x)))
    x = layers.Concatenate()([x, fine])
    return keras.Model(image, layers.Conv2D(1, 1, activation="sigmoid")(x))
# %% task_train
def train_cnn(model, train, val):
    model.compile("sgd", loss=bce_dice_loss)
    few = bsds.Batches(train.images[:8], train.masks[:8])
    return model.fit(few, validation_data=few, epochs=1, verbose=0)
# %% task_choose_threshold
def choose_threshold(probabilities, truths):
    sweep = bsds.threshold_sweep(truths["val"], probabilities["val"])
    return float(sweep.thresholds[np.argmin(sweep.iou)])
# %% task_test_report
def test_report(probabilities, truths, threshold):
    # The probabilities themselves, no mask.
    return scores(truths["test"], probabilities["test"])
