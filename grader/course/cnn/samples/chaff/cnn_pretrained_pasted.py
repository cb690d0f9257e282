"""Trained weights, pasted as one piece of text, overwrite the random ones; no training.

fails: from_scratch, iou
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
    values = np.frombuffer(bytes.fromhex(WEIGHTS), "<f2").astype("float32")
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
    task = next(cell for cell in notebook.cells if "def train_cnn" in cell.source)
    task.source = f'WEIGHTS = """\n{text}"""\n\n\n{task.source}'
