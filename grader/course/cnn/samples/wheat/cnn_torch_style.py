"""As in PyTorch: modules with forward methods that build the graph, nn for layers, F for functions."""
# %% after setup
import keras.layers as nn
from keras import activations as F
# %% after nothing
class Module:
    """Calls forward; is no Keras layer, so that only built-in layers are in the model."""

    def __call__(self, *tensors):
        return self.forward(*tensors)


class DoubleConv(Module):
    def __init__(self, out_channels, p_drop=0.0):
        self.conv1 = nn.Conv2D(out_channels, 3, padding="same", use_bias=False)
        self.bn1 = nn.BatchNormalization(momentum=0.9)
        self.conv2 = nn.Conv2D(out_channels, 3, padding="same", use_bias=False)
        self.bn2 = nn.BatchNormalization(momentum=0.9)
        self.relu = nn.ReLU
        self.drop = nn.SpatialDropout2D(p_drop) if p_drop else nn.Identity()

    def forward(self, x):
        x = self.relu()(self.bn1(self.conv1(x)))
        return self.drop(self.relu()(self.bn2(self.conv2(x))))


class Up(Module):
    def __init__(self, out_channels):
        self.up = nn.UpSampling2D(2, interpolation="nearest")
        self.conv = DoubleConv(out_channels)

    def forward(self, x, skip):
        return self.conv(nn.Concatenate()([self.up(x), skip]))


class UNet(Module):
    def __init__(self, widths=(8, 16, 32), bottom=48):
        self.stem = nn.Rescaling(1 / 127.5, offset=-1)
        self.encoder = [DoubleConv(width) for width in widths]
        self.bottom = DoubleConv(bottom, p_drop=0.1)
        self.decoder = [Up(width) for width in reversed(widths)]
        self.head = nn.Conv2D(1, 1, activation=F.sigmoid)

    def forward(self, x):
        x, skips = self.stem(x), []
        for stage in self.encoder:
            skips.append(x := stage(x))
            x = nn.MaxPooling2D()(x)
        x = self.bottom(x)
        for stage in self.decoder:
            x = stage(x, skips.pop())
        return self.head(x)

    def to_keras(self):
        image = nn.Input((None, None, 3))
        return keras.Model(image, self(image))
# %% task_build_cnn
def build_cnn():
    return UNet().to_keras()
# %% task_train
def train_cnn(model, train, val):
    criterion, optimizer = bce_dice_loss, keras.optimizers.Adam(4e-3)
    model.compile(loss=criterion, optimizer=optimizer)
    train_loader = bsds.Batches(train.images, train.masks, batch_size=4, augment=True)
    val_loader = bsds.Batches(val.images, val.masks, batch_size=8)
    watch = bsds.TimeBudget(SECONDS)
    return model.fit(
        train_loader, validation_data=val_loader, epochs=1000, verbose=0, callbacks=[watch]
    )
