"""The notebook as handed out: not one task is written.

fails: agreement, metrics, nothing, loss, architecture, from_scratch, iou, threshold, test_report
"""
# %% task_agreement
# %% task_scores
# %% task_loss
# %% task_build_cnn
# %% task_train
# %% task_choose_threshold
# %% task_test_report
# %% question_metrics
# %% question_failures
