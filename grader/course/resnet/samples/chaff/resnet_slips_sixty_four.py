"""A slip in every task: RGB stays RGB, one block too few, only multiples of 64 fit, one IoU for each image.

fails: preprocessing, encoder, decoder, phase1, phase2, iou, comparison
"""
# %% task_preprocess
def preprocess(images):
    return images - np.array([123.68, 116.779, 103.939], dtype="float32")
# %% task_build_encoder
def build_encoder():
    resnet = keras.applications.ResNet50(
        include_top=False, weights=None, input_shape=(None, None, 3)
    )
    names = ["conv1_relu", "conv2_block3_out", "conv3_block4_out", "conv4_block5_out"]
    features = [resnet.get_layer(name).output for name in names]
    return keras.Model(resnet.input, features, name="encoder")
# %% task_build_resnet
def build_resnet():
    image = keras.Input((None, None, 3))
    features = pretrained_encoder()(preprocess(image))
    x = layers.MaxPooling2D(4)(layers.Conv2D(16, 1)(features[3]))
    x = layers.UpSampling2D(4)(x)
    x = layers.Concatenate()([x, features[3]])
    for skip in features[2::-1]:
        x = layers.Concatenate()([layers.UpSampling2D()(x), layers.Conv2D(16, 1)(skip)])
        x = layers.Conv2D(16, 3, padding="same", activation="relu")(x)
    x = layers.UpSampling2D()(x)
    return keras.Model(image, layers.Conv2D(1, 1, activation="sigmoid")(x))
# %% task_train
# %% task_compare
def compare(masks, predictions, thresholds):
    ious = [
        (name, float(np.mean([
            bsds.foreground_iou(mask, one >= thresholds[name])
            for mask, one in zip(masks, probability)
        ])))
        for name, probability in predictions.items()
    ]
    return sorted(ious, key=lambda pair: -pair[1])
