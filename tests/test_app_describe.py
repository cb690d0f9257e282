"""A model card in plain words."""

import doctest

from boundary_app import describe as module
from boundary_app.describe import describe, plain

CARD = {
    "input_size": 168,
    "mask_protocol": "course",
    "threshold": 0.42,
    "training_data": "bsds500: train",
    "metrics": {
        "val": {
            "iou": 0.5512,
            "trained_on": False,
            "baselines": {"Sobel": 0.389, "all boundary": 0.279},
        }
    },
    "limits": "Medical images are not like them.",
    "parameters": 571_000,
    "encoder_initialisation": None,
    "minutes": 120.4,
    "command": "bsds train cnn --minutes 120",
    "commit": "0123456789abcdef",
}


def words(card: dict[str, object]) -> dict[str, str]:
    """Return the panel's text by heading."""
    return dict(describe(card))


def test_a_whole_card() -> None:
    """The panel says on what it was trained, how good it is beside baselines, where it fails."""
    text = words(CARD)
    assert "BSDS500" in text["What it learned from"]
    assert "random weights" in text["What it learned from"]
    assert "**0.551**" in text["How good it is"]
    assert "Sobel 0.389, all boundary 0.279" in text["How good it is"]
    assert "0.42" in text["How good it is"]
    assert text["Where it fails"].startswith("Medical images")
    assert "`bsds train cnn --minutes 120`" in text["How it was made"]
    assert "0.57 million" in text["How it was made"]


def test_every_training_is_named() -> None:
    """A model that went on from another shows the commands of both, in order."""
    text = words({**CARD, "commands": ["bsds train cnn", "bsds train cnn --start MODEL"]})
    assert "`bsds train cnn`, then `bsds train cnn --start MODEL`" in text["How it was made"]


def test_scales_are_told() -> None:
    """Visitors learn at which sizes a model sees their picture, unless it is the picture's own."""

    def told(*scales: float) -> str:
        return words({**CARD, "scales": list(scales)})["What it learned from"]

    assert "sees a picture at 80% of its size" in told(0.8)
    assert "does better" not in told(0.8)
    assert "sees a picture at 80% of its size" in told(0.5, 0.8, 1.25)
    assert "the mean of its answers at 50%, 80% and 125%" in told(0.5, 0.8, 1.25)
    assert "sees a picture" not in told(1.0)


def test_a_card_of_the_least() -> None:
    """What a card does not say is left out."""
    text = words({"input_size": 224, "mask_protocol": "thin", "threshold": 0.5})
    assert set(text) == {"What it learned from", "How good it is"}
    assert "224×224" in text["What it learned from"]
    assert "IoU" not in text["How good it is"]


def test_flattering_numbers_are_called_so() -> None:
    """An IoU on images that the model was trained on is not passed off as an honest one."""
    text = words({**CARD, "metrics": {"val": {"iou": 0.6, "trained_on": True}}})
    assert "flatters" in text["How good it is"]


def test_nothing_in_a_card_is_markup() -> None:
    """Whatever a card says, it is shown and not obeyed."""
    text = words({**CARD, "limits": "![x](http://a.b/c) <b>$x$ :red[y]", "command": "a `b`"})
    assert text["Where it fails"] == r"\!\[x\]\(http\://a.b/c\) \<b\>\$x\$ \:red\[y\]"
    assert "`a  b `" in text["How it was made"]


def test_examples() -> None:
    """The examples in the docstrings give what they say."""
    assert doctest.testmod(module).failed == 0
    assert plain(None) == ""
