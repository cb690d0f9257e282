"""Small models for the demos' tests: edge detectors with fixed weights."""

from pathlib import Path

import numpy as np

__all__ = ["save_demo_models"]

_FILES = {"cnn_model.keras": 6.0, "resnet50_model.keras": 9.0}


def save_demo_models(folder: Path, threshold: float = 0.3) -> Path:
    """Save a model under each demo's name, the second one more sensitive, and return the folder.

    They downsample nothing and need no training: the slopes' magnitude through a sigmoid.
    """
    import keras

    from bsds_utils import save_model

    sobel = np.outer([1, 2, 1], [-1, 0, 1])
    kernels = np.stack([sobel, -sobel, sobel.T, -sobel.T], axis=-1) / 8
    for name, gain in _FILES.items():
        model = keras.Sequential(
            [
                keras.Input((None, None, 3)),
                keras.layers.Rescaling(1 / 255),
                keras.layers.Conv2D(4, 3, padding="same", activation="relu", use_bias=False),
                keras.layers.Conv2D(1, 1, activation="sigmoid"),
            ],
            name=name.partition("_")[0],
        )
        model.layers[1].set_weights([np.repeat(kernels[:, :, None], 3, axis=2) / 3])
        model.layers[2].set_weights([np.full((1, 1, 4, 1), 5 * gain), np.array([-3.0])])
        save_model(
            model,
            folder / name,
            threshold=threshold,
            input_size=168,
            mask_protocol="course",
            metrics={"val": {"iou": 0.41, "baselines": {"Sobel": 0.389, "all boundary": 0.279}}},
            training_data="deadleaves: train",
            limits="Drawings and text are not like what it has seen.",
            command="bsds train cnn --minutes 1",
            commit="0" * 40,
        )
    return folder
