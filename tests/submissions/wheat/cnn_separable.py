"""Separable convolutions with group normalisation in a residual net at half resolution."""
# %% task_build_cnn
def build_cnn():
    image = keras.Input((None, None, 3))
    x = layers.Rescaling(1 / 255)(image)
    fine = layers.Conv2D(16, 3, padding="same", activation="relu")(x)
    x = layers.Conv2D(40, 3, strides=2, padding="same")(fine)
    for dilation in (1, 2, 4, 1):
        y = layers.GroupNormalization(groups=8)(x)
        y = layers.Activation("relu")(y)
        y = layers.SeparableConv2D(40, 3, dilation_rate=dilation, padding="same")(y)
        x = x + y
    x = layers.GroupNormalization(groups=4)(x)
    x = layers.SpatialDropout2D(0.05)(x)
    x = layers.UpSampling2D(interpolation="nearest")(x)
    x = layers.Concatenate()([x, fine])
    x = layers.Conv2D(16, 3, padding="same", activation="relu")(x)
    return keras.Model(image, layers.Conv2D(1, 1, activation="sigmoid")(x))
