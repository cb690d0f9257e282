"""Make prediction.png: a network trained by the CNN notebook, on scenes that it has not seen.

    BSDS_TIME_BUDGET=120 .venv/bin/python docs/prediction.py

Runs solutions/cnn/cnn.ipynb on the synthetic data and draws the first scenes of its test split.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib
import numpy as np

import bsds_utils

HERE = Path(__file__).resolve().parent
NOTEBOOK = HERE.parent / "solutions" / "cnn" / "cnn.ipynb"
COUNT = 3


def main() -> None:
    """Train, predict, draw."""
    matplotlib.use("Agg")
    dataset = bsds_utils.open_dataset("deadleaves")
    with tempfile.TemporaryDirectory() as folder:
        # A notebook saves its model beside itself.
        shutil.copy(NOTEBOOK, folder)
        subprocess.run(
            [sys.executable, "-m", "jupyter", "nbconvert", "--execute", "--to", "notebook",
             "--inplace", "--ExecutePreprocessor.timeout=900", NOTEBOOK.name],
            cwd=folder, env=os.environ | {"BSDS_SOURCE": "deadleaves"}, check=True,
        )  # fmt: skip
        model, card = bsds_utils.load_model(Path(folder, "cnn_model.keras"))
    images, masks, ids = dataset.load("test", size=card["input_size"])
    probabilities = model.predict(images[:COUNT].astype(np.float32), verbose=0)
    figure = bsds_utils.show_predictions(
        images[:COUNT], masks[:COUNT], probabilities, card["threshold"], ids=ids[:COUNT]
    )
    figure.savefig(HERE / "prediction.png", dpi=80, bbox_inches="tight")
    print(f"{HERE / 'prediction.png'}: test scores {card['metrics']['test']}")


if __name__ == "__main__":
    main()
