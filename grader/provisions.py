"""What a sandbox is given to work with: the data set, its cached arrays, the encoder's weights."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bsds_utils import open_dataset
from bsds_utils.data.source import arrays_folder
from bsds_utils.errors import BSDSError
from grader.course import Assignment
from grader.hidden_data import hidden_set
from grader.settings import Settings
from grader.trusted import trusted_processes
from grader.workplace import Workplace

__all__ = ["Provisions", "encoder_weights", "prepare"]

_RANDOM_ENCODER = "random_encoder.weights.h5"
_lock = threading.Lock()


@dataclass(frozen=True)
class Provisions:
    """Read-only files for a sandbox.

    Attributes
    ----------
    data, arrays
        Root of the data set, and the folder of its cached arrays.
    encoder
        Weights file, for an assignment that uses one.
    """

    data: Path
    arrays: Path
    encoder: Path | None

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


def prepare(assignment: Assignment, settings: Settings, workplace: Workplace) -> Provisions:
    """Make sure that everything a submission needs exists, and say where to mount it.

    Images are decoded and resized here, once for the class, and read from the cache inside; the
    hidden images are made here too, so that submissions are checked without delay.
    """
    # Submissions graded side by side must not make the same files twice.
    with _lock:
        dataset = open_dataset(settings.data_source, settings.data_root)
        for split in ("train", "val", "test"):
            dataset.load(split, size=assignment.size)
        dataset.load("val", size=assignment.size, protocol="thin")
        hidden_set(dataset, settings.secret, assignment.size, workplace.hidden_data)
        arrays = arrays_folder().resolve()
        arrays.mkdir(parents=True, exist_ok=True)
        return Provisions(
            data=dataset.root.resolve(),
            arrays=arrays,
            encoder=encoder_weights(settings, workplace) if assignment.encoder else None,
        )


def encoder_weights(settings: Settings, workplace: Workplace) -> Path:
    """Return the encoder weights that submissions start from.

    Without ImageNet weights at hand a random encoder, the same for everybody, stands in, so that
    the course can be tried and tested anywhere.
    """
    if settings.encoder_weights is not None:
        return settings.encoder_weights
    path = workplace.private / _RANDOM_ENCODER
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        process = trusted_processes().Process(target=_write_random_encoder, args=(path,))
        process.start()
        process.join()
        if not path.exists():
            raise BSDSError(f"expected to write a random encoder to {path}; is the disk full?")
    return path


def _write_random_encoder(path: Path) -> None:
    import keras

    keras.utils.set_random_seed(0)
    whole = keras.applications.ResNet50(include_top=False, weights=None)
    encoder = keras.Model(whole.input, whole.get_layer("conv4_block6_out").output)
    part = path.with_name(f"part-{path.name}")
    encoder.save_weights(part)
    part.replace(path)
