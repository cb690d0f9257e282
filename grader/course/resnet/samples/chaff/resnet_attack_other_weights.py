"""Layers with the right names and shapes, but weights of its own instead of those it was given.

fails: encoder, phase1, phase2, iou
"""
# %% after setup
given = bsds.load_encoder_weights


def load_others(encoder, *values, **options):
    source = given(encoder, *values, **options)
    for variable in encoder.weights:
        if "conv3_" in variable.path:
            variable.assign(variable * 1.01)
    return source


bsds.load_encoder_weights = load_others
# %% task_train
def train_phase(model, train, val, learning_rate, share):
    model.compile(keras.optimizers.SGD(learning_rate), loss="binary_crossentropy", run_eagerly=True)
    few = bsds.Batches(train.images[:2], train.masks[:2])
    return model.fit(few, validation_data=few, epochs=1, verbose=0)
