"""Written on Kaggle: the boilerplate of its notebooks, its folders, its metadata."""
# %% after install
# This Python 3 environment comes with many helpful analytics libraries installed
# For example, here's several helpful packages to load

import numpy as np  # linear algebra

# Input data files are available in the read-only "../input/" directory
import os

for dirname, _, filenames in os.walk("/kaggle/input"):
    for filename in filenames:
        print(os.path.join(dirname, filename))

# You can write up to 20GB to the current directory (/kaggle/working/)
# %% after setup
import gc
import glob
import multiprocessing
import random
import urllib.request

KAGGLE = bool(os.environ.get("KAGGLE_KERNEL_RUN_TYPE"))
WORKING = "/kaggle/working" if os.path.isdir("/kaggle/working") else os.getcwd()
print(multiprocessing.cpu_count(), "cores,", len(glob.glob("../input/*")), "data sets")


def seed_all(seed=42):
    random.seed(seed)
    np.random.seed(seed)
    os.environ["PYTHONHASHSEED"] = str(seed)
    keras.utils.set_random_seed(seed)


seed_all()


class CFG:
    lr = 4e-3
    batch = 4
    epochs = 1000
    debug = False
# %% task_build_cnn
def conv_bn_act(x, filters, kernel=3, act="swish"):
    x = layers.Conv2D(filters, kernel, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization(momentum=0.9)(x)
    return layers.Activation(act)(x)


def build_cnn(widths=(12, 24, 48), drop=0.05):
    inp = layers.Input((None, None, 3))
    x = layers.Rescaling(1.0 / 255)(inp)
    feats = []
    for w in widths:
        x = conv_bn_act(x, w)
        feats.append(x)
        x = layers.AveragePooling2D(2)(x)
    x = layers.Dropout(drop)(conv_bn_act(x, 2 * widths[-1]))
    for f in feats[::-1]:
        x = layers.UpSampling2D()(x)
        x = conv_bn_act(layers.Concatenate()([x, f]), f.shape[-1])
    out = layers.Conv2D(1, 1, activation="sigmoid")(x)
    return keras.Model(inp, out)
# %% task_train
def train_cnn(model, train, val):
    gc.collect()
    model.compile(optimizer=keras.optimizers.Adam(CFG.lr), loss=bce_dice_loss)
    cbs = [bsds.TimeBudget(SECONDS)]
    hist = model.fit(
        bsds.Batches(train.images, train.masks, CFG.batch, augment=not CFG.debug),
        validation_data=bsds.Batches(val.images, val.masks, CFG.batch * 2),
        epochs=CFG.epochs, callbacks=cbs, verbose=0,
    )
    del cbs
    gc.collect()
    return hist
# %% edit
def edit(notebook, folder):
    notebook.metadata["kaggle"] = {
        "accelerator": "nvidiaTeslaT4", "dataSources": [{"sourceId": 1, "sourceType": "datasetVersion"}],
        "dockerImageVersionId": 30_000, "isGpuEnabled": True, "isInternetEnabled": False,
        "language": "python", "sourceType": "notebook"}
    for cell in notebook.cells:
        if cell["cell_type"] == "code":
            cell["metadata"]["execution"] = {"iopub.status.busy": "2026-05-01T10:00:00Z"}
            cell["metadata"]["trusted"] = True
            cell["metadata"]["_kg_hide-input"] = False
