"""The same loss from ready-made Keras parts: BinaryCrossentropy, and Dice by matrix products."""
# %% task_loss
binary_crossentropy = keras.losses.BinaryCrossentropy()


def dice_losses(y_true, y_pred):
    t = ops.reshape(y_true, (ops.shape(y_true)[0], -1))
    p = ops.reshape(y_pred, (ops.shape(y_pred)[0], -1))
    overlap = ops.einsum("np,np->n", t, p)
    return 1.0 - (1.0 + 2.0 * overlap) / (1.0 + ops.sum(t + p, axis=-1))


def bce_dice_loss(y_true, y_pred):
    return binary_crossentropy(y_true, y_pred) + ops.mean(dice_losses(y_true, y_pred))
# %% task_build_cnn
def build_cnn():
    def block(x, filters):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization(momentum=0.85)(x)
        return layers.Activation("relu")(x)

    image = keras.Input((None, None, 3))
    skips, x = [], layers.Rescaling(1 / 255, offset=-0.5)(image)
    for filters in (8, 24, 40):
        skips.append(block(x, filters))
        x = layers.MaxPooling2D()(skips[-1])
    x = layers.GaussianDropout(0.05)(block(x, 56))
    while skips:
        skip = skips.pop()
        x = layers.Concatenate()([layers.UpSampling2D()(x), skip])
        x = block(x, skip.shape[-1])
    return keras.Model(image, layers.Conv2D(1, 1, activation="sigmoid")(x))
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
