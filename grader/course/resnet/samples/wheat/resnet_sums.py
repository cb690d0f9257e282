"""Another decoder: sums instead of concatenation, transposed and bilinear upsampling."""
# %% task_build_encoder
def build_encoder():
    whole = keras.applications.ResNet50(
        include_top=False, weights=None, input_tensor=keras.Input((None, None, 3))
    )
    wanted = ("conv1_relu", "conv2_block3_out", "conv3_block4_out", "conv4_block6_out")
    return keras.Model(whole.inputs, [whole.get_layer(name).output for name in wanted])
# %% task_build_resnet
def build_resnet():
    def normalised(x):
        return layers.Activation("relu")(layers.BatchNormalization(momentum=0.9)(x))

    image = keras.Input((None, None, 3))
    encoder = pretrained_encoder()
    encoder.name = "backbone"
    *finer, x = encoder(preprocess(image))
    x = normalised(layers.Conv2D(32, 1)(x))
    for skip in finer[::-1]:
        x = layers.Conv2DTranspose(32, 2, strides=2)(x)
        x = normalised(layers.Add()([x, layers.Conv2D(32, 1)(skip)]))
    x = normalised(layers.Conv2D(16, 3, padding="same")(x))
    x = layers.UpSampling2D(interpolation="bilinear")(x)
    pixels = layers.Conv2D(16, 3, padding="same")(layers.Rescaling(1 / 255)(image))
    x = layers.Add()([x, normalised(pixels)])
    x = normalised(layers.Conv2D(12, 3, padding="same")(x))
    return keras.Model(image, layers.Conv2D(1, 1, activation="sigmoid")(x))
# %% task_freeze_encoder
def freeze_encoder(model):
    for layer in model.get_layer("backbone").layers:
        layer.trainable = False
# %% task_unfreeze
def unfreeze_upper_layers(model):
    for layer in model.get_layer("backbone").layers:
        if "conv4_" in layer.name and not isinstance(
            layer, (layers.BatchNormalization, layers.Activation, layers.Add)
        ):
            layer.trainable = True
# %% task_train
def train_phase(model, train, val, learning_rate, share):
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate=2 * learning_rate, clipnorm=1.0),
        loss=keras.losses.BinaryCrossentropy(),
        metrics=["accuracy"],
    )
    budget = bsds.TimeBudget(SECONDS, share=share)
    return model.fit(
        bsds.Batches(train.images, train.masks, batch_size=4, augment=True),
        validation_data=bsds.Batches(val.images, val.masks, batch_size=8),
        epochs=300,
        callbacks=[budget],
        verbose=0,
    )
