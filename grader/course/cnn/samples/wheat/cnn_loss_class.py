"""The loss is a registered subclass of keras.losses.Loss, which bce_dice_loss calls."""
# %% task_loss
@keras.saving.register_keras_serializable(package="boundaries")
class DiceLoss(keras.losses.Loss):
    """1 - Dice, smoothed, one value an image."""

    def __init__(self, smooth=1.0, name="dice_loss", reduction="sum_over_batch_size", **kwargs):
        super().__init__(name=name, reduction=reduction, **kwargs)
        self.smooth = smooth

    def call(self, y_true, y_pred):
        y_true = ops.reshape(y_true, (ops.shape(y_true)[0], -1))
        y_pred = ops.reshape(y_pred, (ops.shape(y_pred)[0], -1))
        intersection = ops.sum(ops.multiply(y_true, y_pred), axis=1)
        denominator = ops.add(ops.sum(y_true, axis=1), ops.sum(y_pred, axis=1))
        return 1 - (2 * intersection + self.smooth) / (denominator + self.smooth)

    def get_config(self):
        return {**super().get_config(), "smooth": self.smooth}


class BCEDiceLoss(keras.losses.Loss):
    def __init__(self, **kwargs):
        super().__init__(name="bce_dice", **kwargs)
        self.bce = keras.losses.BinaryCrossentropy(from_logits=False)
        self.dice = DiceLoss()

    def call(self, y_true, y_pred):
        return self.bce(y_true, y_pred) + self.dice(y_true, y_pred)


_loss = BCEDiceLoss()


def bce_dice_loss(y_true, y_pred):
    return _loss(ops.cast(y_true, "float32"), ops.cast(y_pred, "float32"))
# %% task_train
def train_cnn(model, train, val):
    model.compile(optimizer=keras.optimizers.Adam(0.004), loss=BCEDiceLoss())
    budget = bsds.TimeBudget(SECONDS)
    return model.fit(
        bsds.Batches(train.images, train.masks, batch_size=4, augment=True),
        validation_data=bsds.Batches(val.images, val.masks, batch_size=8),
        epochs=1000,
        callbacks=[budget, bsds.ProgressBar(budget)],
        verbose=0,
    )
