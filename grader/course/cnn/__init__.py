"""The assignment cnn: a small network from scratch."""
