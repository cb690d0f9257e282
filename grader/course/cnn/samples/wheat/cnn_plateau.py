"""Two learning-rate callbacks: a warm-up by LearningRateScheduler, then ReduceLROnPlateau."""
# %% task_train
HIGHEST = 0.004


def warm_up(epoch, rate):
    return HIGHEST * min(1.0, (epoch + 1) / 2) if epoch < 2 else rate


def train_cnn(model, train, val, **options):
    model.compile("adam", bce_dice_loss, metrics=[keras.metrics.BinaryIoU(target_class_ids=[1])])
    batches = [
        bsds.Batches(arrays.images, arrays.masks, batch_size=size, augment=augment)
        for arrays, size, augment in ((train, 4, True), (val, 8, False))
    ]
    callbacks = [
        keras.callbacks.LearningRateScheduler(warm_up),
        keras.callbacks.ReduceLROnPlateau(factor=0.5, patience=6, min_lr=2e-4),
        bsds.TimeBudget(SECONDS),
    ]
    return model.fit(
        batches[0], validation_data=batches[1], epochs=400, callbacks=callbacks, verbose=2
    )
