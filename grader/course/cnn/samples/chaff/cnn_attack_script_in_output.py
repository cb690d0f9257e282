"""Shows scripts and terminal escapes for the instructor's browser and terminal.

fails: iou
"""
# %% after setup
from IPython.display import HTML, SVG, Javascript, display

display(HTML("<script>document.title = 'pwned'</script><img src=x onerror=alert(1)>"))
display(Javascript("alert('pwned')"))
display(SVG("<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'></svg>"))
display({"image/png": '"><script>alert(1)</script>'}, raw=True)
print("\x1b]0;pwned\x07\x1b[2J\u202epwned")
# %% task_train
def train_cnn(model, train, val):
    model.compile("sgd", loss=bce_dice_loss)
    few = bsds.Batches(train.images[:8], train.masks[:8])
    return model.fit(few, validation_data=few, epochs=1, verbose=0)
