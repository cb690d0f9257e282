"""A slip in every task: a dropout that drops nothing, means of images, one Dice for a batch, val for test.

fails: agreement, metrics, loss, architecture, iou, threshold, test_report
"""
# %% task_agreement
def annotator_agreement(boundaries):
    # An array of one annotator loses its first axis.
    marked = np.squeeze(boundaries)
    return marked.mean(axis=0).astype(np.float32)
# %% task_scores
def scores(truth, prediction):
    # The mean over images, not over the pixels of all of them.
    truth, prediction = truth.astype(bool), prediction.astype(bool)
    ious = []
    for a, b in ((truth, prediction), (~truth, ~prediction)):
        either = (a | b).sum(axis=(1, 2, 3))
        both = (a & b).sum(axis=(1, 2, 3))
        ious.append(float(np.mean(np.where(either > 0, both / np.maximum(either, 1), 1.0))))
    return {"accuracy": float(np.mean(truth == prediction)), "iou": ious[0], "mean_iou": sum(ious) / 2}


def scores_of_nothing(truth):
    return scores(truth, np.zeros_like(truth))
# %% task_loss
def bce_dice_loss(y_true, y_pred):
    # One Dice over the whole batch.
    p = ops.clip(y_pred, 1e-7, 1 - 1e-7)
    bce = -ops.mean(y_true * ops.log(p) + (1 - y_true) * ops.log(1 - p))
    common, total = ops.sum(y_true * y_pred), ops.sum(y_true) + ops.sum(y_pred)
    return bce + 1 - (2 * common + 1) / (total + 1)
# %% task_build_cnn
def build_cnn():
    image = keras.Input((None, None, 3))
    x = layers.Rescaling(1 / 255)(image)
    x = layers.Conv2D(8, 3, padding="same", activation="relu")(x)
    x = layers.Dropout(0.0)(x)
    return keras.Model(image, layers.Conv2D(1, 1, activation="sigmoid")(x))
# %% task_train
def train_cnn(model, train, val):
    model.compile("sgd", loss=bce_dice_loss)
    few = bsds.Batches(train.images[:8], train.masks[:8])
    return model.fit(few, validation_data=few, epochs=1, verbose=0)
# %% task_choose_threshold
def choose_threshold(probabilities, truths):
    return 0.5
# %% task_test_report
def test_report(probabilities, truths, threshold):
    return scores(truths["val"], probabilities["val"] >= threshold)
