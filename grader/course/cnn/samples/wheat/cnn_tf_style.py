"""TensorFlow throughout: tf.nn and tf.reduce_mean in the loss, tf.image and tf.data in the training."""
# %% after setup
import tensorflow as tf

AUTOTUNE = tf.data.AUTOTUNE
# %% task_loss
def bce_dice_loss(y_true, y_pred):
    y_true = tf.cast(y_true, tf.float32)
    y_pred = tf.cast(y_pred, tf.float32)
    eps = tf.constant(1e-7)
    p = tf.clip_by_value(y_pred, eps, 1.0 - eps)
    logits = tf.math.log(p / (1.0 - p))
    bce = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=y_true, logits=logits))
    inter = tf.reduce_sum(y_true * y_pred, axis=[1, 2, 3])
    total = tf.reduce_sum(y_true, axis=[1, 2, 3]) + tf.reduce_sum(y_pred, axis=[1, 2, 3])
    return bce + tf.reduce_mean(1.0 - tf.math.divide(2.0 * inter + 1.0, total + 1.0))
# %% task_train
def augment(image, mask):
    both = tf.concat([image, mask], axis=-1)
    both = tf.image.random_flip_left_right(both)
    both = tf.image.rot90(both, k=tf.random.uniform([], 0, 4, dtype=tf.int32))
    both.set_shape([SIZE, SIZE, 4])
    return both[..., :3], both[..., 3:]


def pipeline(arrays, batch, training):
    def to_float(image, mask):
        return tf.cast(image, tf.float32), tf.cast(mask, tf.float32)

    data = tf.data.Dataset.from_tensor_slices((arrays.images, arrays.masks))
    if training:
        data = data.shuffle(len(arrays.images), seed=1, reshuffle_each_iteration=True)
    data = data.map(to_float, num_parallel_calls=AUTOTUNE)
    if training:
        data = data.map(augment, num_parallel_calls=AUTOTUNE)
    return data.batch(batch).prefetch(AUTOTUNE)


def train_cnn(model, train, val):
    tf.random.set_seed(3)
    model.compile(optimizer=tf.keras.optimizers.Adam(0.004), loss=bce_dice_loss)
    return model.fit(
        pipeline(train, 4, True),
        validation_data=pipeline(val, 8, False),
        epochs=1000,
        callbacks=[bsds.TimeBudget(SECONDS)],
        verbose=0,
    )
