"""A training loop of its own in a class, names in several alphabets, everything in timed cells."""
# %% after setup
%load_ext autoreload
%autoreload 0
import dataclasses
import time
# %% task_agreement
%%time
def annotator_agreement(boundaries):
    Σ, А = boundaries.sum(axis=0), len(boundaries)
    return (Σ / А).astype("float32")
# %% task_loss
%%time
ε = 1e-7


def bce_dice_loss(y_true, y_pred):
    t, p̂ = ops.cast(y_true, "float32"), ops.clip(y_pred, ε, 1 - ε)
    предсказано = -ops.mean(t * ops.log(p̂) + (1 - t) * ops.log1p(-p̂))
    Σ = lambda x: ops.sum(x, axis=(1, 2, 3))
    重なり = (2 * Σ(t * y_pred) + 1) / (Σ(t) + Σ(y_pred) + 1)
    return предсказано + 1 - ops.mean(重なり)
# %% task_build_cnn
def build_cnn():
    def 畳(x, n, **wie):
        x = layers.Conv2D(n, 3, padding="same", use_bias=False, **wie)(x)
        return layers.Activation("gelu")(layers.BatchNormalization(momentum=0.9)(x))

    größe = keras.Input((None, None, 3), name="bild")
    fein = 畳(layers.Rescaling(1 / 255)(größe), 12)
    grob = 畳(畳(fein, 32, strides=2), 48, strides=2)
    grob = layers.Dropout(0.05)(畳(grob, 48, dilation_rate=2))
    x = layers.Concatenate()([layers.UpSampling2D(4)(grob), fein])
    return keras.Model(größe, layers.Conv2D(1, 1, activation="sigmoid")(畳(x, 16)))
# %% task_train
import tensorflow as tf


@dataclasses.dataclass
class Trainer:
    """Descends by hand, and keeps the best weights itself."""

    model: keras.Model
    rate: float = 0.004

    def __post_init__(self):
        self.optimizer = keras.optimizers.Adam(self.rate)
        self.history = keras.callbacks.History()
        self.history.history = {"loss": [], "val_loss": []}

    @property
    def step(self):
        @tf.function(reduce_retracing=True)
        def step(images, masks):
            with tf.GradientTape() as tape:
                loss = bce_dice_loss(masks, self.model(images, training=True))
            gradients = tape.gradient(loss, self.model.trainable_variables)
            self.optimizer.apply_gradients(zip(gradients, self.model.trainable_variables))
            return loss

        return step

    def fit(self, train, val, budget):
        step, best, began = self.step, (np.inf, None), time.monotonic()
        budget.set_model(self.model)
        budget.on_train_begin()
        while budget.remaining > 0.1 * budget.seconds:
            losses = []
            for number in range(len(train)):
                losses.append(float(step(*map(tf.constant, train[number]))))
                if budget.remaining < 0.05 * budget.seconds:
                    break
            validated = float(np.mean([
                bce_dice_loss(masks, self.model(images, training=False))
                for images, masks in (val[number] for number in range(len(val)))
            ]))
            self.history.history["loss"].append(float(np.mean(losses)))
            self.history.history["val_loss"].append(validated)
            if validated < best[0]:
                best = validated, self.model.get_weights()
            train.on_epoch_begin()
        for variable, value in zip(self.model.weights, best[1]):
            variable.assign(value)
        print(f"{time.monotonic() - began:.0f} s")
        return self.history


def train_cnn(model, train, val):
    return Trainer(model).fit(
        bsds.Batches(train.images, train.masks, batch_size=4, augment=True),
        bsds.Batches(val.images, val.masks, batch_size=8),
        bsds.TimeBudget(SECONDS),
    )
# %% after run_training
%timeit -n 1 -r 1 model(np.zeros((1, 64, 64, 3), "float32"))
