"""A plain keras.Sequential without any branch, three pixels apart inside and refined at the end."""
# %% task_build_cnn
def build_cnn():
    model = keras.Sequential(name="plain")
    model.add(keras.Input((None, None, 3)))
    model.add(layers.Rescaling(1 / 255))
    model.add(layers.Conv2D(32, 5, strides=2, padding="same", activation="relu"))
    for dilation in (1, 2, 3):
        model.add(layers.Conv2D(32, 3, dilation_rate=dilation, padding="same", use_bias=False))
        model.add(layers.BatchNormalization(momentum=0.9))
        model.add(layers.Activation("elu"))
    model.add(layers.Dropout(0.1))
    model.add(layers.Conv2DTranspose(16, 4, strides=2, padding="same", activation="relu"))
    model.add(layers.Conv2D(1, 3, padding="same", activation="sigmoid"))
    return model
# %% task_test_report
def test_report(probabilities, masks, threshold):
    predicted = (probabilities["test"] >= threshold).astype(np.uint8)
    return scores(truth=masks["test"], prediction=predicted)
