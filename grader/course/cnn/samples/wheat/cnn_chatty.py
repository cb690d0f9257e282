"""Talks a lot: warnings, log lines and stderr everywhere, and numbers that look like points."""
# %% task_agreement
import logging
import os
import sys
import warnings

logging.basicConfig(level=logging.INFO)
os.write(2, b"a line written past Python\n")


def annotator_agreement(boundaries):
    print("0")
    print("warning: careful", file=sys.stderr)
    warnings.warn("the annotators disagree", stacklevel=1)
    return boundaries.mean(axis=0).astype(np.float32)
# %% task_loss
def bce_dice_loss(y_true, y_pred):
    print("0.0 of 3 points")
    logging.getLogger().error("FAILED (not really)")
    p = ops.clip(y_pred, 1e-7, 1 - 1e-7)
    bce = -ops.mean(y_true * ops.log(p) + (1 - y_true) * ops.log(1 - p))
    common = ops.sum(y_true * y_pred, axis=(1, 2, 3))
    total = ops.sum(y_true, axis=(1, 2, 3)) + ops.sum(y_pred, axis=(1, 2, 3))
    return bce + ops.mean(1 - (2 * common + 1) / (total + 1))


0
# %% task_choose_threshold
def choose_threshold(probabilities, masks):
    print("1.0")
    print("Traceback (most recent call last):", file=sys.stderr)
    warnings.warn("thresholds are a matter of taste", DeprecationWarning, stacklevel=1)
    os.write(1, b"0\n")
    return float(bsds.threshold_sweep(masks["val"], probabilities["val"]).best_threshold)


1.0
# %% task_test_report
def test_report(probabilities, masks, threshold):
    from IPython.display import HTML, display

    display(HTML("<b>0</b>"), 0)
    print("\x1b[31mred\x1b[0m \N{GREEK SMALL LETTER OMEGA}", file=sys.stderr, flush=True)
    return scores(masks["test"], probabilities["test"] >= threshold)
# %% task_build_cnn
def build_cnn():
    warnings.warn("building", ResourceWarning, stacklevel=1)

    def convolution(x, filters):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        return layers.Activation("relu")(layers.BatchNormalization(momentum=0.9)(x))

    image = keras.Input((None, None, 3))
    fine = convolution(layers.Rescaling(1 / 255)(image), 12)
    x = layers.MaxPooling2D()(fine)
    x = convolution(convolution(x, 32), 32)
    x = layers.Dropout(0.05)(layers.UpSampling2D()(x))
    x = convolution(layers.Concatenate()([x, fine]), 12)
    return keras.Model(image, layers.Conv2D(1, 1, activation="sigmoid")(x))
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
