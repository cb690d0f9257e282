"""Written in VS Code: its ids and interpreter in the metadata, pip as a magic, typed throughout."""
# %% after install
%pip install --quiet numpy
# %% after setup
from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from typing import Any

warnings.filterwarnings("ignore", category=FutureWarning)
logger = logging.getLogger(__name__)
logger.setLevel(logging.INFO)

Masks = dict[str, np.ndarray]
# %% task_agreement
def annotator_agreement(boundaries: np.ndarray) -> np.ndarray:
    votes: np.ndarray = np.add.reduce(boundaries, axis=0, dtype=np.float32)
    return votes / boundaries.shape[0]
# %% task_choose_threshold
def choose_threshold(probabilities: Masks, masks: Masks) -> float:
    measure: Callable[[float], float] = lambda t: bsds.foreground_iou(  # noqa: E731
        masks["val"], probabilities["val"] >= t
    )
    best: tuple[float, float] = (-1.0, 0.0)
    for threshold in bsds.THRESHOLDS:
        iou = measure(threshold)
        if iou > best[0]:
            best = (iou, float(threshold))
    logger.info("threshold %.2f with IoU %.3f", best[1], best[0])
    return best[1]
# %% task_train
def train_cnn(model: keras.Model, train: Any, val: Any, *, rate: float = 4e-3) -> Any:
    model.compile(optimizer=keras.optimizers.Adam(rate), loss=bce_dice_loss)
    budget = bsds.TimeBudget(SECONDS)
    return model.fit(
        bsds.Batches(train.images, train.masks, batch_size=4, augment=True),
        validation_data=bsds.Batches(val.images, val.masks, batch_size=8),
        epochs=1000,
        callbacks=[budget, bsds.ProgressBar(budget)],
        verbose=0,
    )
# %% edit
def edit(notebook, folder):
    notebook.metadata["kernelspec"] = {
        "display_name": ".venv (3.11.7)", "language": "python", "name": "python3"}
    notebook.metadata["language_info"] = {
        "codemirror_mode": {"name": "ipython", "version": 3}, "file_extension": ".py",
        "mimetype": "text/x-python", "name": "python", "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3", "version": "3.11.7"}
    notebook.metadata["vscode"] = {"interpreter": {"hash": "31f2aee4e71d21fbe5cf8b01ff0e069b9275f589"}}
    notebook.metadata["orig_nbformat"] = 4
    for number, cell in enumerate(notebook.cells):
        cell["metadata"]["vscode"] = {"languageId": "python"}
        if number % 3 == 0:
            cell["id"] = f"{number:08x}"
            cell["metadata"]["notebookRunGroups"] = {"groupValue": "1"}
    (folder / ".vscode").mkdir()
    (folder / ".vscode" / "settings.json").write_text('{"python.analysis.typeCheckingMode": "off"}')
