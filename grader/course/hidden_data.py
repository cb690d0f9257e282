"""Images that no submission has seen, made from the course secret."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

from bsds_utils import COURSE, Dataset, resize_image
from bsds_utils.atomic import written_whole
from bsds_utils.synthetic import scene

__all__ = ["COUNT", "HiddenSet", "hidden_set"]

COUNT = 24
"""Hidden images of an evaluation: enough that the IoU of one model varies by about 0.01."""

_VERSION = 2
_CROP = 0.8
_ONE_SCENE_IN = 4


@dataclass(frozen=True)
class HiddenSet:
    """Hidden images with their masks.

    Attributes
    ----------
    images
        uint8, shape (N, S, S, 3).
    masks
        uint8 in {0, 1}, shape (N, S, S, 1), of the ``course`` protocol.
    """

    images: NDArray[np.uint8]
    masks: NDArray[np.uint8]


def hidden_set(dataset: Dataset, secret: str, size: int, cache: Path | None = None) -> HiddenSet:
    """Make, or read from the cache, the hidden images of a course.

    For the synthetic data they are unseen scenes. For BSDS500 every fourth is one, which is in no
    public set; the others are test images, each flipped, cropped and changed in brightness,
    contrast and colour, so that an answer memorised for the public image does not fit.

    Parameters
    ----------
    dataset
        What the course is taught on.
    secret
        Course secret; another secret gives other images.
    size
        Side of the images in pixels.
    cache
        Folder to keep them in, readable by the grader alone; None keeps nothing.

    Returns
    -------
    HiddenSet
        `COUNT` images.
    """
    key = hashlib.sha256(f"{_VERSION}|{dataset.name}|{secret}|{size}".encode()).hexdigest()[:24]
    path = cache / f"hidden-{key}.npz" if cache is not None else None
    if path is not None and path.exists():
        with np.load(path, allow_pickle=False) as stored:
            return HiddenSet(stored["images"], stored["masks"])
    pairs = [_pair(dataset, secret, index, size) for index in range(COUNT)]
    made = HiddenSet(
        np.stack([image for image, _ in pairs]), np.stack([mask for _, mask in pairs])[..., None]
    )
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.parent.chmod(0o700)
        with written_whole(path) as part:
            np.savez(part, images=made.images, masks=made.masks)
    return made


def _generator(secret: str, index: int) -> np.random.Generator:
    digest = hashlib.sha256(f"{secret}|{index}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest, "big"))


Pair = tuple[NDArray[np.uint8], NDArray[np.uint8]]


def _pair(dataset: Dataset, secret: str, index: int, size: int) -> Pair:
    generator = _generator(secret, index)
    if dataset.name == "deadleaves" or index % _ONE_SCENE_IN == 0:
        return _unseen_scene(generator, size)
    return _changed_test_image(dataset, generator, size)


def _unseen_scene(generator: np.random.Generator, size: int) -> Pair:
    made = scene(int(generator.integers(1 << 62)))
    return resize_image(made.image, size), COURSE.apply(made.boundaries, size)


def _changed_test_image(dataset: Dataset, generator: np.random.Generator, size: int) -> Pair:
    image_id = str(generator.choice(dataset.ids("test")))
    image = dataset.image("test", image_id)
    boundaries = dataset.boundaries("test", image_id)
    height, width = image.shape[:2]
    high, wide = round(_CROP * height), round(_CROP * width)
    top = int(generator.integers(height - high + 1))
    left = int(generator.integers(width - wide + 1))
    image = image[top : top + high, left : left + wide]
    boundaries = boundaries[:, top : top + high, left : left + wide]
    if generator.random() < 0.5:
        image, boundaries = image[:, ::-1], boundaries[:, :, ::-1]
    changed = Image.fromarray(np.ascontiguousarray(image))
    for enhancer in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        changed = enhancer(changed).enhance(float(generator.uniform(0.85, 1.15)))
    return resize_image(np.asarray(changed), size), COURSE.apply(boundaries, size)
