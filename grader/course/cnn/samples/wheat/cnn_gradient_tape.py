"""A loop with GradientTape that keeps the weights of the best epoch in memory and sets them at the end."""
# %% after setup
import copy

import tensorflow as tf
# %% task_train
def train_cnn(model, train, val):
    optimizer = keras.optimizers.Adam(4e-3)
    history = keras.callbacks.History()
    history.history = {"loss": [], "val_loss": []}
    batches = bsds.Batches(train.images, train.masks, batch_size=4, augment=True)
    held_out = bsds.Batches(val.images, val.masks, batch_size=8)
    budget = bsds.TimeBudget(SECONDS)
    budget.set_model(model)
    budget.on_train_begin()

    @tf.function
    def one_step(x, y):
        with tf.GradientTape() as tape:
            value = tf.reduce_mean(bce_dice_loss(y, model(x, training=True)))
        variables = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(value, variables), variables))
        return value

    @tf.function
    def measure(x, y):
        return tf.reduce_mean(bce_dice_loss(y, model(x, training=False)))

    best_value, best_weights = float("inf"), model.get_weights()
    while budget.remaining > 0.1 * budget.seconds:
        batches.on_epoch_begin()
        losses = []
        for index in range(len(batches)):
            x, y = batches[index]
            losses.append(float(one_step(tf.constant(x), tf.constant(y))))
            if budget.remaining < 0.05 * budget.seconds:
                break
        values = [
            float(measure(tf.constant(x), tf.constant(y)))
            for x, y in (held_out[index] for index in range(len(held_out)))
        ]
        history.history["loss"].append(sum(losses) / len(losses))
        history.history["val_loss"].append(sum(values) / len(values))
        if history.history["val_loss"][-1] < best_value:
            best_value = history.history["val_loss"][-1]
            best_weights = copy.deepcopy(model.get_weights())
    model.set_weights(best_weights)
    return history
