"""The course: boundary segmentation with BSDS500."""

from pathlib import Path

from bsds_utils.errors import BSDSError
from grader import keras_models
from grader.assignment import Course, assignments_in

__all__ = ["ASSIGNMENTS", "COURSE"]

_README = """\
Boundary segmentation with BSDS500: assignments

You need Python {python}. In this folder:

    python3 -m venv .venv
    .venv/bin/pip install -r requirements.txt      (Windows: .venv\\Scripts\\pip)
    .venv/bin/jupyter lab

and open cnn/cnn.ipynb first, then resnet/resnet.ipynb. "bsds data" downloads the Berkeley images
(about 70 MB); without them the notebooks use synthetic scenes.

On Colab, upload a notebook and the file {wheel}.

How it is graded

{conditions}
The images and drawings of BSDS500 are for non-commercial research and education
(Arbelaez, Maire, Fowlkes and Malik, TPAMI 2011). This bundle holds none of them.
"""

COURSE = Course(
    id="bsds",
    title="Course on image boundary segmentation with BSDS500.",
    assignments=assignments_in(__name__),
    command="bsds",
    prefix="BSDS",
    commands={
        "data": "bsds_utils.cli.data",
        "evaluate": "bsds_utils.cli.evaluate",
        "predict": "bsds_utils.cli.predict",
        "train": "grader.course.training.command",
    },
    mistakes=(BSDSError,),
    library=("bsds_utils",),
    extras=("benchmark",),
    preload=(
        "tensorflow", "keras", "scipy.io", "scipy.ndimage", "scipy.stats", "PIL.Image",
        "matplotlib.pyplot", "matplotlib_inline.backend_inline", "tqdm.auto", "platformdirs",
        "pooch",
    ),
    # What a submission's environment says later changes nothing of the training budget.
    first=(
        "bsds_utils.training", "bsds_utils.data", "bsds_utils.metrics",
        "bsds_utils.models.encoder",
    ),
    trusted=(
        "grader.keras_models.initial_weights",
        "grader.keras_models.pretrained",
        "grader.course.submission",
        "grader.course.preview",
    ),
    packages=("keras", "tensorflow", "numpy"),
    kit=Path(keras_models.__file__).with_name("probe_kit.py"),
    code=("grader.course", "grader.keras_models"),
    training_functions=("train_cnn", "train_phase"),
    settings="grader.course.settings:BoundarySettings",
    machine="grader.course.machine_speed:MeasuredMachine",
    bundle_readme=_README,
    budget_conditions=(
        "Training: the budget that your instructor set, by default {budget} seconds of processor "
        "time for all training together. `bsds.TimeBudget` keeps to it, whatever `SECONDS` says; "
        "a cell that trains for twice as long is interrupted.",
    ),
    conditions=(
        "Data: the data set that your instructor chose, where `bsds.open_dataset()` finds it; "
        "your network is judged on further images that nobody has seen. Weights of a pretrained "
        "encoder lie ready; nothing can be downloaded.",
    ),
)  # fmt: skip

ASSIGNMENTS = {one.name: one for one in COURSE.assignments}
