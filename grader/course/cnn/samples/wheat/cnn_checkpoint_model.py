"""ModelCheckpoint saves whole models; the best is loaded with load_model and its weights are set."""
# %% task_train
def train_cnn(model, train, val):
    model.compile(keras.optimizers.Adam(learning_rate=4e-3), loss=bce_dice_loss)
    budget = bsds.TimeBudget(SECONDS)
    callbacks = [
        keras.callbacks.ModelCheckpoint("best_so_far.keras", save_best_only=True),
        keras.callbacks.CSVLogger("training_log.csv"),
        keras.callbacks.TerminateOnNaN(),
        budget,
        bsds.ProgressBar(budget),
    ]
    history = model.fit(
        x=bsds.Batches(train.images, train.masks, 4, augment=True),
        validation_data=bsds.Batches(val.images, val.masks, 8),
        epochs=9999,
        verbose=0,
        callbacks=callbacks,
    )
    best = keras.models.load_model(
        "best_so_far.keras", custom_objects={"bce_dice_loss": bce_dice_loss}
    )
    model.set_weights(best.get_weights())
    return history
# %% after run_training
again = keras.saving.load_model("best_so_far.keras", compile=False)
assert len(again.weights) == len(model.weights)
