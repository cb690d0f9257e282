"""A loop of its own for each phase, in TensorFlow, with the best weights set at the end."""
# %% after setup
import tensorflow as tf
# %% task_preprocess
MEAN_BGR = (103.939, 116.779, 123.68)


def preprocess(images):
    red, green, blue = images[..., 0:1], images[..., 1:2], images[..., 2:3]
    shifted = [channel - mean for channel, mean in zip((blue, green, red), MEAN_BGR)]
    return ops.concatenate(shifted, axis=-1)
# %% task_train
def train_phase(model, train, val, learning_rate, share):
    optimizer = keras.optimizers.Adam(2 * learning_rate)
    crossentropy = keras.losses.BinaryCrossentropy()
    variables = model.trainable_variables
    optimizer.build(variables)
    budget = bsds.TimeBudget(SECONDS, share=share)
    budget.set_model(model)
    budget.on_train_begin()
    ours = bsds.Batches(train.images, train.masks, batch_size=4, augment=True)
    theirs = bsds.Batches(val.images, val.masks, batch_size=8)
    history = keras.callbacks.History()
    history.history = {"loss": [], "val_loss": []}

    @tf.function
    def step(images, masks):
        with tf.GradientTape() as tape:
            loss = crossentropy(masks, model(images, training=True))
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
        return loss

    def validate():
        losses = [
            float(crossentropy(masks, model.predict_on_batch(images)))
            for images, masks in (theirs[i] for i in range(len(theirs)))
        ]
        return sum(losses) / len(losses)

    best = (np.inf, model.get_weights())
    while budget.remaining > 0.25 * budget.seconds:
        ours.on_epoch_begin()
        losses = []
        for i in range(len(ours)):
            losses.append(float(step(*(tf.constant(part) for part in ours[i]))))
            if budget.remaining < 0.2 * budget.seconds:
                break
        history.history["loss"].append(float(np.mean(losses)))
        history.history["val_loss"].append(validate())
        if history.history["val_loss"][-1] < best[0]:
            best = history.history["val_loss"][-1], model.get_weights()
    model.set_weights(best[1])
    return history
# %% task_compare
def compare(masks, predictions, thresholds):
    result = {}
    for name, probability in predictions.items():
        guess = (probability >= thresholds[name]).astype(int)
        result[name] = float(np.sum(guess * masks) / max(1, np.sum(np.maximum(guess, masks))))
    return sorted(result.items(), key=lambda item: item[1])[::-1]
