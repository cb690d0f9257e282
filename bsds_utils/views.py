"""Random views of images, each with the exact mask of what it shows.

A mask that is turned or zoomed as a picture gets thicker, thinner or jagged. So a view's mask is
made anew from the annotators' boundary pixels, which are moved one by one.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import keras
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from scipy import ndimage

from bsds_utils.data.dataset import Dataset
from bsds_utils.masks import MaskProtocol, get_protocol

__all__ = ["RandomViews"]

_TURN = math.radians(20)
_ZOOM = (0.95, 1.7)
_NATIVE_ZOOM = (0.6, 1.25)
_ASPECT = 1.2
_MARGIN = 0.25
"""Share of its height and width by which an image is continued by reflection on either side.

The largest view, turned by 20°, stretched by √1.2 and zoomed by 0.95, reaches out by 0.24.
"""
_PASTED = (0.03, 0.5)
"""How large a part of a view a region may be that is pasted onto another."""
_SOFT = 0.7
"""Radius, in pixels, by which the edge of what is pasted is blurred."""


class _Scene(NamedTuple):
    """An image with margins, and its boundary pixels.

    Attributes
    ----------
    picture
        The image with its margins.
    regions
        An annotator's regions, numbered, with the same margins; None where nothing is pasted.
    points
        float32, shape (P, 2): x and y of the centres of boundary pixels, in the picture's pixels.
    corner
        x and y of the image's corner in the picture.
    extent
        Width and height of the image.
    """

    picture: Image.Image
    regions: Image.Image | None
    points: NDArray[np.float32]
    corner: tuple[int, int]
    extent: tuple[int, int]


@dataclass(frozen=True)
class _View:
    """What a view shows, and how.

    Attributes
    ----------
    centre
        x and y in the scene's picture, in its pixels.
    extent
        Width and height of what is shown, in the same pixels, before it is turned.
    angle
        Counter-clockwise, in radians.
    flip
        Whether left and right are swapped in the end.
    quarters
        Quarter turns in the end.
    thickness
        How many times thicker than in the protocol boundaries are.
    """

    centre: tuple[float, float]
    extent: tuple[float, float]
    angle: float
    flip: bool
    quarters: int
    thickness: float = 1.0


class _Shown(NamedTuple):
    """What a view shows.

    Attributes
    ----------
    image
        float32, shape (S, S, 3), recoloured.
    mask
        uint8, shape (S, S): 1 on boundaries.
    regions
        uint8, shape (S, S): numbers of an annotator's regions; None if none of them is pasted.
    thick
        Thickens boundaries of one pixel as the mask's are.
    """

    image: NDArray[np.float32]
    mask: NDArray[np.uint8]
    regions: NDArray[np.uint8] | None
    thick: MaskProtocol


class RandomViews(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of random views: turned, mirrored, zoomed, stretched and recoloured.

    Parameters
    ----------
    dataset
        Where the images come from.
    splits
        One split, or several that are put together.
    size
        Height and width S of the views in pixels.
    batch_size
        Views per batch.
    protocol
        How masks are made: ``"course"``, ``"thin"`` or a :class:`~bsds_utils.MaskProtocol`.
    native
        Share of the views that show a part of the image at about its own resolution and in its
        own proportions; the others show most of it, squashed to a square, as ``Dataset.load``
        does.
    spread
        How far zooms go from the scale at which a model is used, in [0, 1]: 1 as far as below, 0
        not at all.
    paste
        Share of the views onto which a region of another image's view is pasted.
    seed
        Everything random depends on it and on the epoch alone.
    first_epoch
        Epochs that an interrupted training has done, after which this one goes on.

    Raises
    ------
    BSDSError
        If there is no such split, or a file is damaged.
    ValueError
        If an argument is out of range.

    Notes
    -----
    Each batch is a pair of float32 arrays: images (B, S, S, 3) in 0–255, masks (B, S, S, 1) in
    {0, 1}. An epoch has one view of each image, in random order.

    Views are turned by up to 20° and by quarter turns, zoomed by 0.95 to 1.7 (or, at native
    resolution, 0.6 to 1.25 pixels a pixel), stretched by up to 1.2, mirrored, and changed in
    brightness, contrast and saturation.

    At native resolution boundaries are thickened by more pixels than the protocol says: by as
    large a part of the image as in a squashed one. Annotators of a large image miss each other by
    more pixels, too, and a map that is made small again keeps boundaries that can be seen.

    What is pasted is a region that an annotator drew, with the boundaries inside of it and its
    outline [1]_: few images give many more neighbourhoods of colours and textures.

    References
    ----------
    .. [1] Ghiasi et al., "Simple copy-paste is a strong data augmentation method for instance
       segmentation", CVPR 2021.
    """

    def __init__(
        self,
        dataset: Dataset,
        splits: str | Sequence[str] = "train",
        size: int = 168,
        batch_size: int = 8,
        protocol: str | MaskProtocol = "course",
        native: float = 0.0,
        spread: float = 1.0,
        paste: float = 0.0,
        seed: int = 0,
        first_epoch: int = 0,
    ) -> None:
        super().__init__()
        if size < 1 or batch_size < 1:
            raise ValueError(
                f"size, batch_size: expected at least 1, found {size!r} and {batch_size!r}"
            )
        for name, share in (("native", native), ("paste", paste)):
            if not 0 <= share <= 1:
                raise ValueError(f"{name}: expected a share in [0, 1], found {share!r}")
        if not 0 <= spread <= 1:
            raise ValueError(f"spread: expected a number in [0, 1], found {spread!r}")
        self.size = size
        self.batch_size = batch_size
        self.protocol = get_protocol(protocol)
        self.native = native
        self.spread = spread
        self.paste = paste
        self.seed = seed
        self._scenes = [
            _scene(dataset, split, image_id, self.protocol, regions=paste > 0)
            for split in ([splits] if isinstance(splits, str) else splits)
            for image_id in dataset.ids(split)
        ]
        self._begun = first_epoch
        self._draw(first_epoch)

    def on_epoch_begin(self) -> None:
        """Draw this epoch's order; Keras calls it before each epoch."""
        self._draw(self._begun)
        self._begun += 1

    def _draw(self, epoch: int) -> None:
        self._epoch = epoch
        self._order = np.random.default_rng((self.seed, epoch)).permutation(len(self._scenes))

    def __len__(self) -> int:
        """Batches per epoch."""
        return math.ceil(len(self._scenes) / self.batch_size)

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Make batch number ``index`` of this epoch."""
        chosen = self._order[index * self.batch_size : (index + 1) * self.batch_size]
        if not len(chosen):
            raise IndexError(f"batch {index} of {len(self)}")
        images = np.empty((len(chosen), self.size, self.size, 3), dtype=np.float32)
        masks = np.empty((len(chosen), self.size, self.size, 1), dtype=np.float32)
        for place, number in enumerate(chosen):
            random = np.random.default_rng((self.seed, self._epoch, int(number)))
            native = random.random() < self.native
            shown = self._shown(random, int(number), native)
            image, mask = shown.image, shown.mask
            if random.random() < self.paste:
                donor = int(random.integers(len(self._scenes)))
                other = self._shown(random, donor, native, regions=True)
                image, mask = _pasted(random, shown, other)
            images[place], masks[place, ..., 0] = image, mask
        return images, masks

    def _shown(
        self, random: np.random.Generator, number: int, native: bool, regions: bool = False
    ) -> _Shown:
        scene = self._scenes[number]
        view = _random_view(random, scene, self.size, native, self.spread)
        image = _recolour(random, _show(scene.picture, view, self.size))
        mask = _mask(scene, view, self.size, self.protocol)
        numbered = _show(scene.regions, view, self.size) if regions and scene.regions else None
        return _Shown(image, mask, numbered, _thick(view, self.protocol))


def _scene(
    dataset: Dataset, split: str, image_id: str, protocol: MaskProtocol, regions: bool = False
) -> _Scene:
    image = dataset.image(split, image_id)
    height, width = image.shape[:2]
    # At its own size and not thickened: which pixels count as boundary.
    bare = MaskProtocol(protocol.name, protocol.consensus, "cover", 0)
    marked = bare.apply(dataset.boundaries(split, image_id), (height, width))
    above, left = math.ceil(_MARGIN * height), math.ceil(_MARGIN * width)
    margins = ((above, above), (left, left))
    rows, columns = np.nonzero(np.pad(marked, margins, mode="symmetric"))
    points = np.stack([columns, rows], axis=1).astype(np.float32) + np.float32(0.5)
    picture = Image.fromarray(np.pad(image, (*margins, (0, 0)), mode="symmetric"))
    numbered = None
    if regions:
        # A byte for each number: should there be more regions, the last are one.
        first = np.minimum(dataset.segmentations(split, image_id)[0], 255).astype(np.uint8)
        numbered = Image.fromarray(np.pad(first, margins, mode="symmetric"))
    return _Scene(picture, numbered, points, (left, above), (width, height))


def _random_view(
    random: np.random.Generator, scene: _Scene, size: int, native: bool, spread: float
) -> _View:
    root = math.exp(random.uniform(-1, 1) * math.log(_ASPECT) / 2)
    low, high = _NATIVE_ZOOM if native else _ZOOM
    zoom = math.exp(spread * random.uniform(math.log(low), math.log(high)))
    extent = []
    for length, stretch in zip(scene.extent, (root, 1 / root), strict=True):
        # A part at native resolution is no larger than the image.
        extent.append(min(size * stretch / zoom, length) if native else length * stretch / zoom)
    # Half of the views are not turned, so that half are not smoothed by it.
    angle = random.uniform(-_TURN, _TURN) if random.random() < 0.5 else 0.0
    x, y = (
        start + _place(random, length, shown)
        for start, length, shown in zip(scene.corner, scene.extent, extent, strict=True)
    )
    flip, quarters = bool(random.integers(2)), int(random.integers(4))
    thickness = math.sqrt(math.prod(scene.extent) / math.prod(extent)) if native else 1.0
    return _View((x, y), (extent[0], extent[1]), angle, flip, quarters, thickness)


def _place(random: np.random.Generator, length: int, shown: float) -> float:
    """Choose the middle of a part of a length, inside of it if it fits."""
    if shown >= length:
        return length / 2
    return float(random.uniform(shown / 2, length - shown / 2))


def _canvas(view: _View, size: int) -> tuple[int, tuple[float, float, float, float]]:
    """Side of the square that holds a turned view, and the part of the picture that it shows."""
    grown = abs(math.cos(view.angle)) + abs(math.sin(view.angle))
    # As even or odd as the size, so that the view is in its middle to the pixel.
    side = size + 2 * math.ceil(size * (grown - 1) / 2)
    (x, y), (width, height) = view.centre, view.extent
    right, below = width * side / size / 2, height * side / size / 2
    return side, (x - right, y - below, x + right, y + below)


def _show(picture: Image.Image, view: _View, size: int) -> NDArray[np.uint8]:
    side, box = _canvas(view, size)
    # Reduced with the filter of resize_image, which models meet when they are used. Between the
    # numbers of two regions there is nothing.
    reducing, turning = Image.Resampling.BILINEAR, Image.Resampling.BICUBIC
    if picture.mode == "L":
        reducing = turning = Image.Resampling.NEAREST
    canvas = picture.resize((side, side), reducing, box=box)
    if view.angle:
        canvas = canvas.rotate(math.degrees(view.angle), turning)
    border = (side - size) // 2
    pixels = np.asarray(canvas)[border : border + size, border : border + size]
    return _turned(pixels, view)


def _thick(view: _View, protocol: MaskProtocol) -> MaskProtocol:
    return MaskProtocol(protocol.name, "union", "cover", round(protocol.dilate * view.thickness))


def _mask(scene: _Scene, view: _View, size: int, protocol: MaskProtocol) -> NDArray[np.uint8]:
    scale = np.array([size / length for length in view.extent], dtype=np.float32)
    # From the middle of the view, in its pixels, x to the right and y down.
    x, y = ((scene.points - np.array(view.centre, dtype=np.float32)) * scale).T
    cosine, sine = math.cos(view.angle), math.sin(view.angle)
    columns = np.floor(cosine * x + sine * y + size / 2).astype(np.int64)
    rows = np.floor(cosine * y - sine * x + size / 2).astype(np.int64)
    seen = (columns >= 0) & (columns < size) & (rows >= 0) & (rows < size)
    mask = np.zeros((size, size), dtype=bool)
    mask[rows[seen], columns[seen]] = True
    return _turned(_thick(view, protocol).apply(mask[None], size), view)


def _turned(array: NDArray[np.uint8], view: _View) -> NDArray[np.uint8]:
    return np.rot90(array[:, ::-1] if view.flip else array, view.quarters)


def _recolour(random: np.random.Generator, image: NDArray[np.uint8]) -> NDArray[np.float32]:
    pixels = image.astype(np.float32)
    grey = pixels.mean(axis=-1, keepdims=True)
    pixels = grey + (pixels - grey) * np.float32(random.uniform(0.5, 1.4))
    middle = pixels.mean()
    pixels = middle + (pixels - middle) * np.float32(random.uniform(0.75, 1.25))
    pixels += random.uniform(-20, 20, 3).astype(np.float32)
    clipped: NDArray[np.float32] = np.clip(pixels, 0, 255)
    return clipped


def _pasted(
    random: np.random.Generator, under: _Shown, over: _Shown
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Put a region of one view onto another, in the same place."""
    assert over.regions is not None
    low, high = (share * over.regions.size for share in _PASTED)
    sizes = np.bincount(over.regions.ravel())
    fitting = np.flatnonzero((low <= sizes) & (sizes <= high))
    if not len(fitting):
        return under.image, under.mask
    inside = over.regions == random.choice(fitting)
    # As soft as edges in photographs are.
    soft = Image.fromarray(np.where(inside, np.uint8(255), np.uint8(0)))
    soft = soft.filter(ImageFilter.GaussianBlur(_SOFT))
    share: NDArray[np.float32] = np.asarray(soft, dtype=np.float32)[..., None] / np.float32(255)
    rim = inside & ~ndimage.binary_erosion(inside, border_value=1)
    outline = over.thick.apply(rim[None], inside.shape)
    return (
        share * over.image + (1 - share) * under.image,
        np.where(inside, over.mask, under.mask) | outline,
    )
