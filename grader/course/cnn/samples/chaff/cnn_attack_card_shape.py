"""A model card in which nothing is where it belongs.

fails: iou, threshold, test_report
"""
# %% task_train
# %% after save
with open("cnn_model.json", "w") as stream:
    stream.write('{"threshold": [0.5], "metrics": ["test", ' + "[" * 900 + "]" * 900 + "]}")
