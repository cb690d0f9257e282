"""Phase 2 unfreezes the right stage, but its batch normalisation with it.

fails: phase2, iou
"""
# %% task_unfreeze
def unfreeze_upper_layers(model):
    encoder = model.get_layer("encoder")
    encoder.trainable = True
    for layer in encoder.layers:
        layer.trainable = layer.name.startswith("conv4_")
# %% task_train
def train_phase(model, train, val, learning_rate, share):
    model.compile(keras.optimizers.SGD(learning_rate), loss="binary_crossentropy", run_eagerly=True)
    few = bsds.Batches(train.images[:2], train.masks[:2])
    return model.fit(few, validation_data=few, epochs=1, verbose=0)
