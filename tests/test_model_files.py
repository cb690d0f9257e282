"""Model files: what is not made of built-in Keras alone is refused, and loads nowhere else."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from opened_models import LIMIT, OpenModel, model_sandbox, open_model, saved

from grader.checking.artifacts import ArtifactError
from grader.keras_models.allowlist import check_model_file
from grader.keras_models.opened import ModelSandbox

__all__ = ["model_sandbox", "open_model"]


def _model() -> Any:
    image = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(2, 3, padding="same", kernel_regularizer="l2")(image)
    x = keras.layers.BatchNormalization()(x) + keras.ops.mean(image, axis=-1, keepdims=True)
    return keras.Model(image, keras.layers.Conv2D(1, 1, activation="sigmoid")(x))


def test_builtin_models_are_opened(open_model: OpenModel) -> None:
    """A model of built-in layers and operations comes back as it was."""
    model = _model()
    image = np.ones((1, 8, 8, 3), np.float32)
    np.testing.assert_allclose(model(image), open_model(model).run(image).outputs, rtol=1e-6)


@keras.saving.register_keras_serializable("mine")
class _Own(keras.layers.Layer):  # type: ignore[misc]
    """A student's own class."""

    def call(self, x: Any) -> Any:
        """Return the input."""
        return x


@pytest.mark.parametrize(
    "layer",
    [keras.layers.Lambda(lambda x: x), _Own()],
    ids=["lambda", "own class"],
)
def test_own_code_is_refused(layer: Any, tmp_path: Path) -> None:
    """Lambda layers and own classes, which loading would run, are refused by name."""
    image = keras.Input((2,))
    data = saved(keras.Model(image, layer(image)), tmp_path)
    with pytest.raises(ArtifactError, match=r"Lambda|_Own"):
        check_model_file(data, "m.keras", LIMIT)


def _archive(tmp_path: Path, **changes: bytes | None) -> bytes:
    """Return a saved model with members of its archive replaced, added or removed."""
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(saved(_model(), tmp_path))) as old,
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        members = {name: old.read(name) for name in old.namelist()}
        for name, data in (members | changes).items():
            if data is not None:
                new.writestr(name, data)
    return stream.getvalue()


def _config(**parts: Any) -> bytes:
    model = {"class_name": "Functional", "module": "keras.src.models.functional"}
    return json.dumps(model | parts).encode()


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    """A file of which loading makes an optimizer is not taken for a model."""
    adam = keras.saving.serialize_keras_object(keras.optimizers.Adam())
    with pytest.raises(ArtifactError, match=r"m\.keras uses Adam"):
        check_model_file(
            _archive(tmp_path, **{"config.json": json.dumps(adam).encode()}), "m.keras", LIMIT
        )


@pytest.mark.parametrize(
    "changes",
    [
        {"config.json": None},
        {"config.json": b"{"},
        {"config.json": b"[" * 100_000},
        {"evil.py": b"print(1)"},
        {"assets/data.bin": b"1"},
        {"model.weights.h5": bytes(2 * LIMIT)},
        {"config.json": _config(module="os", class_name="system")},
        {"config.json": _config(module="builtins", class_name="eval")},
        {"config.json": _config(config={"x": [{"class_name": "__lambda__", "config": {}}]})},
        {"config.json": _config(config={"class_name": "TFSMLayer", "module": "keras.layers"})},
        {"config.json": _config(registered_name="mine>Functional")},
        {"config.json": _config(module=None)},
        {"config.json": b"3"},
        {"config.json": b"{}"},
    ],
)  # fmt: skip
def test_tampered_archives_are_refused(changes: dict[str, bytes | None], tmp_path: Path) -> None:
    """Missing, foreign, oversized or hostile members end in an artifact error, never a load."""
    with pytest.raises(ArtifactError, match=r"m\.keras") as refusal:
        check_model_file(_archive(tmp_path, **changes), "m.keras", LIMIT)
    assert refusal.value.kind == "refused"


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"text", bytes(100)])
def test_what_is_no_archive_is_refused(data: bytes) -> None:
    """Files that are no zip archive are an artifact error."""
    with pytest.raises(ArtifactError, match="cannot be read"):
        check_model_file(data, "m.keras", LIMIT)


def test_zip_bombs_are_refused_before_they_unpack(tmp_path: Path) -> None:
    """What an archive says it unpacks to is looked at first."""
    data = _archive(tmp_path, **{"model.weights.h5": bytes(64 << 20)})
    assert len(data) < LIMIT
    with pytest.raises(ArtifactError, match="more than 8 MB"):
        check_model_file(data, "m.keras", LIMIT)


