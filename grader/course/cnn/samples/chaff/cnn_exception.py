"""Half-way through, an exception: the masks are looked up under a name that is not there.

fails: iou, threshold
"""
# %% task_train
def train_cnn(model, train, val):
    model.compile("sgd", loss=bce_dice_loss)
    few = bsds.Batches(train.images[:8], train.masks[:8])
    return model.fit(few, validation_data=few, epochs=1, verbose=0)
# %% task_choose_threshold
def choose_threshold(probabilities, masks):
    sweep = bsds.threshold_sweep(masks["validation"], probabilities["validation"])
    return float(sweep.best_threshold)
