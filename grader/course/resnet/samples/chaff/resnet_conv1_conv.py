"""An encoder whose finest feature map is taken before its activation, at a layer of nearly the name.

fails: encoder
"""
# %% task_build_encoder
def build_encoder():
    resnet = keras.applications.ResNet50(
        include_top=False, weights=None, input_shape=(None, None, 3)
    )
    names = ["conv1_conv", "conv2_block3_out", "conv3_block4_out", "conv4_block6_out"]
    features = [resnet.get_layer(name).output for name in names]
    return keras.Model(resnet.input, features, name="encoder")
