"""Helpers in an odd order: used in cells above those that define them, but called only below."""
# %% task_scores
def scores(truth, prediction):
    return all_measures(confusion(truth, prediction))


def scores_of_nothing(truth):
    return all_measures(confusion(truth, np.zeros(truth.shape, bool)))
# %% after task_scores
def all_measures(table):
    right = table[0, 0] + table[1, 1]
    wrong = table[0, 1] + table[1, 0]
    ious = [ratio(table[k, k], table[k, k] + wrong) for k in (0, 1)]
    return {"accuracy": right / (right + wrong), "iou": ious[1], "mean_iou": sum(ious) / 2}
# %% after task_scores
def ratio(part, whole):
    return float(part) / float(whole) if whole else 1.0
# %% after task_scores
def confusion(truth, prediction):
    truth, prediction = np.asarray(truth) > 0, np.asarray(prediction) > 0
    return np.array([
        [(~truth & ~prediction).sum(), (~truth & prediction).sum()],
        [(truth & ~prediction).sum(), (truth & prediction).sum()],
    ])
# %% after show_agreement
def feeds(train, val):
    return (
        bsds.Batches(train.images, train.masks, batch_size=BATCH, augment=True),
        bsds.Batches(val.images, val.masks, batch_size=2 * BATCH),
    )
# %% task_train
def train_cnn(model, train, val):
    model.compile(make_optimizer(), loss=bce_dice_loss)
    ours, theirs = feeds(train, val)
    return model.fit(
        ours, validation_data=theirs, epochs=1000, verbose=0, callbacks=[bsds.TimeBudget(SECONDS)]
    )
# %% after task_train
BATCH = 4
make_optimizer = lambda: keras.optimizers.Adam(RATE)
# %% after task_train
RATE = 0.004
