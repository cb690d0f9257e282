"""A dilated net: one early stride, then dilations instead of further pooling."""
# %% task_build_cnn
def build_cnn():
    image = keras.Input(shape=(None, None, 3))
    x = layers.Rescaling(1 / 255)(image)
    x = layers.Conv2D(24, 5, strides=2, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization(momentum=0.9)(x)
    x = layers.Activation("relu")(x)
    for dilation in (1, 2, 4, 8, 1):
        y = layers.Conv2D(24, 3, padding="same", dilation_rate=dilation, use_bias=False)(x)
        y = layers.BatchNormalization(momentum=0.9)(y)
        y = layers.Activation("relu")(y)
        x = layers.Add()([x, y])
    x = layers.SpatialDropout2D(0.05)(x)
    x = layers.UpSampling2D(2)(x)
    x = layers.Conv2D(16, 3, padding="same", activation="relu")(x)
    return keras.Model(image, layers.Conv2D(1, 3, padding="same", activation="sigmoid")(x))
