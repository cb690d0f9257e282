"""Own cells in front and between, answers moved to the end, ids cleared, metadata of many tools."""
# %% task_build_cnn
def build_cnn():
    picture = keras.Input(shape=(None, None, 3))
    scaled = layers.Rescaling(SCALE)(picture)
    fine, coarse = block(scaled, 12), block(scaled, 32, strides=2)
    for _ in range(2):
        coarse = layers.add([coarse, block(coarse, 32)])
    both = [fine, layers.UpSampling2D()(layers.SpatialDropout2D(rate=0.05)(coarse))]
    joined = block(layers.concatenate(both), 12)
    return keras.Model(picture, layers.Conv2D(1, 1, activation="sigmoid")(joined))
# %% task_train
def train_cnn(model, train, val):
    watch = bsds.TimeBudget(SECONDS)
    feeds = [
        bsds.Batches(part.images, part.masks, 4, augment=part is train) for part in (train, val)
    ]
    model.compile(loss=bce_dice_loss, optimizer=keras.optimizers.Adam(learning_rate=4e-3))
    seen = model.fit(feeds[0], validation_data=feeds[1], verbose=0, callbacks=[watch], epochs=500)
    print(f"{len(seen.epoch)} epochs")
    return seen
# %% after loss
# Draft, replaced further down.
def block(x, filters):
    return x
# %% after loss
def block(x, filters, **options):
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False, **options)(x)
    return layers.Activation("relu")(layers.BatchNormalization(momentum=0.9)(x))
# %% edit
def edit(notebook, folder):
    # Answers go to the end, where the student wrote them all; a first attempt stays behind.
    answers = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("solution")]
    for cell in answers:
        notebook.cells.remove(cell)
        draft = dict(cell, metadata=dict(cell.metadata), source="raise SystemExit('not yet')")
        notebook.cells.insert(6, draft)
    notebook.cells += answers
    first = "SCALE = 1 / 255  # before everything else"
    notebook.cells.insert(0, {"cell_type": "code", "source": first.splitlines(), "metadata": {},
                              "outputs": [{"output_type": "stream"}], "execution_count": "7"})
    notebook.cells.insert(1, {"cell_type": "raw", "source": ["my notes\n", "on this"], "metadata": {}})
    for number, cell in enumerate(notebook.cells):
        cell.pop("id", None)
        cell["metadata"] |= {"colab": {"base_uri": "x"}, "tags": ["a"], "collapsed": number % 2 == 0}
        if number % 3 == 0:
            cell["id"] = "c" if number % 2 else ""
    notebook.metadata |= {"colab": {"provenance": []}, "accelerator": "GPU", "kernelspec": {
        "name": "conda-env-tf", "display_name": "TensorFlow (ünïcode)"}}
    notebook["nbformat_minor"] = 5
    notebook["extra"] = "kept by some tool"
