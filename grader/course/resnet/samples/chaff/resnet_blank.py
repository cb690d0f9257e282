"""The notebook as handed out: not one task is written.

fails: preprocessing, encoder, decoder, phase1, phase2, iou, comparison
"""
# %% task_preprocess
# %% task_build_encoder
# %% task_build_resnet
# %% task_freeze_encoder
# %% task_unfreeze
# %% task_train
# %% task_compare
# %% question_phases
# %% question_comparison
