"""A slip in every task: means before the channels turn round, no skip connections, all frozen, batch norm thawed, the worst first.

fails: preprocessing, decoder, phase1, phase2, iou, comparison
"""
# %% task_preprocess
def preprocess(images):
    # Each mean is taken from the other channel.
    return (images - np.array([103.939, 116.779, 123.68], dtype="float32"))[..., ::-1]
# %% task_build_resnet
def build_resnet():
    image = keras.Input((None, None, 3))
    x = pretrained_encoder()(preprocess(image))[-1]
    for filters in (32, 16, 8, 8):
        x = layers.Conv2DTranspose(filters, 2, strides=2, activation="relu")(x)
    return keras.Model(image, layers.Conv2D(1, 1, activation="sigmoid")(x))
# %% task_freeze_encoder
def freeze_encoder(model):
    # The decoder, too.
    model.trainable = False
# %% task_unfreeze
def unfreeze_upper_layers(model):
    model.trainable = True
    for layer in model.get_layer("encoder").layers:
        layer.trainable = layer.name.startswith("conv4_")
# %% task_train
def train_phase(model, train, val, learning_rate, share):
    model.compile(keras.optimizers.SGD(learning_rate), loss="binary_crossentropy", run_eagerly=True)
    few = bsds.Batches(train.images[:2], train.masks[:2])
    return model.fit(few, validation_data=few, epochs=1, verbose=0)
# %% task_compare
def compare(masks, predictions, thresholds):
    ious = [
        (name, float(bsds.foreground_iou(masks, predictions[name] >= thresholds[name])))
        for name in predictions
    ]
    return sorted(ious, key=lambda pair: pair[1])
