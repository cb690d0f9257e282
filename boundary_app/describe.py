"""A model card in plain words."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from bsds_utils.models.scales import quick_scale

__all__ = ["Section", "describe", "plain"]


class Section(NamedTuple):
    """A paragraph of the panel; `text` is Markdown in which nothing of the card is markup."""

    heading: str
    text: str


def describe(card: Mapping[str, Any]) -> list[Section]:
    """Say what a model learned from, how good it is, where it fails and how it was made.

    Parameters
    ----------
    card
        A model card (`bsds_utils.load_model`). What it does not say is left out.

    Returns
    -------
    list of Section
        At least one.
    """
    sections = [
        Section("What it learned from", _training(card)),
        Section("How good it is", _quality(card)),
        Section("Where it fails", plain(card.get("limits"))),
        Section("How it was made", _making(card)),
    ]
    return [section for section in sections if section.text]


def plain(value: Any) -> str:
    r"""Escape what Markdown would take for markup.

    Parameters
    ----------
    value
        Any text; None is none.

    Returns
    -------
    str
        Markdown that shows it as it is.

    Examples
    --------
    >>> plain("a_b.png")
    'a\\_b.png'
    """
    return re.sub(r"([\\`*_{}\[\]()#+!|<>~$:-])", r"\\\1", str(value or "").strip())


def _training(card: Mapping[str, Any]) -> str:
    parts = []
    if card.get("training_data"):
        data, _, splits = str(card["training_data"]).partition(":")
        known = {
            "bsds500": "BSDS500, photographs in which several people drew the boundaries",
            "deadleaves": "Dead leaves, synthetic scenes whose boundaries are known",
        }
        of = f" (its {plain(splits)} images)" if splits.strip() else ""
        parts.append(f"{known.get(data.strip(), plain(data))}{of}.")
    parts.append(
        f"It saw them at {card['input_size']}×{card['input_size']} pixels, beside masks of the "
        f"protocol “{plain(card['mask_protocol'])}”."
    )
    scales = card.get("scales", [1])
    if quick_scale(scales) != 1:
        parts.append(f"Here it sees a picture at {quick_scale(scales):.0%} of its size.")
    if len(scales) > 1:
        *first, last = (f"{scale:.0%}" for scale in scales)
        parts.append(
            "It does better, but takes longer, with the mean of its answers at "
            f"{', '.join(first)} and {last}, which `bsds predict` gives."
        )
    if card.get("encoder_initialisation"):
        parts.append(f"Its encoder began with {_source(str(card['encoder_initialisation']))}.")
    else:
        parts.append("It began with random weights: nothing was learned elsewhere.")
    return " ".join(parts)


def _source(initialisation: str) -> str:
    """Say what `bsds_utils.load_encoder_weights` told of an encoder's first weights."""
    kind, _, file = initialisation.partition(":")
    if kind == "file":
        return f"the weights in the file {plain(file)}"
    known = {
        "keras-download": "weights learned from ImageNet, those that Keras offers",
        "random": "random weights",
    }
    return known.get(initialisation, f"weights from {plain(initialisation)}")


def _quality(card: Mapping[str, Any]) -> str:
    """List IoU by split, each beside the trivial baselines where the card has them."""
    found = card.get("metrics")
    lines = []
    for split, values in found.items() if isinstance(found, Mapping) else ():
        if not isinstance(values, Mapping) or not isinstance(values.get("iou"), int | float):
            continue
        line = f"On the {plain(split)} images its masks have an IoU of **{values['iou']:.3f}**"
        trivial = values.get("baselines")
        if isinstance(trivial, Mapping):
            others = (f"{plain(name)} {value:.3f}" for name, value in trivial.items())
            line += f" (answers that need no training: {', '.join(others)})"
        if values.get("trained_on"):
            line += ", but it learned from these images, so that this flatters it"
        lines.append(f"{line}.")
    if lines:
        lines.append(
            "IoU is the overlap of the predicted boundary with what people drew: 0 is none, 1 "
            "would be every pixel. People do not agree with each other either."
        )
    lines.append(f"Its best threshold is {card['threshold']:.2f}.")
    return " ".join(lines)


def _making(card: Mapping[str, Any]) -> str:
    parts = []
    if card.get("parameters"):
        count = int(card["parameters"])
        many = f"{count / 1e6:.2f} million" if count >= 10_000 else f"{count:,}"
        parts.append(f"{many} parameters.")
    if card.get("minutes"):
        parts.append(f"Trained for {card['minutes']:.0f} minutes.")
    commands = card.get("commands") or [card.get("command")]
    if all(commands):
        parts.append(f"Made by {', then '.join(map(_code, commands))}.")
    if card.get("commit"):
        parts.append(f"Revision {_code(str(card['commit'])[:10])}.")
    return " ".join(parts)


def _code(value: Any) -> str:
    return f"`{str(value).replace('`', ' ')}`"
