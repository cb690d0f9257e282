"""Auf Deutsch: der Verlauf wird gepickelt und gezeichnet, Zeit und Speicher werden gemessen."""
# %% after setup
import os
import pickle
import resource
import time
from pathlib import Path

import matplotlib.pyplot as plt

plt.rcParams["figure.figsize"] = (6, 4)
plt.rcParams["axes.grid"] = True
ABLAGE = Path("verlauf.pkl")
kerne = os.cpu_count()  # nur zur Information
# %% task_train
# Das Netz lernt, bis die Zeit um ist; danach zählen die besten Gewichte.
def train_cnn(model, train, val):
    beginn = time.perf_counter()
    model.compile(optimizer=keras.optimizers.Adam(learning_rate=0.004), loss=bce_dice_loss)
    verlauf = model.fit(
        bsds.Batches(train.images, train.masks, batch_size=4, augment=True),
        validation_data=bsds.Batches(val.images, val.masks, batch_size=8),
        epochs=1000,
        callbacks=[bsds.TimeBudget(SECONDS)],
        verbose=0,
    )
    dauer = time.perf_counter() - beginn
    speicher = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{dauer:.0f} Sekunden, höchstens {speicher:.0f} MB, {kerne} Kerne")
    return verlauf
# %% after run_training
# Verlauf sichern, damit ich ihn später mit anderen vergleichen kann.
with open(ABLAGE, "wb") as datei:
    pickle.dump(history.history, datei)
with open(ABLAGE, "rb") as datei:
    gelesen = pickle.load(datei)
assert gelesen.keys() == history.history.keys()
# %% after run_training
figur, (links, rechts) = plt.subplots(1, 2, figsize=(9, 3.5))
links.plot(gelesen["loss"], label="Training")
links.plot(gelesen["val_loss"], label="Validierung")
links.set(xlabel="Epoche", ylabel="Verlust", yscale="log")
links.legend()
gewichte = np.concatenate([w.numpy().ravel() for w in model.trainable_weights])
rechts.hist(gewichte, bins=60, color="tab:orange")
rechts.set_title("Gewichte")
figur.tight_layout()
figur.savefig("verlauf.png", dpi=80)
plt.show()
# %% after show_failures
for nummer in range(2):
    plt.figure()
    plt.imshow(probabilities["test"][nummer, ..., 0], cmap="magma", vmin=0, vmax=1)
    plt.title(f"Bild {nummer}")
    plt.axis("off")
plt.show()
