"""The demo of the CNN: `streamlit run cnn_app/app.py`."""

import sys
from importlib.util import find_spec
from pathlib import Path

if find_spec("bsds_utils") is None:
    # Not installed, as where a demo is deployed: the course's package lies beside this folder.
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from boundary_app.page import run

run("cnn")
