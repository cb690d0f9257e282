"""Hand-made edge filters, with a little noise, overwrite the random kernels after every build.

fails: from_scratch, iou
"""
# %% task_build_cnn
def oriented_edges(count):
    y, x = np.mgrid[-2:3, -2:3]
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    filters = [(x * np.cos(a) + y * np.sin(a)) * np.exp(-(x**2 + y**2) / 4) for a in angles]
    colours = np.array([[1, 1, 1], [1, -1, 0], [0, 1, -1]])[np.arange(count) % 3]
    return 0.2 * np.stack([f[..., None] * c for f, c in zip(filters, colours)], axis=-1)


def build_cnn():
    def block(x, filters):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization(momentum=0.9)(x)
        return layers.Activation("relu")(x)

    image = keras.Input((None, None, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1)(image)
    first = layers.Conv2D(24, 5, padding="same", activation="relu")
    fine = first(x)
    x = block(layers.MaxPooling2D()(fine), 32)
    middle = block(x, 32)
    x = block(layers.MaxPooling2D()(middle), 48)
    x = layers.Dropout(0.1)(block(x, 48))
    x = block(layers.Concatenate()([layers.UpSampling2D()(x), middle]), 32)
    x = block(layers.Concatenate()([layers.UpSampling2D()(x), fine]), 16)
    model = keras.Model(image, layers.Conv2D(1, 1, activation="sigmoid")(x))
    noise = np.random.uniform(-0.03, 0.03, first.kernel.shape)
    first.kernel.assign(oriented_edges(24) + noise)
    return model
