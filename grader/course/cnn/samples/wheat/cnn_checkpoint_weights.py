"""The textbook recipe: ModelCheckpoint keeps the best weights in a file, load_weights takes them back."""
# %% task_train
CHECKPOINT = "checkpoints/best.weights.h5"


def train_cnn(model, train, val):
    from pathlib import Path

    Path(CHECKPOINT).parent.mkdir(exist_ok=True)
    model.compile(optimizer="adam", loss=bce_dice_loss)
    model.optimizer.learning_rate = 0.004
    budget = bsds.TimeBudget(SECONDS, restore_best=False)
    saver = keras.callbacks.ModelCheckpoint(
        CHECKPOINT, monitor="val_loss", save_best_only=True, save_weights_only=True, verbose=0
    )
    history = model.fit(
        bsds.Batches(train.images, train.masks, batch_size=4, augment=True),
        validation_data=bsds.Batches(val.images, val.masks, batch_size=8),
        epochs=1000,
        callbacks=[saver, budget],
        verbose=0,
    )
    if Path(CHECKPOINT).exists():
        model.load_weights(CHECKPOINT)
    return history
