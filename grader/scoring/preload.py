"""What every checking process needs and is slow to import; imported once by the fork server."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import pytest

import grader.scoring.evidence
import grader.scoring.plugin

__all__ = ["grader", "keras", "pytest"]
