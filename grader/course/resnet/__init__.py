"""The assignment resnet: a pretrained encoder with a decoder."""

from grader.course.network import NetworkAssignment

__all__ = ["ASSIGNMENT"]

ASSIGNMENT = NetworkAssignment(
    name="resnet",
    package=__name__,
    artifacts=("resnet_phase1.keras", "resnet_model.keras", "resnet_model.json"),
    train_seconds=60.0,
    size=224,
    encoder=True,
    demo=("resnet_flat", "resnet_never_frozen", "resnet_blank"),
    demo_seconds=60.0,
)
