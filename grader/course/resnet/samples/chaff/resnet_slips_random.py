"""Builds on the encoder without its weights, does not preprocess, and forgets to return the comparison.

fails: preprocessing, encoder, phase1, phase2, iou, comparison
"""
# %% task_build_resnet
def build_resnet():
    image = keras.Input((None, None, 3))
    features = build_encoder()(layers.Rescaling(1 / 255)(image))
    x = layers.Conv2D(16, 1)(features[3])
    for skip in features[2::-1]:
        x = layers.Concatenate()([layers.UpSampling2D()(x), layers.Conv2D(16, 1)(skip)])
        x = layers.Conv2D(16, 3, padding="same", activation="relu")(x)
    x = layers.UpSampling2D()(x)
    return keras.Model(image, layers.Conv2D(1, 1, activation="sigmoid")(x))
# %% task_train
def train_phase(model, train, val, learning_rate, share):
    model.compile(keras.optimizers.SGD(learning_rate), loss="binary_crossentropy", run_eagerly=True)
    few = bsds.Batches(train.images[:2], train.masks[:2])
    return model.fit(few, validation_data=few, epochs=1, verbose=0)
# %% task_compare
def compare(masks, predictions, thresholds):
    ious = {
        name: float(bsds.foreground_iou(masks, probability >= thresholds[name]))
        for name, probability in predictions.items()
    }
    sorted(ious.items(), key=lambda pair: -pair[1])
