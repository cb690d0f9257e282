"""Every function forgets to return what it has computed.

fails: agreement, metrics, nothing, loss, architecture, from_scratch, iou, threshold, test_report
"""
# %% task_agreement
def annotator_agreement(boundaries):
    share = boundaries.mean(axis=0).astype(np.float32)
# %% task_scores
def scores(truth, prediction):
    result = {"accuracy": float(np.mean(truth == prediction))}


def scores_of_nothing(truth):
    scores(truth, np.zeros_like(truth))
# %% task_loss
def bce_dice_loss(y_true, y_pred):
    loss = keras.losses.BinaryCrossentropy()(y_true, y_pred)
# %% task_build_cnn
def build_cnn():
    image = keras.Input((None, None, 3))
    x = layers.Conv2D(8, 3, padding="same", activation="relu")(layers.Rescaling(1 / 255)(image))
    x = layers.Conv2D(1, 1, activation="sigmoid")(layers.Dropout(0.1)(x))
    model = keras.Model(image, x)
# %% task_train
# %% task_choose_threshold
def choose_threshold(probabilities, truths):
    best = float(bsds.threshold_sweep(truths["val"], probabilities["val"]).best_threshold)
# %% task_test_report
def test_report(probabilities, truths, threshold):
    scores(truths["test"], probabilities["test"] >= threshold)
