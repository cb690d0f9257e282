"""EarlyStopping with restore_best_weights beside the budget, and a callback of its own."""
# %% task_train
class Best(keras.callbacks.Callback):
    """Remember the best epoch, for the curious."""

    def on_train_begin(self, logs=None):
        self.values = []

    def on_epoch_end(self, epoch, logs=None):
        self.values.append((logs or {}).get("val_loss", np.inf))


def train_cnn(model, train, val):
    model.compile(loss=bce_dice_loss, optimizer=keras.optimizers.Adam(0.004, clipnorm=1.0))
    best = Best()
    history = model.fit(
        bsds.Batches(train.images, train.masks, batch_size=4, augment=True),
        validation_data=bsds.Batches(val.images, val.masks, batch_size=8),
        epochs=500,
        verbose=0,
        callbacks=[
            best,
            keras.callbacks.EarlyStopping(
                monitor="val_loss", patience=60, restore_best_weights=True
            ),
            bsds.TimeBudget(SECONDS, restore_best=False),
        ],
    )
    print("best epoch:", int(np.argmin(best.values)) + 1, "of", len(best.values))
    return history
