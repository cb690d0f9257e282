"""A layer of its own class, registered with Keras, whose code would run when it is loaded.

fails: architecture, from_scratch, iou
"""
# %% task_build_cnn
@keras.saving.register_keras_serializable(package="keras.layers")
class Conv3D2D(layers.Layer):
    def call(self, values):
        import os

        os.environ["BSDS_COURSE_SECRET"] = "known"
        return values


def build_cnn():
    image = keras.Input((None, None, 3))
    x = Conv3D2D()(layers.Rescaling(1 / 255)(image))
    x = layers.Dropout(0.1)(layers.Conv2D(8, 3, padding="same", activation="relu")(x))
    return keras.Model(image, layers.Conv2D(1, 1, activation="sigmoid")(x))
# %% task_train
def train_cnn(model, train, val):
    model.compile("sgd", loss=bce_dice_loss)
    few = bsds.Batches(train.images[:8], train.masks[:8])
    return model.fit(few, validation_data=few, epochs=1, verbose=0)
