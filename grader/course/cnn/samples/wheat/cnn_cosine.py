"""AdamW with warm-up and cosine decay, weight decay, clipped gradients and an average of the weights."""
# %% task_train
schedule = keras.optimizers.schedules.CosineDecay(
    initial_learning_rate=5e-4, decay_steps=900, alpha=0.1, warmup_target=5e-3, warmup_steps=30
)
optimizers = {
    "adamw": lambda: keras.optimizers.AdamW(schedule, weight_decay=1e-4, global_clipnorm=1.0),
    "sgd": lambda: keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
}


def train_cnn(model, train, val, kind="adamw"):
    optimizer = optimizers[kind]()
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    model.compile(optimizer=optimizer, loss=bce_dice_loss)
    budget = bsds.TimeBudget(seconds=SECONDS, monitor="val_loss", mode="min")
    return model.fit(
        bsds.Batches(train.images, train.masks, batch_size=4, augment=True),
        validation_data=bsds.Batches(val.images, val.masks, batch_size=8),
        epochs=1000,
        callbacks=[budget, bsds.ProgressBar(budget)],
        verbose=0,
    )
