"""A slip in every task: conv1_conv for conv1_relu, a part of conv4 only, one threshold for all methods.

fails: encoder, phase2, iou, comparison
"""
# %% task_build_encoder
def build_encoder():
    resnet = keras.applications.ResNet50(
        include_top=False, weights=None, input_shape=(None, None, 3)
    )
    names = ["conv1_conv", "conv2_block3_out", "conv3_block4_out", "conv4_block6_out"]
    features = [resnet.get_layer(name).output for name in names]
    return keras.Model(resnet.input, features, name="encoder")
# %% task_unfreeze
def unfreeze_upper_layers(model):
    # Only the last block.
    for layer in model.get_layer("encoder").layers:
        if layer.name.startswith("conv4_block6") and isinstance(layer, layers.Conv2D):
            layer.trainable = True
# %% task_train
def train_phase(model, train, val, learning_rate, share):
    model.compile(keras.optimizers.SGD(learning_rate), loss="binary_crossentropy", run_eagerly=True)
    few = bsds.Batches(train.images[:2], train.masks[:2])
    return model.fit(few, validation_data=few, epochs=1, verbose=0)
# %% task_compare
def compare(masks, predictions, thresholds):
    threshold = np.mean(list(thresholds.values()))
    ious = [
        (name, float(bsds.foreground_iou(masks, probability >= threshold)))
        for name, probability in predictions.items()
    ]
    return sorted(ious, key=lambda pair: -pair[1])
