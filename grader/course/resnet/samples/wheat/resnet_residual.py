"""A decoder of residual blocks from a shared cell, a schedule for the learning rate, and much in lambdas."""
# %% after load_data
from functools import partial, reduce

conv = partial(layers.Conv2D, padding="same", use_bias=False, kernel_initializer="he_normal")


def normalised(x):
    return layers.ReLU()(layers.BatchNormalization(momentum=0.85)(x))


class Residual:
    """Builds layers; is none itself, so that the model holds built-in layers only."""

    def __init__(self, filters):
        self.filters = filters

    def __call__(self, x):
        y = normalised(conv(self.filters, 3)(x))
        y = layers.BatchNormalization(momentum=0.85)(conv(self.filters, 3)(y))
        x = x if x.shape[-1] == self.filters else conv(self.filters, 1)(x)
        return layers.ReLU()(layers.add([x, y]))
# %% task_preprocess
def preprocess(images):
    blue, green, red = (images[..., c : c + 1] for c in (2, 1, 0))
    return ops.concatenate([blue - 103.939, green - 116.779, red - 123.68], axis=-1)
# %% task_build_resnet
def build_resnet():
    image = keras.Input((None, None, 3), name="photograph")
    features = pretrained_encoder()(preprocess(image))
    pixels = normalised(conv(12, 3)(layers.Rescaling(1 / 255)(image)))
    lateral = [normalised(conv(n, 1)(f)) for n, f in zip((16, 24, 32, 32), features)]
    climb = lambda x, skip: Residual(skip.shape[-1])(
        layers.concatenate([layers.UpSampling2D()(x), skip])
    )
    x = layers.UpSampling2D()(reduce(climb, lateral[2::-1], lateral[3]))
    x = normalised(conv(12, 3)(layers.concatenate([x, pixels])))
    return keras.Model(image, layers.Conv2D(
        1, 1, activation="sigmoid", bias_initializer=keras.initializers.Constant(-1.2),
    )(x))
# %% task_freeze_encoder
def encoder_of(model):
    return next(layer for layer in model.layers if isinstance(layer, keras.Model))


def freeze_encoder(model):
    encoder_of(model).trainable = False
# %% task_unfreeze
def unfreeze_upper_layers(model):
    encoder = encoder_of(model)
    encoder.trainable = True
    chosen = {layer for layer in encoder.layers
              if layer.name.startswith("conv4_") and isinstance(layer, layers.Conv2D)}
    for layer in set(encoder.layers) - chosen:
        layer.trainable = False
# %% task_train
%%time
def train_phase(model, train, val, learning_rate, share):
    schedule = keras.optimizers.schedules.CosineDecay(2 * learning_rate, 600, alpha=0.3)
    model.compile(keras.optimizers.Adam(schedule), loss=keras.losses.BinaryCrossentropy())
    budget = bsds.TimeBudget(SECONDS, share=share)
    return model.fit(
        bsds.Batches(train.images, train.masks, batch_size=2, augment=True),
        validation_data=bsds.Batches(val.images, val.masks, batch_size=8),
        epochs=1000, callbacks=[budget], verbose=0,
    )
# %% task_compare
def compare(masks, predictions, thresholds):
    iou = lambda name: float(bsds.foreground_iou(masks, predictions[name] >= thresholds[name]))
    return sorted(((name, iou(name)) for name in predictions), key=lambda pair: pair[1])[::-1]
