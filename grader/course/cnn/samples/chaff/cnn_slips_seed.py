"""Every initialiser has the same fixed seed, so that each network starts from the same weights.

fails: from_scratch, iou
"""
# %% task_build_cnn
def build_cnn():
    def conv(filters, size, activation):
        start = keras.initializers.HeNormal(seed=42)
        return layers.Conv2D(
            filters, size, padding="same", activation=activation, kernel_initializer=start
        )

    image = keras.Input((None, None, 3))
    x = conv(8, 3, "relu")(layers.Rescaling(1 / 255)(image))
    x = layers.Dropout(0.1)(conv(8, 3, "relu")(x))
    return keras.Model(image, conv(1, 1, "sigmoid")(x))
# %% task_train
def train_cnn(model, train, val):
    model.compile("sgd", loss=bce_dice_loss)
    few = bsds.Batches(train.images[:8], train.masks[:8])
    return model.fit(few, validation_data=few, epochs=1, verbose=0)
