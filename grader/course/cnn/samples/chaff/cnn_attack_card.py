"""A model card with numbers that no arithmetic survives.

fails: iou, threshold, test_report
"""
# %% task_train
# %% after save
import json

with open("cnn_model.json", "w") as stream:
    stream.write('{"threshold": 0.5, "metrics": {"test": {"iou": 1' + "0" * 400 + "}}, \"x\": NaN}")
