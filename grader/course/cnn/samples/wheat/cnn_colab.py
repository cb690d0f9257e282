"""Written in Colab: checks for it, a guarded drive, pip, a look at the machine, Colab's metadata."""
# %% after install
# @title Where are we? { display-mode: "form" }
import os
import sys

IN_COLAB = "google.colab" in sys.modules
if IN_COLAB:
    from google.colab import drive, files

    drive.mount("/content/drive")
    os.chdir("/content/drive/MyDrive/vision/assignment 1")
elif os.path.exists("/content"):
    sys.path.append("/content")
OUT = "/content/drive/MyDrive" if IN_COLAB else "."
# %% after install
!pip install -q matplotlib > /dev/null 2>&1
!nvidia-smi 2> /dev/null || echo "no GPU"
!cat /proc/cpuinfo | grep "model name" | head -n 1
!free -h | head -n 2
# %% after setup
%matplotlib inline
%load_ext tensorboard
import tensorflow as tf

print("TensorFlow", tf.__version__, "with", os.cpu_count(), "processors")
gpus = tf.config.list_physical_devices("GPU")
for gpu in gpus:
    tf.config.experimental.set_memory_growth(gpu, True)
shell = get_ipython()
running_in = type(shell).__name__ if shell is not None else "python"
# %% task_train
learning_rate = 0.004  # @param {type:"number"}
batch_size = 4  # @param {type:"integer"}


def train_cnn(model, train, val):
    try:
        strategy = tf.distribute.get_strategy()
        print("replicas:", strategy.num_replicas_in_sync)
    except ValueError:
        pass
    model.compile(keras.optimizers.Adam(learning_rate), loss=bce_dice_loss)
    budget = bsds.TimeBudget(SECONDS)
    return model.fit(
        bsds.Batches(train.images, train.masks, batch_size=batch_size, augment=True),
        validation_data=bsds.Batches(val.images, val.masks, batch_size=8),
        epochs=1000,
        callbacks=[budget, bsds.ProgressBar(budget)],
        verbose=0,
    )
# %% after save
if IN_COLAB:
    files.download("cnn_model.keras")
# %% edit
def edit(notebook, folder):
    notebook.metadata |= {
        "accelerator": "GPU",
        "colab": {"name": "cnn.ipynb", "provenance": [], "gpuType": "T4", "toc_visible": True},
        "kernelspec": {"name": "python3", "display_name": "Python 3"},
    }
    for number, cell in enumerate(notebook.cells):
        cell["metadata"] |= {"id": f"kX{number:02}qPzR", "colab": {
            "base_uri": "https://localhost:8080/", "height": 35}}
        cell["metadata"] |= {"outputId": f"0a1b2c3d-{number:04}"} if number % 2 else {}
        cell.pop("id", None)
    notebook["nbformat_minor"] = 0
