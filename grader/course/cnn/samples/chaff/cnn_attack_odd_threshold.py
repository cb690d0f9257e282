"""A threshold that nobody offered, written into the card after all was measured.

fails: iou, threshold, test_report
"""
# %% task_train
# %% after save
import json

with open("cnn_model.json") as stream:
    card = json.load(stream)
card["threshold"] = 0.9123456789
with open("cnn_model.json", "w") as stream:
    json.dump(card, stream)
