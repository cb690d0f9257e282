"""What grading this course depends on besides the submission."""

import socket
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from bsds_utils import open_dataset
from grader.errors import CourseError
from grader.settings import Settings, named_file

__all__ = ["BoundarySettings"]


@dataclass(frozen=True)
class BoundarySettings(Settings):
    """Settings with the data, the encoder's weights and the targets.

    Attributes
    ----------
    data_source, data_root
        As for :func:`bsds_utils.open_dataset`.
    encoder_weights
        ResNet50 weights file shown to the sandbox of assignments that use it; when None, a
        random encoder made from a fixed seed stands in.
    calibration
        What the reference solutions reach, in place of the committed ``targets.json``.
    """

    data_source: str | None = None
    data_root: Path | None = None
    encoder_weights: Path | None = None
    calibration: Path | None = None

    @classmethod
    def from_environment(cls) -> Self:
        """Read ``BSDS_ENCODER_WEIGHTS`` and ``BSDS_CALIBRATION`` as well.

        The data set is found as :func:`bsds_utils.open_dataset` finds it.
        """
        return replace(
            super().from_environment(),
            encoder_weights=named_file("BSDS_ENCODER_WEIGHTS", "a weights file"),
            calibration=named_file("BSDS_CALIBRATION", "a calibration"),
        )

    def portable(self) -> Self:
        """Name the data set, which on another machine may lie elsewhere."""
        dataset = open_dataset(self.data_source, self.data_root)
        return replace(self, data_source=dataset.name, data_root=dataset.root)

    def arrived(self) -> Self:
        """Use this machine's data and weights where the sender's paths lead nowhere."""
        settings = self
        if self.data_root is not None and not self.data_root.exists():
            settings = replace(settings, data_root=None)
        if self.encoder_weights is not None and not self.encoder_weights.exists():
            own = type(self).from_environment()
            settings = replace(settings, encoder_weights=own.encoder_weights)
        if self.calibration is not None and not self.calibration.exists():
            raise CourseError(
                f"expected the calibration {self.calibration} on every machine, found none on the "
                f"worker {socket.gethostname()}; put it there, or unset BSDS_CALIBRATION"
            )
        return settings

    def demonstrating(self, data: Path | None) -> Self:
        """Take real data, or synthetic scenes where there are none."""
        return replace(self, data_source="deadleaves" if data is None else None, data_root=data)

    def data_summary(self) -> str:
        """Make sure that there are data, and say what they are."""
        data = open_dataset(self.data_source, self.data_root)
        counts = ", ".join(f"{split} {len(data.ids(split))}" for split in ("train", "val", "test"))
        return f"{data.name} in {data.root}: {counts}"

    def checks_depend_on(self) -> bytes:
        """Return what verdicts depend on besides the secret: another calibration's content."""
        return b"" if self.calibration is None else self.calibration.read_bytes()
