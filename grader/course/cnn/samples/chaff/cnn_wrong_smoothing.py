"""The Dice loss is smoothed by 1e-6 instead of 1, which differs where a mask is small or empty.

fails: loss
"""
# %% task_loss
def bce_dice_loss(y_true, y_pred):
    p = ops.clip(y_pred, 1e-7, 1 - 1e-7)
    bce = -ops.mean(y_true * ops.log(p) + (1 - y_true) * ops.log(1 - p))
    common = ops.sum(y_true * y_pred, axis=(1, 2, 3))
    total = ops.sum(y_true, axis=(1, 2, 3)) + ops.sum(y_pred, axis=(1, 2, 3))
    dice = (2 * common + 1e-6) / (total + 1e-6)
    return bce + ops.mean(1 - dice)
# %% task_build_cnn
def build_cnn():
    def convolution(x, filters, **options):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False, **options)(x)
        return layers.Activation("relu")(layers.BatchNormalization(momentum=0.9)(x))

    image = keras.Input((None, None, 3))
    fine = convolution(layers.Rescaling(1 / 255)(image), 12)
    x = convolution(convolution(fine, 32, strides=2), 32)
    x = layers.Dropout(0.05)(layers.UpSampling2D()(x))
    x = convolution(layers.Concatenate()([x, fine]), 12)
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
