"""A functional model with side outputs at three scales that are fused, trained with a schedule."""
# %% task_scores
def scores(truth, prediction):
    pairs = np.bincount(
        2 * np.asarray(truth, int).ravel() + np.asarray(prediction, int).ravel(), minlength=4
    )
    true_negative, false_positive, false_negative, true_positive = (int(n) for n in pairs)
    wrong = false_positive + false_negative
    iou = true_positive / (true_positive + wrong) if true_positive + wrong else 1.0
    other = true_negative / (true_negative + wrong) if true_negative + wrong else 1.0
    return {
        "accuracy": (true_positive + true_negative) / pairs.sum(),
        "iou": iou,
        "mean_iou": 0.5 * (iou + other),
    }


def scores_of_nothing(truth):
    return scores(truth, 0 * truth)
# %% task_build_cnn
def build_cnn():
    def stage(tensor, filters, name):
        for number in (1, 2):
            tensor = layers.Conv2D(filters, 3, padding="same", name=f"{name}_conv{number}")(tensor)
            tensor = layers.BatchNormalization(momentum=0.9, name=f"{name}_norm{number}")(tensor)
            tensor = layers.ReLU(name=f"{name}_relu{number}")(tensor)
        return tensor

    picture = keras.Input((None, None, 3))
    x = layers.Rescaling(1 / 255)(picture)
    sides = []
    for level, filters in enumerate((16, 32, 64)):
        if level:
            x = layers.AveragePooling2D(2)(x)
        x = stage(x, filters, f"level{level}")
        side = layers.Conv2D(8, 1, activation="relu")(x)
        if level:
            side = layers.UpSampling2D(2**level)(side)
        sides.append(side)
    x = layers.concatenate(sides)
    x = layers.SpatialDropout2D(0.05)(x)
    x = layers.Conv2D(16, 3, padding="same", activation="relu")(x)
    return keras.Model(picture, layers.Conv2D(1, 1, activation=keras.activations.sigmoid)(x))
# %% task_train
def train_cnn(model, train, val):
    optimizer = keras.optimizers.AdamW(
        keras.optimizers.schedules.ExponentialDecay(4e-3, 100, 0.9), weight_decay=1e-4
    )
    model.compile(optimizer, loss=bce_dice_loss, metrics=[keras.metrics.BinaryAccuracy()])
    budget = bsds.TimeBudget(SECONDS)
    return model.fit(
        bsds.Batches(train.images, train.masks, batch_size=4, augment=True),
        validation_data=(val.images.astype("float32"), val.masks.astype("float32")),
        validation_batch_size=8,
        epochs=500,
        callbacks=[budget],
        verbose=2,
    )
