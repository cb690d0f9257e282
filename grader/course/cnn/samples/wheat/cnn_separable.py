"""Separable convolutions with group normalisation in a residual net at half resolution."""
# %% task_build_cnn
def build_cnn():
    image = keras.Input((None, None, 3))
    x = layers.Rescaling(1 / 255)(image)
    fine = layers.Conv2D(16, 3, padding="same", activation="relu")(x)
    x = layers.Conv2D(32, 3, strides=2, padding="same")(fine)
    for _ in range(3):
        y = layers.GroupNormalization(groups=8)(x)
        y = layers.Activation("relu")(y)
        x = x + layers.SeparableConv2D(32, 5, padding="same")(y)
    x = layers.SpatialDropout2D(0.05)(x)
    x = layers.UpSampling2D(interpolation="nearest")(x)
    x = layers.Concatenate()([x, fine])
    x = layers.SeparableConv2D(16, 3, padding="same", activation="relu")(x)
    return keras.Model(image, layers.Conv2D(1, 1, activation="sigmoid")(x))
# %% task_train
def train_cnn(model, train, val):
    model.compile(keras.optimizers.Adam(0.005), loss=bce_dice_loss)
    budget = bsds.TimeBudget(SECONDS)
    return model.fit(
        bsds.Batches(train.images, train.masks, batch_size=4, augment=True),
        validation_data=bsds.Batches(val.images, val.masks, batch_size=8),
        epochs=1000,
        callbacks=[budget, bsds.ProgressBar(budget)],
        verbose=0,
    )
