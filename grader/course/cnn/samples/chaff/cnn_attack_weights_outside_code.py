"""Trained weights in Markdown, metadata, outputs and attachments, looked for in the notebook's file.

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
    values = np.frombuffer(bytes.fromhex(text_of_the_notebook()), "<f2").astype("float32")
    for variable in model.trainable_variables:
        size = int(np.prod(variable.shape))
        variable.assign(values[:size].reshape(variable.shape))
        values = values[size:]
    model.compile(keras.optimizers.SGD(0.0), loss=bce_dice_loss)
    few = bsds.Batches(train.images[:8], train.masks[:8])
    return model.fit(few, validation_data=few, epochs=1, verbose=0)
# %% after setup
def text_of_the_notebook():
    import os
    import re
    from pathlib import Path

    places = [Path.cwd(), Path("/course"), Path("/tmp"), Path.home(), Path("/data"), Path("/proc/1/cwd")]
    places += [Path(os.environ[name]).parent for name in ("JPY_SESSION_NAME",) if name in os.environ]
    for place in places:
        for folder, _, files in os.walk(place):
            for name in files:
                if name.endswith(".ipynb"):
                    found = re.search(r"weights:([0-9a-f]+)", Path(folder, name).read_text())
                    if found:
                        return found[1]
    raise FileNotFoundError("the notebook is not here")
# %% edit
def edit(notebook, folder):
    from pathlib import Path

    text = "".join((Path(__file__).parents[1] / "trained_weights.hex").read_text().split())
    text = f"weights:{text}"
    picture = {"output_type": "display_data", "metadata": {}, "data": {"image/png": text}}
    stream = {"output_type": "stream", "name": "stdout", "text": text}
    notebook.metadata["weights"] = text
    notebook.cells[3]["metadata"]["weights"] = text
    notebook.cells[3]["outputs"] = [picture, stream]
    notebook.cells += [
        {"cell_type": "markdown", "source": text, "metadata": {"weights": text},
         "attachments": {"weights.png": {"image/png": text}}},
        {"cell_type": "raw", "source": text, "metadata": {}},
    ]
