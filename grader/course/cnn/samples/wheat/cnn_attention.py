"""Attention gates on the skips, squeeze-and-excitation below, transposed convolutions on the way up."""
# %% task_build_cnn
def conv(x, filters, size=3, **options):
    x = layers.Conv2D(filters, size, padding="same", use_bias=False, **options)(x)
    x = layers.BatchNormalization(momentum=0.9)(x)
    return layers.Activation("relu")(x)


def squeeze_excite(x, ratio=4):
    filters = x.shape[-1]
    s = layers.GlobalAveragePooling2D(keepdims=True)(x)
    s = layers.Conv2D(filters // ratio, 1, activation="relu")(s)
    s = layers.Conv2D(filters, 1, activation="sigmoid")(s)
    return layers.Multiply()([x, s])


def attention_gate(skip, gate, filters):
    g = layers.Conv2D(filters, 1)(gate)
    s = layers.Conv2D(filters, 1)(skip)
    a = layers.Activation("relu")(layers.Add()([g, s]))
    a = layers.Conv2D(1, 1, activation="sigmoid")(a)
    return layers.Multiply()([skip, a])


def build_cnn():
    image = keras.Input((None, None, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1)(image)
    one = conv(x, 12)
    two = conv(layers.MaxPooling2D()(one), 24)
    three = conv(layers.MaxPooling2D()(two), 40)
    x = squeeze_excite(layers.Dropout(0.1)(conv(layers.MaxPooling2D()(three), 56)))
    for skip, filters in ((three, 40), (two, 24), (one, 12)):
        x = layers.Conv2DTranspose(filters, 2, strides=2, padding="same")(x)
        x = layers.Concatenate()([x, attention_gate(skip, x, max(4, filters // 2))])
        x = conv(x, filters)
    return keras.Model(image, layers.Conv2D(1, 1, activation="sigmoid")(x))
# %% task_train
def train_cnn(model, train, val):
    model.compile(keras.optimizers.Adam(0.004), loss=bce_dice_loss)
    return model.fit(
        bsds.Batches(train.images, train.masks, batch_size=4, augment=True),
        validation_data=bsds.Batches(val.images, val.masks, batch_size=8),
        epochs=1000,
        callbacks=[bsds.TimeBudget(SECONDS)],
        verbose=0,
    )
