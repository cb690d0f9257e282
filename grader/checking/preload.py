"""What every checking process needs and is slow to import; imported once by the fork server."""

import gc
from importlib import import_module

from grader.assignment import installed_course

for name in ("pytest", "grader.checking.plugin", *installed_course().trusted):
    import_module(name)
# What is imported stays: collecting garbage need not look at it again and again.
gc.freeze()
