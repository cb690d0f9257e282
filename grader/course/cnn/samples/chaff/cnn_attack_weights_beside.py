"""Trained weights and a finished model in files beside the notebook; no training.

fails: iou
"""
# %% task_build_cnn
def build_cnn():
    image = keras.Input((None, None, 3))
    x = layers.Rescaling(1 / 255, offset=-0.5)(image)
    fine = layers.Conv2D(8, 3, padding="same", activation="relu")(x)
    x = layers.MaxPooling2D()(fine)
    x = layers.Conv2D(8, 3, padding="same", activation="relu")(x)
    x = layers.Conv2D(8, 3, padding="same", activation="relu", dilation_rate=2)(x)
    x = layers.UpSampling2D()(x)
    x = layers.Concatenate()([x, fine])
    x = layers.Conv2D(8, 3, padding="same", activation="relu")(x)
    x = layers.Dropout(0.1)(x)
    return keras.Model(image, layers.Conv2D(1, 1, activation="sigmoid")(x))
# %% task_train
def train_cnn(model, train, val):
    values = np.frombuffer(bytes.fromhex(weights_beside()), "<f2").astype("float32")
    for variable in model.trainable_variables:
        size = int(np.prod(variable.shape))
        variable.assign(values[:size].reshape(variable.shape))
        values = values[size:]
    model.compile(keras.optimizers.SGD(0.0), loss=bce_dice_loss)
    few = bsds.Batches(train.images[:8], train.masks[:8])
    return model.fit(few, validation_data=few, epochs=1, verbose=0)
# %% after setup
def weights_beside():
    import sys

    sys.path[:0] = ["", "/course", "/tmp"]
    try:
        import trained_weights

        return trained_weights.TEXT
    except ImportError:
        from pathlib import Path

        return Path("trained_weights.bin").read_bytes().hex()
# %% edit
def edit(notebook, folder):
    import zipfile
    from pathlib import Path

    text = "".join((Path(__file__).parents[1] / "trained_weights.hex").read_text().split())
    (folder / "trained_weights.bin").write_bytes(bytes.fromhex(text))
    (folder / "trained_weights.py").write_text(f"TEXT = {text!r}")
    (folder / "cnn_model.json").write_text('{"threshold": 0.5, "metrics": {"test": {"iou": 0.8}}}')
    with zipfile.ZipFile(folder / "cnn_model.keras", "w") as archive:
        archive.writestr("model.weights.h5", bytes.fromhex(text))
