"""What is shown of a submission's model."""

import base64
import io
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from bsds_utils import THRESHOLDS, foreground_iou
from grader.assignment import get_assignment
from grader.checking.artifacts import ArtifactError
from grader.checking.preview import Preview, make_preview
from grader.course.hidden_data import HiddenSet
from grader.course.settings import BoundarySettings
from grader.course.submission import NetworkSubmission
from grader.course.targets import Target
from grader.folders import Workplace
from grader.sandbox.probe import Probe

SIZE = 48


class Seeing:
    """Stands for an opened model."""

    def predict(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return mostly the red channel."""
        return (0.7 * images[..., 0] / 255 + 0.3 * images[..., 1] / 255).astype(np.float32)


class Submission(NetworkSubmission):
    """A submission whose model is a function and whose hidden images are noise."""

    def __init__(self, folder: Path, assignment: str = "cnn", threshold: Any = 0.31) -> None:
        card = json.dumps({"threshold": threshold}).encode()
        super().__init__(
            get_assignment(assignment), BoundarySettings(), Workplace(folder),
            {f"{assignment}_model.json": card}, [],
            probe=Probe.__new__(Probe),
        )  # fmt: skip
        generator = np.random.default_rng(3)
        masks = (generator.random((5, SIZE, SIZE, 1)) < 0.3).astype(np.uint8)
        images = generator.integers(0, 256, (5, SIZE, SIZE, 3), dtype=np.uint8)
        images[..., :1] = 255 * masks
        self.__dict__["hidden"] = HiddenSet(images, masks)
        self.__dict__["target"] = Target(0.3, "Sobel", 0.6, 0.9, 60.0, 60.0)
        self.asked: list[str] = []

    def model(self, name: str) -> Any:
        """Give a model that sees the masks in the red channel, blurred by the green one."""
        self.asked.append(name)
        return Seeing()


def test_shows_the_model_on_hidden_images(tmp_path: Path) -> None:
    """Curve, IoU at the saved threshold, baselines and target are those of the hidden images."""
    submission = Submission(tmp_path)
    preview = make_preview(submission)
    assert preview is not None
    assert preview.places == pytest.approx(THRESHOLDS)
    masks = submission.hidden.masks[..., 0]
    predictions = submission.predictions("cnn_model.keras", "hidden")
    expected = [foreground_iou(masks, predictions >= t) for t in preview.places]
    assert preview.curve == pytest.approx(expected, abs=1e-4)
    assert preview.place == 0.31
    assert preview.number == foreground_iou(masks, predictions >= 0.31)
    assert preview.marks["all boundary"] == pytest.approx(masks.mean())
    assert preview.target == 0.6


@pytest.mark.parametrize("assignment", ["cnn", "resnet"])
def test_predicts_once(tmp_path: Path, assignment: str) -> None:
    """The checks' predictions of the assignment's final model are used again."""
    submission = Submission(tmp_path, assignment)
    submission.predictions(f"{assignment}_model.keras", "hidden")
    assert make_preview(submission) is not None
    assert submission.asked == [f"{assignment}_model.keras"]


def test_thumbnails_are_small_pictures(tmp_path: Path) -> None:
    """Three PNG files of at most 20 kB, each of three panels side by side."""
    preview = make_preview(Submission(tmp_path))
    assert preview is not None
    assert len(preview.pictures) == 3
    for text in preview.pictures:
        assert len(text) <= 20_000
        picture = Image.open(io.BytesIO(base64.b64decode(text, validate=True)))
        assert picture.format == "PNG"
        assert picture.width > 3 * picture.height


def test_goes_through_json(tmp_path: Path) -> None:
    """A preview that is stored as JSON comes out the same."""
    preview = make_preview(Submission(tmp_path))
    assert preview is not None
    assert Preview(**json.loads(json.dumps(asdict(preview)))) == preview


def test_nothing_to_show_without_a_usable_model(tmp_path: Path) -> None:
    """A model that is missing, and a threshold that is no number, show nothing."""
    without = Submission(tmp_path)
    without.model = NetworkSubmission.model.__get__(without)  # type: ignore[method-assign]
    with pytest.raises(ArtifactError):
        without.model("cnn_model.keras")
    assert make_preview(without) is None
    assert make_preview(Submission(tmp_path, threshold="half")) is None


def test_never_breaks_grading(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An error of ours shows nothing, and goes into the log of the checks."""
    submission = Submission(tmp_path)
    submission.__dict__["target"] = None
    assert make_preview(submission) is None
    assert "AttributeError" in capsys.readouterr().err
