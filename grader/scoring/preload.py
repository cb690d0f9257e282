"""What every checking process needs and is slow to import; imported once by the fork server."""

import gc
from importlib import import_module

from bsds_utils.startup import quiet_start

quiet_start()
for name in ("pytest", "grader.scoring.evidence", "grader.scoring.plugin"):
    import_module(name)
# What is imported stays: collecting garbage need not look at it again and again.
gc.freeze()
