"""Trained weights in docstrings all over the notebook, too many for docstrings to run; no training.

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
    text = "".join(
        function.__doc__ for name, function in sorted(globals().items()) if name.startswith("about_")
    )
    values = np.resize(np.frombuffer(bytes.fromhex(text), "<f2"), 10_000).astype("float32")
    for variable in model.trainable_variables:
        size = int(np.prod(variable.shape))
        variable.assign(values[:size].reshape(variable.shape))
        values = values[size:]
    model.compile(keras.optimizers.SGD(0.0), loss=bce_dice_loss)
    few = bsds.Batches(train.images[:8], train.masks[:8])
    return model.fit(few, validation_data=few, epochs=1, verbose=0)
# %% edit
def edit(notebook, folder):
    from pathlib import Path

    text = (Path(__file__).parents[1] / "trained_weights.hex").read_text()
    for number, start in enumerate(range(0, len(text), 1900)):
        cell = {
            "cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None,
            "source": f'def about_{number:02}():\n    """{text[start:start + 1900]}"""',
        }
        notebook.cells.insert(20 - number, cell)
