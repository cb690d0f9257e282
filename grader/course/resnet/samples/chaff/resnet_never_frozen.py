"""The encoder is never frozen: freezing changes a copy.

fails: phase1, phase2, iou
"""
# %% task_freeze_encoder
def freeze_encoder(model):
    copy = keras.models.clone_model(model)
    copy.get_layer("encoder").trainable = False
# %% task_train
def train_phase(model, train, val, learning_rate, share):
    model.compile(keras.optimizers.SGD(learning_rate), loss="binary_crossentropy", run_eagerly=True)
    few = bsds.Batches(train.images[:2], train.masks[:2])
    return model.fit(few, validation_data=few, epochs=1, verbose=0)
