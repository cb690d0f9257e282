"""The assignment cnn: a small network from scratch."""

from grader.course.network import NetworkAssignment

__all__ = ["ASSIGNMENT"]

ASSIGNMENT = NetworkAssignment(
    name="cnn",
    package=__name__,
    artifacts=("cnn_model.keras", "cnn_model.json"),
    # In which the solution is well above every answer that needs no training, on either data.
    train_seconds=120.0,
    size=168,
    demo=(
        "cnn_unet_strided", "cnn_chatty", "cnn_threshold_on_test", "cnn_all_ones", "cnn_blank",
    ),
    demo_seconds=30.0,
)  # fmt: skip
