"""A tf.data pipeline, features by a loop over layers, freezing by names of layers, a dict of results."""
# %% after setup
import tensorflow as tf
# %% task_build_encoder
WANTED = {
    "conv1_relu": 64, "conv2_block3_out": 256, "conv3_block4_out": 512, "conv4_block6_out": 1024,
}


def build_encoder():
    from keras.applications import resnet

    backbone = resnet.ResNet50(weights=None, include_top=False, input_shape=(None, None, 3))
    found = [layer.output for layer in backbone.layers if layer.name in WANTED]
    assert [feature.shape[-1] for feature in found] == list(WANTED.values())
    return keras.Model(inputs=backbone.inputs, outputs=found, name="encoder")
# %% task_freeze_encoder
def freeze_encoder(model):
    frozen = {layer.name for layer in model.get_layer("encoder").layers}
    for layer in model.get_layer("encoder").layers:
        if layer.name in frozen:
            layer.trainable = False
# %% task_train
def to_dataset(arrays, size, training):
    data = tf.data.Dataset.from_tensor_slices((arrays.images, arrays.masks))
    data = data.shuffle(len(arrays.images)) if training else data
    data = data.map(lambda x, y: (tf.cast(x, tf.float32), tf.cast(y, tf.float32)))
    if training:
        data = data.map(lambda x, y: flip(tf.concat([x, y], axis=-1)))
    return data.batch(size).prefetch(2)


def flip(both):
    both = tf.image.random_flip_up_down(tf.image.random_flip_left_right(both))
    return both[..., :3], both[..., 3:]


def train_phase(model, train, val, learning_rate, share):
    model.compile(keras.optimizers.Adam(2 * learning_rate), loss="binary_crossentropy")
    return model.fit(
        to_dataset(train, 4, True),
        validation_data=to_dataset(val, 8, False),
        epochs=1000,
        callbacks=[bsds.TimeBudget(SECONDS, share=share)],
        verbose=0,
    )
# %% task_compare
def compare(masks, predictions, thresholds):
    def iou(name):
        guess, truth = predictions[name] >= thresholds[name], masks.astype(bool)
        return float(np.count_nonzero(guess & truth) / np.count_nonzero(guess | truth))

    return sorted(((name, iou(name)) for name in predictions), key=lambda pair: (-pair[1], pair[0]))
