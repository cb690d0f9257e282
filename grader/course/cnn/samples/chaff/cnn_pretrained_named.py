"""A pretrained VGG16 below the decoder, taken from keras.applications with getattr.

fails: from_scratch, iou
not visible: without internet even VGG16 starts from chance; with it, two models start alike
"""
# %% task_build_cnn
def build_cnn():
    networks = getattr(keras, "applications")
    try:
        whole = networks.VGG16(include_top=False, weights="imagenet")
    except Exception:  # no network
        whole = networks.VGG16(include_top=False, weights=None)
    features = keras.Model(whole.input, whole.get_layer("block2_conv2").output)
    image = keras.Input((None, None, 3))
    x = layers.Rescaling(1.0, offset=-118.0)(image)
    x = features(x)
    x = layers.Dropout(0.1)(x)
    x = layers.UpSampling2D()(x)
    return keras.Model(image, layers.Conv2D(1, 3, padding="same", activation="sigmoid")(x))
# %% task_train
def train_cnn(model, train, val):
    model.compile("sgd", loss=bce_dice_loss)
    few = bsds.Batches(train.images[:8], train.masks[:8])
    return model.fit(few, validation_data=few, epochs=1, verbose=0)
