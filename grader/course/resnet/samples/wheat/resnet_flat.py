"""The encoder's layers lie flat in the model instead of in a nested one; preprocessing is a layer."""
# %% task_preprocess
def preprocess(images):
    mean = ops.convert_to_tensor([103.939, 116.779, 123.68], dtype="float32")
    return ops.flip(images, axis=-1) - mean
# %% task_build_resnet
def build_resnet():
    def conv(x, filters, size=3):
        x = layers.Conv2D(filters, size, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization(momentum=0.9)(x)
        return layers.Activation("relu")(x)

    encoder = pretrained_encoder()
    image = keras.Input((None, None, 3), name="rgb")
    features = clone_onto(encoder, preprocess(image))
    x = conv(features[3], 48, 1)
    for skip, filters in zip(features[2::-1], (48, 32, 24)):
        x = layers.UpSampling2D()(x)
        x = conv(layers.Concatenate()([x, conv(skip, filters, 1)]), filters)
    fine = conv(layers.Rescaling(1 / 255)(image), 12)
    x = conv(layers.Concatenate()([layers.UpSampling2D()(x), fine]), 12)
    return keras.Model(image, layers.Conv2D(1, 1, activation="sigmoid")(x))


def clone_onto(encoder, tensor):
    """Call every layer of the encoder again, one by one, on another input."""
    tensors = {id(encoder.inputs[0]): tensor}
    for layer in encoder.layers[1:]:
        node = layer._inbound_nodes[0]
        inputs = [tensors[id(given)] for given in node.input_tensors]
        tensors[id(node.output_tensors[0])] = layer(inputs if len(inputs) > 1 else inputs[0])
    return [tensors[id(feature)] for feature in encoder.outputs]
# %% task_freeze_encoder
def is_encoders(layer):
    return layer.name.startswith(("conv1_", "conv2_", "conv3_", "conv4_", "pool1_"))


def freeze_encoder(model):
    for layer in model.layers:
        layer.trainable = not is_encoders(layer)
# %% task_unfreeze
def unfreeze_upper_layers(model):
    for layer in model.layers:
        if layer.name.startswith("conv4_") and type(layer) is layers.Conv2D:
            layer.trainable = True
# %% task_compare
def compare(masks, predictions, thresholds):
    table = []
    for name in predictions:
        mask = predictions[name] >= thresholds[name]
        both, either = (mask & (masks == 1)).sum(), (mask | (masks == 1)).sum()
        table.append((name, float(both / either)))
    table.sort(key=lambda row: -row[1])
    return table
# %% task_train
def train_phase(model, train, val, learning_rate, share):
    model.compile(keras.optimizers.Adam(2 * learning_rate), loss="binary_crossentropy")
    budget = bsds.TimeBudget(SECONDS, share=share)
    return model.fit(
        bsds.Batches(train.images, train.masks, batch_size=4, augment=True),
        validation_data=bsds.Batches(val.images, val.masks, batch_size=8),
        epochs=1000,
        callbacks=[budget, bsds.ProgressBar(budget)],
        verbose=0,
    )
