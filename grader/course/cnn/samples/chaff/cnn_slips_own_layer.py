"""A slip in every task: a layer class of its own, a majority vote, uint8 sums, a loss in NumPy, a bare number.

fails: agreement, metrics, nothing, loss, architecture, from_scratch, iou, threshold, test_report
"""
# %% task_agreement
def annotator_agreement(boundaries):
    return boundaries.mean(axis=0) >= 0.5
# %% task_scores
def scores(truth, prediction):
    # Sums of uint8 end at 255.
    truth, prediction = truth.astype(np.uint8), prediction.astype(np.uint8)

    def iou(a, b):
        union = np.sum(a | b, dtype=np.uint8)
        return float(np.sum(a & b, dtype=np.uint8) / union) if union else 1.0

    boundary, background = iou(truth, prediction), iou(1 - truth, 1 - prediction)
    return {
        "accuracy": float(np.mean(truth == prediction)), "iou": boundary,
        "mean_iou": (boundary + background) / 2,
    }


def scores_of_nothing(truth):
    return scores(truth, np.zeros_like(truth))["iou"]
# %% task_loss
def bce_dice_loss(y_true, y_pred):
    # Right values, but no gradient comes back through NumPy.
    t, p = np.asarray(y_true), np.clip(np.asarray(y_pred), 1e-7, 1 - 1e-7)
    bce = -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p))
    common, total = (t * p).sum((1, 2, 3)), (t + p).sum((1, 2, 3))
    return np.float32(bce + np.mean(1 - (2 * common + 1) / (total + 1)))
# %% task_build_cnn
class Scale(layers.Layer):
    def call(self, pixels):
        return pixels / 255


def build_cnn():
    image = keras.Input((None, None, 3))
    x = layers.Conv2D(8, 3, padding="same", activation="relu")(Scale()(image))
    x = layers.Dropout(0.1)(x)
    return keras.Model(image, layers.Conv2D(1, 1, activation="sigmoid")(x))
# %% task_train
# %% task_choose_threshold
def choose_threshold(probabilities, truths):
    # On all the data that there is.
    return float(bsds.threshold_sweep(
        np.concatenate([truths["val"], truths["test"]]),
        np.concatenate([probabilities["val"], probabilities["test"]]),
    ).best_threshold)
# %% task_test_report
def test_report(probabilities, truths, threshold):
    return scores(truths["test"], probabilities["test"] >= threshold)["iou"]
