"""Helpers in cells of the student's own, magics, shell commands and notes between the tasks."""
# %% after setup
%matplotlib inline
import functools
from typing import Final

WIDTHS: Final = (8, 24, 40)
# %% after task_agreement
%time annotator_agreement(np.ones((2, 3, 3), bool))
!true
files = !echo one two
assert files == ["one two"]
# %% task_loss
def overlap(a, b, smooth=1.0):
    pixels = functools.partial(ops.sum, axis=(1, 2, 3))
    return (2 * pixels(a * b) + smooth) / (pixels(a) + pixels(b) + smooth)


def bce_dice_loss(y_true, y_pred):
    p = ops.clip(y_pred, 1e-7, 1 - 1e-7)
    likelihood = ops.where(y_true > 0.5, p, 1 - p)
    return ops.mean(1 - overlap(y_true, y_pred)) - ops.mean(ops.log(likelihood))
# %% after task_loss
%%timeit -n 1 -r 1
sum(range(10))
# %% after loss
def block(x, filters):
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization(momentum=0.9)(x)
    return layers.Activation("relu")(x)
# %% task_build_cnn
def build_cnn():
    image = keras.Input((None, None, 3))
    x, skips = layers.Rescaling(1 / 255)(image), []
    for filters in WIDTHS:
        x = block(x, filters)
        skips.append(x)
        x = layers.MaxPooling2D()(x)
    x = layers.SpatialDropout2D(0.1)(block(x, 56))
    for filters, skip in zip(WIDTHS[::-1], skips[::-1]):
        x = layers.Concatenate()([layers.UpSampling2D()(x), skip])
        x = block(x, filters)
    return keras.Model(image, layers.Conv2D(1, 1, activation="sigmoid")(x))
# %% after run_training
model.summary()
?build_cnn
# %% task_train
def train_cnn(model, train, val):
    model.compile(keras.optimizers.Adam(0.004), loss=bce_dice_loss)
    budget = bsds.TimeBudget(SECONDS)
    return model.fit(
        bsds.Batches(train.images, train.masks, batch_size=4, augment=True),
        validation_data=bsds.Batches(val.images, val.masks, batch_size=8),
        epochs=1000,
        callbacks=[budget, bsds.ProgressBar(budget)],
        verbose=0,
    )
