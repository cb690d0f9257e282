"""The same loss as one value an image, with the union written as a sum of three kinds of pixels."""
# %% task_agreement
def annotator_agreement(boundaries):
    return np.mean(boundaries, axis=0, dtype=np.float32)
# %% task_loss
def bce_dice_loss(y_true, y_pred):
    pixels = (1, 2, 3)
    crossentropy = ops.mean(keras.losses.binary_crossentropy(y_true, y_pred), axis=(1, 2))
    found = ops.sum(y_true * y_pred, axis=pixels)
    missed = ops.sum(y_true * (1 - y_pred), axis=pixels)
    invented = ops.sum((1 - y_true) * y_pred, axis=pixels)
    dice = (2 * found + 1) / (2 * found + missed + invented + 1)
    return crossentropy - dice + 1
# %% task_train
def train_cnn(model, train, val):
    model.compile(keras.optimizers.Nadam(0.004), loss=bce_dice_loss)
    callbacks = [bsds.TimeBudget(SECONDS)]
    callbacks.append(bsds.ProgressBar(callbacks[0]))
    return model.fit(
        bsds.Batches(train.images, train.masks, batch_size=4, augment=True),
        validation_data=bsds.Batches(val.images, val.masks, batch_size=16),
        epochs=10_000,
        callbacks=callbacks,
        verbose=0,
    )
# %% task_build_cnn
def build_cnn():
    def convolution(x, filters, **options):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False, **options)(x)
        return layers.Activation("relu")(layers.BatchNormalization(momentum=0.9)(x))

    image = keras.Input((None, None, 3))
    near = convolution(layers.Rescaling(1 / 255)(image), 8)
    far = convolution(near, 24, strides=2)
    far = convolution(far, 48, strides=2)
    far = layers.SpatialDropout2D(0.05)(convolution(far, 48))
    x = layers.Concatenate()([near, layers.UpSampling2D(4)(far)])
    return keras.Model(image, layers.Conv2D(1, 1, activation="sigmoid")(convolution(x, 12)))
