"""Importing Keras without the messages that its backend prints."""

import os
import sys

__all__ = ["quiet_start"]


def quiet_start() -> None:
    """Import Keras and hide what TensorFlow prints while it loads.

    TensorFlow tells about processors and missing GPUs from C++, before any setting can stop it;
    in a notebook that looks like an error. An exception of the import itself is raised as usual.

    Intel's convolutions (oneDNN) are turned on: TensorFlow leaves them out on processors without
    AVX-512, where they train twice as fast as its own.
    """
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if "keras" in sys.modules:
        return
    sys.stderr.flush()
    kept = os.dup(2)
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        import keras  # noqa: F401
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(null)
