"""A small network of its own whose layers are called like ResNet50's.

fails: encoder, phase1, phase2, iou
"""
# %% task_build_encoder
def build_encoder():
    image = keras.Input((None, None, 3))
    x = layers.ZeroPadding2D(3, name="conv1_pad")(image)
    x = layers.Conv2D(64, 7, strides=2, name="conv1_conv")(x)
    features = [layers.Activation("relu", name="conv1_relu")(x)]
    for stage, (filters, last) in enumerate([(256, 3), (512, 4), (1024, 6)], start=2):
        x = layers.Conv2D(filters, 1, strides=2, name=f"conv{stage}_block1_1_conv")(features[-1])
        features.append(layers.Activation("relu", name=f"conv{stage}_block{last}_out")(x))
    return keras.Model(image, features, name="encoder")
# %% task_build_resnet
def build_resnet():
    image = keras.Input((None, None, 3))
    *finer, x = build_encoder()(preprocess(image))
    for skip in finer[::-1]:
        x = layers.UpSampling2D()(layers.Conv2D(16, 1)(x))
        x = layers.Concatenate()([x, layers.Conv2D(16, 1)(skip)])
    x = layers.UpSampling2D()(x)
    return keras.Model(image, layers.Conv2D(1, 3, padding="same", activation="sigmoid")(x))
# %% task_train
def train_phase(model, train, val, learning_rate, share):
    model.compile(keras.optimizers.Adam(learning_rate), loss="binary_crossentropy", run_eagerly=True)
    few = bsds.Batches(train.images[:2], train.masks[:2])
    return model.fit(few, validation_data=few, epochs=1, verbose=0)
