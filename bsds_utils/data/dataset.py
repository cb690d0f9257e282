"""One interface to images and annotations, whichever source they come from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bsds_utils.data.cache import cached_arrays, fingerprint
from bsds_utils.data.files import printable
from bsds_utils.data.groundtruth import GroundTruth, read_ground_truth
from bsds_utils.data.imagefile import image_shape, read_image
from bsds_utils.data.manifest import SPLITS
from bsds_utils.data.progress import bar
from bsds_utils.errors import BSDSError

if TYPE_CHECKING:
    from bsds_utils.masks import MaskProtocol
    from bsds_utils.views import RandomViews

__all__ = ["Arrays", "Dataset"]

_ARRAYS_FORMAT = 1  # raise it when the same files and arguments give other arrays


class _ImagesMasksIds(NamedTuple):
    images: NDArray[np.uint8]
    masks: NDArray[np.uint8]
    ids: tuple[str, ...]


class Arrays(_ImagesMasksIds):
    """A split as arrays of one size; unpacks into images, masks and ids.

    Attributes
    ----------
    images
        uint8 (N, S, S, 3), RGB 0–255, squashed to a square.
    masks
        uint8 (N, S, S, 1), 1 on boundaries and 0 elsewhere.
    ids
        The N image ids, in the same order.
    """

    _origin: "tuple[Dataset, str, MaskProtocol] | None" = None

    def views(self, batch_size: int = 8, seed: int = 0) -> "RandomViews":
        """Return batches of random views of the images, with their masks, to train on.

        Parameters
        ----------
        batch_size
            Views per batch.
        seed
            Everything random depends on it and on the epoch alone.

        Returns
        -------
        bsds_utils.RandomViews
            Turned, mirrored, zoomed, stretched and recoloured, as large as these arrays.

        Raises
        ------
        BSDSError
            If a file has been damaged or removed meanwhile, or `Dataset.load` did not make this.
        ValueError
            If ``batch_size`` is less than 1.
        """
        from bsds_utils.views import RandomViews

        if self._origin is None:
            raise BSDSError("views: expected what dataset.load gives, found other arrays")
        dataset, split, protocol = self._origin
        return RandomViews(
            dataset, split, self.images.shape[1], batch_size, protocol=protocol, seed=seed
        )


class _Truth(Mapping[str, NDArray[np.bool_]]):
    def __init__(self, dataset: "Dataset", split: str) -> None:
        self._dataset, self._split, self._ids = dataset, split, dataset.ids(split)

    def __getitem__(self, image_id: str) -> NDArray[np.bool_]:
        if image_id not in self._ids:
            raise KeyError(image_id)
        return self._dataset.boundaries(self._split, image_id)

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)


@dataclass(frozen=True)
class Dataset:
    """Images with the boundaries that several people drew, in three splits.

    Made by `bsds_utils.open_dataset`.

    Attributes
    ----------
    name
        ``"bsds500"`` or ``"deadleaves"``.
    root
        The folder that holds ``images`` and ``groundTruth``.
    pairs
        By split, by image id: the paths of the image and of its ground truth.
    arrays_folder
        Where `load` keeps its arrays.
    """

    name: str
    root: Path
    pairs: dict[str, dict[str, tuple[Path, Path]]]
    arrays_folder: Path

    def __repr__(self) -> str:
        counts = ", ".join(f"{split} {len(self.pairs[split])}" for split in SPLITS)
        return f"Dataset({self.name}: {counts}; {printable(self.root)})"

    def _split(self, split: str) -> dict[str, tuple[Path, Path]]:
        if split not in self.pairs:
            raise BSDSError(f"split: expected one of {', '.join(SPLITS)}, found {split!r}")
        return self.pairs[split]

    def _pair(self, split: str, image_id: str) -> tuple[Path, Path]:
        pairs = self._split(split)
        if image_id not in pairs:
            elsewhere = [other for other in SPLITS if image_id in self.pairs[other]]
            hint = f"it is in {elsewhere[0]!r}" if elsewhere else "ids(split) lists them"
            raise BSDSError(f"image id: found {image_id!r}, which is not in {split!r}; {hint}")
        return pairs[image_id]

    def ids(self, split: str) -> tuple[str, ...]:
        """Return the image ids of a split in sorted order.

        Parameters
        ----------
        split
            ``"train"``, ``"val"`` or ``"test"``.

        Raises
        ------
        BSDSError
            If there is no such split.
        """
        return tuple(self._split(split))

    def image(self, split: str, image_id: str) -> NDArray[np.uint8]:
        """Return an image as uint8 (H, W, 3), RGB 0–255.

        Raises
        ------
        BSDSError
            If there is no such image, or its file is damaged.
        """
        return read_image(self._pair(split, image_id)[0])

    def shape(self, split: str, image_id: str) -> tuple[int, int]:
        """Return an image's height and width in pixels.

        Raises
        ------
        BSDSError
            If there is no such image, or its file is damaged.
        """
        return image_shape(self._pair(split, image_id)[0])

    def _truth(self, split: str, image_id: str) -> GroundTruth:
        image, truth = self._pair(split, image_id)
        return read_ground_truth(truth, image_shape(image))

    def boundaries(self, split: str, image_id: str) -> NDArray[np.bool_]:
        """Return each annotator's boundaries as bool (A, H, W).

        Raises
        ------
        BSDSError
            If there is no such image, or a file is damaged.
        """
        return self._truth(split, image_id).boundaries

    def segmentations(self, split: str, image_id: str) -> NDArray[np.uint16]:
        """Return each annotator's regions as uint16 (A, H, W), one number a region.

        Raises
        ------
        BSDSError
            If there is no such image, or a file is damaged.
        """
        return self._truth(split, image_id).segmentations

    def truth(self, split: str) -> Mapping[str, NDArray[np.bool_]]:
        """Return all boundaries of a split, each image's read when it is asked for.

        Parameters
        ----------
        split
            ``"train"``, ``"val"`` or ``"test"``.

        Returns
        -------
        Mapping
            By image id, in order: bool (A, H, W), as `boundaries`.

        Raises
        ------
        BSDSError
            If there is no such split.
        """
        return _Truth(self, split)

    def load(
        self, split: str, size: int = 168, protocol: "str | MaskProtocol" = "course"
    ) -> Arrays:
        """Return all images and masks of a split, squashed to size × size.

        The arrays are kept in the user's cache and read from there the next time, as long as
        the files' names, sizes and times of change stay the same.

        Parameters
        ----------
        split
            ``"train"``, ``"val"`` or ``"test"``.
        size
            Height and width S of the arrays in pixels.
        protocol
            How masks are made: ``"course"``, ``"thin"`` or a `MaskProtocol`.

        Returns
        -------
        Arrays
            ``images`` uint8 (N, S, S, 3), ``masks`` uint8 (N, S, S, 1) of 0 and 1, ``ids``.

        Raises
        ------
        BSDSError
            If there is no such split, or a file is damaged.
        ValueError, TypeError
            If the size is no positive whole number, or the protocol is unknown.
        """
        from bsds_utils.masks import get_protocol

        if isinstance(size, bool) or not isinstance(size, int | np.integer):
            raise TypeError(f"size: expected a whole number of pixels, found {size!r}")
        if size < 1:
            raise ValueError(f"size: expected at least 1 pixel, found {size}")
        size = int(size)
        mask_protocol = get_protocol(protocol)
        pairs = self._split(split)
        shape = (len(pairs), size, size)

        def make() -> dict[str, NDArray[Any]]:
            return self._make(split, size, mask_protocol)

        def fits(arrays: Any) -> bool:
            return (
                set(arrays) == {"images", "masks", "ids"}
                and arrays["images"].shape == (*shape, 3)
                and arrays["masks"].shape == (*shape, 1)
                and arrays["images"].dtype == arrays["masks"].dtype == np.uint8
                and tuple(arrays["ids"].tolist()) == tuple(pairs)
            )

        paths = [path for pair in pairs.values() for path in pair]
        try:
            key = fingerprint(self.root, paths, _ARRAYS_FORMAT, size, mask_protocol)
        except OSError as error:
            raise BSDSError(
                f"{printable(error.filename)}: cannot be read ({error.strerror}); restore it "
                "(`bsds data` checks all files)"
            ) from error
        name = f"{self.name}-{split}-{size}-{mask_protocol.name}-{key}.npz"
        arrays = cached_arrays(self.arrays_folder / name, make, fits)
        loaded = Arrays(arrays["images"], arrays["masks"], tuple(pairs))
        loaded._origin = (self, split, mask_protocol)
        return loaded

    def _make(self, split: str, size: int, protocol: "MaskProtocol") -> dict[str, NDArray[Any]]:
        from bsds_utils.images import resize_image

        pairs = self._split(split)
        images = np.empty((len(pairs), size, size, 3), np.uint8)
        masks = np.empty((len(pairs), size, size, 1), np.uint8)
        steps = bar(pairs.values(), f"{split} at {size}", unit="images")
        for index, (image_path, truth_path) in enumerate(steps):
            image = read_image(image_path)
            truth = read_ground_truth(truth_path, (image.shape[0], image.shape[1]))
            images[index] = resize_image(image, size)
            masks[index, ..., 0] = protocol.apply(truth.boundaries, size)
        return {"images": images, "masks": masks, "ids": np.array(list(pairs))}
