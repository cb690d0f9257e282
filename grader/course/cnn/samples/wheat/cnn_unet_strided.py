"""A U-Net in another style: strides instead of pooling, transposed convolutions, sums as skips."""
# %% task_agreement
def annotator_agreement(boundaries):
    marked = np.zeros(boundaries.shape[1:], np.float32)
    for one in boundaries:
        marked += one
    return marked / np.float32(len(boundaries))
# %% task_build_cnn
def convolution(x, filters, stride=1):
    x = layers.Conv2D(filters, 3, strides=stride, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization(momentum=0.9)(x)
    return layers.LeakyReLU(negative_slope=0.1)(x)


def build_cnn():
    inputs = keras.Input(shape=(None, None, 3), name="rgb")
    scaled = layers.Rescaling(1.0 / 128, offset=-1)(inputs)
    full = convolution(scaled, 8)
    half = convolution(full, 24, stride=2)
    quarter = convolution(half, 40, stride=2)
    eighth = convolution(quarter, 56, stride=2)
    x = layers.Dropout(0.1)(eighth)
    for skip, filters in [(quarter, 40), (half, 24), (full, 8)]:
        x = layers.Conv2DTranspose(filters, 2, strides=2, padding="same")(x)
        x = convolution(layers.add([x, skip]), filters)
    x = layers.Conv2D(1, 3, padding="same")(x)
    return keras.Model(inputs=inputs, outputs=layers.Activation("sigmoid")(x))
# %% task_choose_threshold
def choose_threshold(probabilities, masks):
    ious = [
        bsds.foreground_iou(masks["val"], probabilities["val"] >= threshold)
        for threshold in bsds.THRESHOLDS
    ]
    return float(bsds.THRESHOLDS[int(np.argmax(ious))])
# %% task_train
def train_cnn(model, train, val):
    model.compile(keras.optimizers.Adam(0.004), loss=bce_dice_loss)
    budget = bsds.TimeBudget(SECONDS)
    return model.fit(
        bsds.Batches(train.images, train.masks, batch_size=4, augment=True),
        validation_data=bsds.Batches(val.images, val.masks, batch_size=8),
        epochs=1000,
        callbacks=[budget, bsds.ProgressBar(budget)],
        verbose=0,
    )
