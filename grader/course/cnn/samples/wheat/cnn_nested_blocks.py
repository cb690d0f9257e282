"""Sequential blocks inside each other, with PReLU and two kinds of normalisation."""
# %% task_build_cnn
def block(filters, normalisation, **options):
    return keras.Sequential([
        layers.Conv2D(filters, 3, padding="same", **options),
        normalisation(),
        layers.PReLU(shared_axes=[1, 2]),
    ])


def stage(filters):
    return keras.Sequential([
        block(filters, lambda: layers.BatchNormalization(momentum=0.9)),
        block(filters, lambda: layers.GroupNormalization(groups=4)),
    ])


def build_cnn():
    inputs = keras.Input((None, None, 3))
    scaled = layers.Rescaling(1 / 128, -1)(inputs)
    fine = block(12, layers.LayerNormalization)(scaled)
    half = stage(24)(layers.MaxPooling2D()(fine))
    quarter = stage(40)(layers.MaxPooling2D()(half))
    x = layers.SpatialDropout2D(0.05)(quarter)
    x = block(24, lambda: layers.BatchNormalization(momentum=0.9))(
        layers.Concatenate()([layers.UpSampling2D()(x), half])
    )
    x = block(12, lambda: layers.BatchNormalization(momentum=0.9))(
        layers.Concatenate()([layers.UpSampling2D()(x), fine])
    )
    return keras.Model(inputs, layers.Conv2D(1, 1, activation="sigmoid")(x))
# %% task_train
def train_cnn(model, train, val):
    model.compile(optimizer=keras.optimizers.Adam(0.005), loss=bce_dice_loss)
    budget = bsds.TimeBudget(SECONDS)
    return model.fit(
        bsds.Batches(train.images, train.masks, batch_size=4, augment=True),
        validation_data=bsds.Batches(val.images, val.masks, batch_size=8),
        epochs=1000,
        callbacks=[budget, bsds.ProgressBar(budget)],
        verbose=0,
    )
