"""The threshold is tuned on the test set.

fails: threshold
"""
# %% task_choose_threshold
def choose_threshold(probabilities, masks):
    return float(bsds.threshold_sweep(masks["test"], probabilities["test"]).best_threshold)
# %% task_build_cnn
def build_cnn():
    def convolution(x, filters, **options):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False, **options)(x)
        return layers.Activation("relu")(layers.BatchNormalization(momentum=0.9)(x))

    image = keras.Input((None, None, 3))
    fine = convolution(layers.Rescaling(1 / 255)(image), 12)
    x = convolution(convolution(fine, 32, strides=2), 32)
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
