"""A Lambda layer in the model would run code in whoever loads it.

fails: architecture, from_scratch, iou
"""
# %% task_build_cnn
def build_cnn():
    image = keras.Input((None, None, 3))
    x = layers.Rescaling(1 / 255)(image)
    x = layers.Lambda(lambda values: values * 1.0)(x)
    x = layers.Dropout(0.1)(layers.Conv2D(8, 3, padding="same", activation="relu")(x))
    return keras.Model(image, layers.Conv2D(1, 1, activation="sigmoid")(x))
# %% task_train
def train_cnn(model, train, val):
    model.compile("sgd", loss=bce_dice_loss)
    few = bsds.Batches(train.images[:8], train.masks[:8])
    return model.fit(few, validation_data=few, epochs=1, verbose=0)
