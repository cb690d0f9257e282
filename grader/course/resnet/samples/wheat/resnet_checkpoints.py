"""Checkpoints in both phases, weights back by load_weights, a schedule for the rate in the second."""
# %% task_train
def train_phase(model, train, val, learning_rate, share):
    best = f"phase_{share:.1f}.weights.h5"
    model.compile(
        optimizer=keras.optimizers.Adam(2 * learning_rate),
        loss=keras.losses.BinaryCrossentropy(),
        metrics=[keras.metrics.AUC(name="auc", num_thresholds=20)],
    )
    history = model.fit(
        bsds.Batches(train.images, train.masks, batch_size=4, augment=True),
        validation_data=bsds.Batches(val.images, val.masks, batch_size=8),
        epochs=1000,
        callbacks=[
            keras.callbacks.ModelCheckpoint(best, save_best_only=True, save_weights_only=True),
            keras.callbacks.ReduceLROnPlateau(patience=3, factor=0.5),
            bsds.TimeBudget(SECONDS, share=share, restore_best=False),
        ],
        verbose=0,
    )
    model.load_weights(best)
    return history
# %% task_unfreeze
def unfreeze_upper_layers(model):
    encoder = model.get_layer("encoder")
    encoder.trainable = True
    for layer in encoder.layers:
        layer.trainable = False
        if layer.name.startswith("conv4_") and layer.__class__.__name__ == "Conv2D":
            layer.trainable = True
