"""Saved models: their cards, the encoder, and predicting with them."""
