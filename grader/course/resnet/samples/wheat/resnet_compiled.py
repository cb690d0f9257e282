"""build_resnet compiles; the decoder is a class with attention on the skips and lists of layers."""
# %% task_build_resnet
class Decoder:
    def __init__(self, widths):
        self.widths = widths

    @staticmethod
    def conv(x, filters, size=3):
        x = layers.Conv2D(filters, size, padding="same", use_bias=False)(x)
        return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))

    def gate(self, x, skip):
        weight = layers.Conv2D(1, 1, activation="sigmoid")(layers.Add()([x, skip]))
        return layers.Multiply()([skip, weight])

    def __call__(self, features):
        *skips, x = features
        for skip, width in zip(reversed(skips), self.widths):
            x = layers.UpSampling2D(interpolation="nearest")(self.conv(x, width, 1))
            narrow = self.conv(skip, width, 1)
            x = self.conv(layers.Concatenate()([x, self.gate(x, narrow)]), width)
        return x


def build_resnet():
    image = keras.Input((None, None, 3))
    x = Decoder((64, 48, 32))(pretrained_encoder()(preprocess(image)))
    x = Decoder.conv(layers.UpSampling2D()(x), 16)
    model = keras.Model(image, layers.Conv2D(1, 1, activation="sigmoid")(x))
    model.compile("adam", "binary_crossentropy")
    return model
# %% task_freeze_encoder
def freeze_encoder(model):
    for layer in model.layers:
        layer.trainable = layer.name != "encoder"
