"""A dilated net: one early stride, then dilations instead of further pooling."""
# %% task_build_cnn
def build_cnn():
    image = keras.Input(shape=(None, None, 3))
    x = layers.Rescaling(1 / 255)(image)
    fine = layers.Conv2D(12, 3, padding="same", activation="relu")(x)
    x = layers.Conv2D(24, 4, strides=4, padding="same", activation="relu")(fine)
    for dilation in (1, 2, 4):
        y = layers.Conv2D(24, 3, padding="same", dilation_rate=dilation, use_bias=False)(x)
        y = layers.BatchNormalization(momentum=0.9)(y)
        x = layers.Add()([x, layers.Activation("relu")(y)])
    x = layers.SpatialDropout2D(0.05)(x)
    x = layers.UpSampling2D(4, interpolation="nearest")(x)
    x = layers.Concatenate()([x, fine])
    x = layers.Conv2D(16, 3, padding="same", activation="relu")(x)
    return keras.Model(image, layers.Conv2D(1, 3, padding="same", activation="sigmoid")(x))
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
