"""What every checking process needs and is slow to import; imported once by the fork server."""

import gc
from importlib import import_module

for name in (
    "pytest",
    "grader.keras_models.initial_weights",
    "grader.keras_models.pretrained",
    "grader.course.submission",
    "grader.course.preview",
    "grader.checking.plugin",
):
    import_module(name)
# What is imported stays: collecting garbage need not look at it again and again.
gc.freeze()
