"""Not fully convolutional: a Dense layer looks at the whole image, so only 168 x 168 works.

fails: architecture, iou
"""
# %% task_build_cnn
def build_cnn():
    image = keras.Input((SIZE, SIZE, 3))
    x = layers.Rescaling(1 / 255)(image)
    fine = layers.Conv2D(8, 3, padding="same", activation="relu")(x)
    x = layers.AveragePooling2D(12)(fine)
    x = layers.Conv2D(2, 1, activation="relu")(x)
    x = layers.Dropout(0.1)(layers.Flatten()(x))
    x = layers.Dense(14 * 14, activation="relu")(x)
    x = layers.UpSampling2D(12)(layers.Reshape((14, 14, 1))(x))
    x = layers.Concatenate()([x, fine])
    return keras.Model(image, layers.Conv2D(1, 1, activation="sigmoid")(x))
# %% task_train
def train_cnn(model, train, val):
    model.compile("sgd", loss=bce_dice_loss)
    few = bsds.Batches(train.images[:8], train.masks[:8])
    return model.fit(few, validation_data=few, epochs=1, verbose=0)
