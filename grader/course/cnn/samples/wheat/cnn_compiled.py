"""build_cnn compiles the model, as textbooks do, and train_cnn fits it as it is."""
# %% task_build_cnn
def build_cnn():
    x = image = keras.layers.Input(shape=(None, None, 3), name="image")
    x = keras.layers.Rescaling(scale=1.0 / 255)(x)
    down = []
    for filters in (8, 16, 32):
        x = keras.layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        x = keras.layers.BatchNormalization(momentum=0.9)(x)
        x = keras.layers.ReLU()(x)
        down.append(x)
        x = keras.layers.MaxPool2D(2)(x)
    x = keras.layers.Conv2D(64, 3, padding="same", activation="relu")(x)
    x = keras.layers.Dropout(0.1)(x)
    for skip in down[::-1]:
        x = keras.layers.UpSampling2D(2)(x)
        x = keras.layers.concatenate([x, skip])
        x = keras.layers.Conv2D(skip.shape[-1], 3, padding="same", use_bias=False)(x)
        x = keras.layers.BatchNormalization(momentum=0.9)(x)
        x = keras.layers.ReLU()(x)
    probability = keras.layers.Conv2D(1, 1, activation="sigmoid", name="boundary")(x)
    model = keras.models.Model(inputs=image, outputs=probability)
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate=0.004),
        loss=bce_dice_loss,
        metrics=["accuracy"],
    )
    return model
# %% task_train
def train_cnn(model, train, val):
    budget = bsds.TimeBudget(SECONDS)
    return model.fit(
        bsds.Batches(train.images, train.masks, batch_size=4, augment=True),
        validation_data=bsds.Batches(val.images, val.masks, batch_size=8),
        epochs=1000,
        callbacks=[budget],
        verbose=0,
    )
