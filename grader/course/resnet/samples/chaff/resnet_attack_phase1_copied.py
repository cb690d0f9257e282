"""Hands in the model of phase 2 as that of phase 1.

fails: phase1, iou
"""
# %% after predict_all
import shutil

shutil.copy("resnet_model.keras", "resnet_phase1.keras")
# %% task_train
def train_phase(model, train, val, learning_rate, share):
    model.compile(keras.optimizers.Adam(learning_rate), loss="binary_crossentropy", run_eagerly=True)
    few = bsds.Batches(train.images[:2], train.masks[:2])
    return model.fit(few, validation_data=few, epochs=1, verbose=0)
