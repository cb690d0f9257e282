"""What a sandbox is given to work with: the data set, its cached arrays, the encoder's weights."""

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bsds_utils import Dataset, open_dataset, quiet_start
from bsds_utils.atomic import written_whole
from bsds_utils.data.cache import fingerprint
from bsds_utils.data.source import arrays_folder
from bsds_utils.errors import BSDSError
from grader.assignment import Inputs
from grader.checking.forkserver import trusted_processes
from grader.course.hidden_data import hidden_set
from grader.course.network import NetworkAssignment
from grader.course.settings import BoundarySettings
from grader.folders import Workplace

__all__ = ["BoundaryInputs", "encoder_weights", "prepare", "reference_encoder"]

_RANDOM_ENCODER = "random_encoder.weights.h5"
_REFERENCE = "reference_encoder_{}.keras"
_lock = threading.Lock()
_identities: dict[str, str] = {}


@dataclass(frozen=True)
class BoundaryInputs(Inputs):
    """Data set and weights.

    Attributes
    ----------
    data, arrays
        Root of the data set, and the folder of its cached arrays.
    encoder
        Weights file, for an assignment that uses one.
    """

    data: Path = Path()
    arrays: Path = Path()
    encoder: Path | None = None

    @property
    def mounts(self) -> dict[Path, Path]:
        """Path outside → path inside."""
        mounts = {self.data: Path("/data"), self.arrays: Path("/cache/arrays")}
        if self.encoder is not None:
            mounts[self.encoder] = Path("/weights") / self.encoder.name
        return mounts

    def variables(self, inside: Callable[[Path], Path]) -> dict[str, str]:
        """Environment that tells the library where to look, given how paths are mapped."""
        variables = {
            "BSDS500_ROOT": str(inside(self.data)),
            "BSDS_CACHE": str(inside(self.arrays).parent),
        }
        if self.encoder is not None:
            variables["BSDS_ENCODER_WEIGHTS"] = str(inside(self.encoder))
        return variables


def prepare(
    assignment: NetworkAssignment, settings: BoundarySettings, workplace: Workplace
) -> Inputs:
    """Make sure that everything a submission needs exists, and say where to mount it.

    Images are decoded and resized here, once for the class, and read from the cache inside; the
    hidden images are made here too, so that submissions are checked without delay.
    """
    dataset = open_dataset(settings.data_source, settings.data_root)
    arrays = arrays_folder().resolve()
    # Submissions graded side by side must not make the same files twice.
    with _lock:
        encoder = None
        if assignment.encoder:
            encoder = encoder_weights(settings, workplace)
            reference_encoder(settings, workplace)
        files = [
            path for split in dataset.pairs.values() for pair in split.values() for path in pair
        ]
        made_of = fingerprint(
            dataset.root, files, dataset.name, arrays, assignment.size, settings.secret,
            workplace.hidden_data, encoder and (encoder, encoder.stat().st_mtime_ns),
        )  # fmt: skip
        if made_of not in _identities:
            _identities[made_of] = _make(dataset, assignment, settings, workplace, encoder)
        arrays.mkdir(parents=True, exist_ok=True)
        return BoundaryInputs(_identities[made_of], dataset.root.resolve(), arrays, encoder)


def _make(
    dataset: Dataset,
    assignment: NetworkAssignment,
    settings: BoundarySettings,
    workplace: Workplace,
    encoder: Path | None,
) -> str:
    """Make all arrays and return the digest of what submissions are given."""
    digest = hashlib.sha256(dataset.name.encode())
    for split in ("train", "val", "test"):
        loaded = dataset.load(split, size=assignment.size)
        for array in (loaded.images, loaded.masks):
            digest.update(np.ascontiguousarray(array).data)
    dataset.load("val", size=assignment.size, protocol="thin")
    hidden_set(dataset, settings.secret, assignment.size, workplace.hidden_data)
    if encoder is not None:
        digest.update(encoder.read_bytes())
    return digest.hexdigest()


def encoder_weights(settings: BoundarySettings, workplace: Workplace) -> Path:
    """Return the encoder weights that submissions start from.

    Without ImageNet weights at hand a random encoder, the same for everybody, stands in, so that
    the course can be tried and tested anywhere.
    """
    if settings.encoder_weights is not None:
        return settings.encoder_weights
    path = workplace.private / _RANDOM_ENCODER
    _write_once(path, _write_random_encoder)
    return path


def reference_encoder(settings: BoundarySettings, workplace: Workplace) -> Path:
    """Return the real encoder with the weights that submissions start from, as a model file."""
    weights = encoder_weights(settings, workplace).resolve()
    made_of = repr((str(weights), weights.stat().st_mtime_ns, weights.stat().st_size))
    name = _REFERENCE.format(hashlib.sha256(made_of.encode()).hexdigest()[:16])
    path = workplace.private / name
    _write_once(path, _write_reference, weights)
    return path


def _write_once(path: Path, write: Callable[..., None], *arguments: Path) -> None:
    """Write a file in a process that may import Keras, if it is not there yet."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    process = trusted_processes().Process(target=write, args=(path, *arguments))
    process.start()
    process.join()
    if not path.exists():
        raise BSDSError(f"expected to write {path}; is the disk full?")


def _write_random_encoder(path: Path) -> None:
    quiet_start()
    import keras

    keras.utils.set_random_seed(0)
    with written_whole(path) as part:
        _encoder().save_weights(part)


def _write_reference(path: Path, weights: Path) -> None:
    quiet_start()
    from bsds_utils import load_encoder_weights

    encoder = _encoder()
    load_encoder_weights(encoder, weights)
    with written_whole(path) as part:
        encoder.save(part)


def _encoder() -> Any:
    import keras

    whole = keras.applications.ResNet50(include_top=False, weights=None)
    return keras.Model(whole.input, whole.get_layer("conv4_block6_out").output)
