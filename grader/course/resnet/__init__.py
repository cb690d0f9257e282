"""The assignment resnet: a pretrained encoder with a decoder."""
