"""A VGG16 below the decoder, reached through an alias, a class, a table and a decorator.

fails: from_scratch, iou
not visible: without internet even VGG16 starts from chance
"""
# %% after setup
import functools
import importlib

library = importlib.import_module("keras")


class Zoo:
    def __init__(self, place=library):
        self.table = {"small": lambda: place.layers.Identity(), "large": self.large}

    def large(self):
        source = getattr(library, "applications")
        whole = source.VGG16(include_top=False, weights=None)
        return keras.Model(whole.input, whole.get_layer("block2_conv2").output)


def with_features(build):
    @functools.wraps(build)
    def built():
        return build(Zoo().table["large"]())

    return built
# %% task_build_cnn
@with_features
def build_cnn(features):
    image = keras.Input((None, None, 3))
    x = features(layers.Rescaling(1.0, offset=-118.0)(image))
    x = layers.UpSampling2D()(layers.Dropout(0.1)(x))
    return keras.Model(image, layers.Conv2D(1, 3, padding="same", activation="sigmoid")(x))
# %% task_train
def train_cnn(model, train, val):
    model.compile("sgd", loss=bce_dice_loss)
    few = bsds.Batches(train.images[:8], train.masks[:8])
    return model.fit(few, validation_data=few, epochs=1, verbose=0)
