"""Measures, threshold and report by hand with loops and plain NumPy, nothing of the course's library."""
# %% task_agreement
def annotator_agreement(boundaries):
    annotators, height, width = boundaries.shape
    result = np.empty((height, width), dtype="float32")
    for row in range(height):
        result[row] = boundaries[:, row].sum(axis=0) / annotators
    return result
# %% task_scores
def scores(truth, prediction):
    tp = fp = fn = tn = 0
    for t, p in zip(truth, prediction):
        t, p = t.reshape(-1) == 1, p.reshape(-1) == 1
        tp += int(np.logical_and(t, p).sum())
        fp += int(np.logical_and(np.logical_not(t), p).sum())
        fn += int(np.logical_and(t, np.logical_not(p)).sum())
        tn += int(np.logical_not(np.logical_or(t, p)).sum())
    iou_1 = 1.0 if tp + fp + fn == 0 else tp / (tp + fp + fn)
    iou_0 = 1.0 if tn + fp + fn == 0 else tn / (tn + fp + fn)
    result = dict(accuracy=(tp + tn) / (tp + fp + fn + tn), iou=iou_1)
    result["mean_iou"] = np.mean([iou_0, iou_1]).item()
    return result


def scores_of_nothing(truth):
    nothing = np.full(truth.shape, 0)
    return scores(truth, nothing)
# %% task_loss
def bce_dice_loss(y_true, y_pred):
    eps = 1e-7
    p = ops.minimum(ops.maximum(y_pred, eps), 1 - eps)
    bce = ops.mean(-(y_true * ops.log(p)) - (1.0 - y_true) * ops.log(1.0 - p), axis=(1, 2, 3))
    tp = ops.sum(y_true * y_pred, axis=(1, 2, 3))
    dice = (2.0 * tp + 1.0) / (ops.sum(y_true + y_pred, axis=(1, 2, 3)) + 1.0)
    return bce + (1.0 - dice)
# %% task_choose_threshold
def choose_threshold(probabilities, masks):
    p, m = probabilities["val"].ravel(), masks["val"].ravel() > 0
    best_threshold, best_iou = None, -1
    for i in range(len(bsds.THRESHOLDS)):
        guess = p >= bsds.THRESHOLDS[i]
        union = (guess | m).sum()
        value = (guess & m).sum() / union if union > 0 else 1
        if value > best_iou:
            best_threshold, best_iou = bsds.THRESHOLDS[i], value
    return float(best_threshold)
# %% task_test_report
def test_report(probabilities, masks, threshold):
    p, m = probabilities["test"], masks["test"]
    guess = np.where(p < threshold, 0, 1)
    return {name: float(value) for name, value in scores(m, guess).items()}
# %% task_train
def train_cnn(model, train, val):
    model.compile(keras.optimizers.RMSprop(0.003), loss=bce_dice_loss)
    budget = bsds.TimeBudget(SECONDS)
    return model.fit(
        bsds.Batches(train.images, train.masks, batch_size=4, augment=True),
        validation_data=bsds.Batches(val.images, val.masks, batch_size=8),
        epochs=1000,
        callbacks=[budget, bsds.LearningRateDecay(budget)],
        verbose=0,
    )
