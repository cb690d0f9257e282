"""Calls every pixel a boundary, whatever the image.

fails: iou
"""
# %% task_build_cnn
def build_cnn():
    image = keras.Input((None, None, 3))
    x = layers.Rescaling(1 / 255)(image)
    x = layers.Conv2D(8, 3, padding="same", activation="relu")(x)
    x = layers.Dropout(0.1)(x)
    always = keras.initializers.Constant(20.0)
    x = layers.Conv2D(1, 1, kernel_initializer="zeros", bias_initializer=always)(x)
    return keras.Model(image, layers.Activation("sigmoid")(x))
# %% task_train
def train_cnn(model, train, val):
    model.compile("sgd", loss=bce_dice_loss)
    few = bsds.Batches(train.images[:8], train.masks[:8])
    return model.fit(few, validation_data=few, epochs=1, verbose=0)
