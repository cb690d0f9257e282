"""A slip in every task: only multiples of 16 fit, scores as a tuple, keras.losses.Dice, all pixels for none.

fails: metrics, nothing, loss, architecture, iou, threshold, test_report
"""
# %% task_scores
def scores(truth, prediction):
    truth, prediction = truth.astype(bool), prediction.astype(bool)
    ious = [1.0 if not (a | b).any() else (a & b).sum() / (a | b).sum()
            for a, b in ((truth, prediction), (~truth, ~prediction))]
    return np.mean(truth == prediction), ious[0], np.mean(ious)


def scores_of_nothing(truth):
    return scores(truth, np.ones_like(truth))
# %% task_loss
def bce_dice_loss(y_true, y_pred):
    return keras.losses.BinaryCrossentropy()(y_true, y_pred) + keras.losses.Dice()(y_true, y_pred)
# %% task_build_cnn
def build_cnn():
    image = keras.Input((None, None, 3))
    x, skips = layers.Rescaling(1 / 255)(image), []
    for _ in range(4):
        x = layers.Conv2D(8, 3, padding="same", activation="relu")(x)
        skips.append(x)
        x = layers.MaxPooling2D()(x)
    x = layers.Dropout(0.1)(x)
    for skip in reversed(skips):
        x = layers.Concatenate()([layers.UpSampling2D()(x), skip])
    return keras.Model(image, layers.Conv2D(1, 1, activation="sigmoid")(x))
# %% task_train
# %% task_choose_threshold
def choose_threshold(probabilities, truths):
    # A mean of the best thresholds of the images.
    return float(np.mean([
        bsds.threshold_sweep(truth, probability).best_threshold
        for truth, probability in zip(truths["test"], probabilities["test"])
    ]))
