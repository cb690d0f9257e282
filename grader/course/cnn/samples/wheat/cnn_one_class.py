"""Everything of the network in one class: build, train, save and restore, of which build_cnn uses one."""
# %% task_build_cnn
class BoundaryNet:
    """A network and what one does with it."""

    path = "boundary_net.weights.h5"

    def __init__(self, widths=(8, 16, 32), drop=0.1):
        self.widths, self.drop = list(widths), drop
        self.model = self._build()

    def _block(self, x, width, times=2):
        for _ in range(times):
            x = layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
            x = layers.BatchNormalization(momentum=0.9)(x)
            x = layers.Activation("relu")(x)
        return x

    def _build(self):
        x = image = keras.Input((None, None, 3))
        x, skips = layers.Rescaling(1 / 255)(x), []
        for width in self.widths:
            x = self._block(x, width, times=1)
            skips.append(x)
            x = layers.MaxPooling2D()(x)
        x = layers.SpatialDropout2D(self.drop)(self._block(x, 2 * self.widths[-1]))
        for width, skip in zip(self.widths[::-1], skips[::-1]):
            x = layers.Concatenate()([layers.UpSampling2D()(x), skip])
            x = self._block(x, width, times=1)
        return keras.Model(image, layers.Conv2D(1, 1, activation="sigmoid")(x))

    def save(self):
        self.model.save_weights(self.path)

    def restore(self):
        self.model.load_weights(self.path)
        return self

    @classmethod
    def from_file(cls, path):
        net = cls()
        net.model.set_weights(keras.models.load_model(path).get_weights())
        return net


def build_cnn():
    return BoundaryNet().model
# %% task_train
def train_cnn(model, train, val):
    model.compile(keras.optimizers.Nadam(0.004), loss=bce_dice_loss)
    return model.fit(
        bsds.Batches(train.images, train.masks, batch_size=4, augment=True),
        validation_data=bsds.Batches(val.images, val.masks, batch_size=8),
        epochs=1000,
        callbacks=[bsds.TimeBudget(SECONDS)],
        verbose=0,
    )
