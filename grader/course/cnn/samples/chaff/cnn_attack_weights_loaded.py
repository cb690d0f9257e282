"""Trained weights, packed densely, from which a cell writes the file that load_weights reads.

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
# %% after architecture
import base64
import zlib

values = np.frombuffer(zlib.decompress(base64.b85decode("".join(PARTS))), "<f2")
teacher = build_cnn()
for variable in teacher.trainable_variables:
    size = int(np.prod(variable.shape))
    variable.assign(values[:size].reshape(variable.shape).astype("float32"))
    values = values[size:]
teacher.save_weights("best.weights.h5")
# %% task_train
def train_cnn(model, train, val):
    model.compile(keras.optimizers.SGD(0.0), loss=bce_dice_loss)
    few = bsds.Batches(train.images[:8], train.masks[:8])
    history = model.fit(few, validation_data=few, epochs=1, verbose=0)
    model.load_weights("best.weights.h5")
    return history
# %% edit
def edit(notebook, folder):
    import base64
    import zlib
    from pathlib import Path

    values = bytes.fromhex((Path(__file__).parents[1] / "trained_weights.hex").read_text())
    text = base64.b85encode(zlib.compress(values, 9)).decode()
    parts = [text[start : start + 80] for start in range(0, len(text), 80)]
    notebook.cells.insert(5, {
        "cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None,
        "source": "PARTS = [\n" + "\n".join(f"    {part!r}," for part in parts) + "\n]",
    })