def _broken(data: bytes, method: int) -> bytes:
    """Pack a model's members with a method, and damage what was packed."""
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as old,
        zipfile.ZipFile(stream, "w", method) as new,
    ):
        for name in old.namelist():
            new.writestr(name, old.read(name))
        start = new.getinfo("config.json").header_offset + 60
    packed = bytearray(stream.getvalue())
    packed[start : start + 40] = b"\xff" * 40
    return bytes(packed)


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_broken_packing_is_refused(method: int, tmp_path: Path) -> None:
    """Damage that shows only on unpacking is an artifact error, whatever the packing."""
    data = _broken(saved(_model(), tmp_path), method)
    with pytest.raises(ArtifactError, match=r"cannot be read|not a file that model\.save writes"):
        check_model_file(data, "m.keras", LIMIT)


def test_locked_archives_are_refused(tmp_path: Path) -> None:
    """A member that needs a password is an artifact error."""
    data = bytearray(saved(_model(), tmp_path))
    for mark, place in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        start = data.find(mark)
        while start >= 0:
            data[start + place] |= 1
            start = data.find(mark, start + 4)
    with pytest.raises(ArtifactError, match="cannot be read"):
        check_model_file(bytes(data), "m.keras", LIMIT)


def test_long_lists_of_members_are_refused_unread(tmp_path: Path) -> None:
    """An archive of very many empty members is refused before they become objects."""
    data = _archive(tmp_path, **{f"m{number}": b"" for number in range(1000)})
    with pytest.raises(ArtifactError, match="not a file that"):
        check_model_file(data, "m.keras", LIMIT)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_members_that_are_there_twice_are_refused(tmp_path: Path) -> None:
    """A second member of the same name, which another reader might take, is an artifact error."""
    stream = io.BytesIO(saved(_model(), tmp_path))
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr("config.json", archive.read("config.json"))
    with pytest.raises(ArtifactError, match="not a file that"):
        check_model_file(stream.getvalue(), "m.keras", LIMIT)


def test_weights_in_constants_are_refused(tmp_path: Path) -> None:
    """Filters in the graph, which no count of weights sees, are refused; a few numbers are not."""
    image = keras.Input((None, None, 3))
    means = np.array([103.9, 116.8, 123.7], np.float32)
    check_model_file(saved(keras.Model(image, image - means), tmp_path), "m.keras", LIMIT)
    kernel = np.ones((5, 5, 3, 8), np.float32)
    filtered = keras.ops.conv(image, kernel, padding="same")
    with pytest.raises(ArtifactError, match="constant numbers"):
        check_model_file(saved(keras.Model(image, filtered), tmp_path), "m.keras", LIMIT)


def _external_link(file: h5py.File, name: str) -> None:
    file[name] = h5py.ExternalLink("/etc/passwd", "x")


def _external_storage(file: h5py.File, name: str) -> None:
    place = [("/etc/passwd", 0, h5py.h5f.UNLIMITED)]
    file.create_dataset(name, shape=(3, 3, 3, 2), dtype="f4", external=place)


def _virtual(file: h5py.File, name: str) -> None:
    layout = h5py.VirtualLayout(shape=(3, 3, 3, 2), dtype="f4")
    layout[...] = h5py.VirtualSource("/etc/passwd", "x", shape=(3, 3, 3, 2))
    file.create_virtual_dataset(name, layout)


def _endless(file: h5py.File, name: str) -> None:
    file.create_dataset(name, shape=(1 << 40,), dtype="f4", chunks=(1 << 20,))


@pytest.mark.parametrize("replace", [_external_link, _external_storage, _virtual, _endless])
def test_weights_outside_the_file_are_refused(
    replace: Callable[[h5py.File, str], None], tmp_path: Path, model_sandbox: ModelSandbox
) -> None:
    """Weights that lie in other files, or nowhere, are not loaded."""
    with zipfile.ZipFile(io.BytesIO(saved(_model(), tmp_path))) as archive:
        weights = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(weights, "a") as file:
        del file["layers/conv2d/vars/0"]
        replace(file, "layers/conv2d/vars/0")
    data = _archive(tmp_path, **{"model.weights.h5": weights.getvalue()})
    with pytest.raises(ArtifactError, match="cannot be loaded"):
        model_sandbox.open(data, "m.keras")
