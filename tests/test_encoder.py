"""Encoder weights from a file, from a server, and what happens without either."""

import hashlib
import http.server
import os
import threading
import time
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from bsds_utils import BSDSError, load_encoder_weights
from bsds_utils.models import encoder

_BESIDE = (
    Path(__file__).resolve().parents[2]
    / "shared"
    / "resnet50"
    / "resnet50_imagenet_conv1_conv4.h5"
)
GIVEN = Path(os.environ.get("BSDS_ENCODER_WEIGHTS", _BESIDE))


@pytest.fixture(autouse=True)
def _nothing_outside(monkeypatch, tmp_path):
    """Keep the tests away from the user's settings, Keras' cache and the internet."""
    monkeypatch.delenv("BSDS_ENCODER_WEIGHTS", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(encoder, "WEIGHTS_URL", "http://127.0.0.1:9/nobody.h5")
    for variable in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(variable.upper(), raising=False)


def small(kernel=3, names=("conv1_conv", "conv1_bn", "conv2_block1_1_conv")):
    """Return a model with ResNet50's names but few weights."""
    return keras.Sequential(
        [
            keras.Input((None, None, 3)),
            keras.layers.Conv2D(2, kernel, name=names[0]),
            keras.layers.BatchNormalization(name=names[1]),
            keras.layers.ReLU(name="conv1_relu"),
            keras.layers.Conv2D(2, 1, name=names[2]),
        ]
    )


def write_legacy(path, weights):
    """Write weights by layer name in the layout of Keras' old HDF5 files."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [name.encode() for name in weights]
        file.attrs["backend"], file.attrs["keras_version"] = "tensorflow", "2.0.0"
        for name, arrays in weights.items():
            group = file.create_group(name)
            keys = [f"{name}/weight_{number}:0" for number in range(len(arrays))]
            group.attrs["weight_names"] = [key.encode() for key in keys]
            for key, array in zip(keys, arrays, strict=True):
                group[key] = array


def random_weights(model, seed=0):
    """Return other weights for every layer of a model, by name."""
    random = np.random.default_rng(seed)
    return {
        layer.name: [random.random(w.shape).astype(np.float32) for w in layer.weights]
        for layer in model.layers
    }


def assert_filled(model, weights):
    """Check every weight of every layer."""
    checked = 0
    for layer in model.layers:
        for ours, theirs in zip(layer.get_weights(), weights[layer.name], strict=True):
            np.testing.assert_array_equal(ours, theirs)
            checked += 1
    assert checked == len(model.weights) > 0


@pytest.fixture(scope="module")
def resnet():
    """Return a real ResNet50 cut at conv4."""
    whole = keras.applications.ResNet50(weights=None, include_top=False)
    return keras.Model(whole.input, whole.get_layer("conv4_block6_out").output)


def test_a_real_resnet50_is_filled_completely(resnet, tmp_path):
    """Every weight up to conv4 comes from the file, which may hold more layers."""
    weights = random_weights(resnet)
    more = {"conv5_block1_1_conv": [np.zeros((1, 1, 1024, 512), np.float32)]}
    write_legacy(tmp_path / "weights.h5", weights | more)
    assert load_encoder_weights(resnet, tmp_path / "weights.h5") == "file:weights.h5"
    assert_filled(resnet, weights)


@pytest.mark.skipif(not GIVEN.is_file(), reason=f"needs BSDS_ENCODER_WEIGHTS, or {GIVEN}")
def test_the_given_file_makes_a_working_encoder(resnet):
    """The file that this machine offers fills the encoder: kernels differ from before."""
    before = [weight.copy() for weight in resnet.get_weights()]
    load_encoder_weights(resnet, GIVEN)
    changed = [
        not np.array_equal(old, new) for old, new in zip(before, resnet.get_weights(), strict=True)
    ]
    assert all(changed)


def test_keras_new_weights_file_works(tmp_path):
    """A .weights.h5 that Keras 3 wrote is read by layer name."""
    theirs, ours = small(), small()
    theirs.save_weights(tmp_path / "new.weights.h5")
    assert load_encoder_weights(ours, str(tmp_path / "new.weights.h5")) == "file:new.weights.h5"
    assert_filled(ours, {layer.name: layer.get_weights() for layer in theirs.layers})


def test_a_whole_model_in_hdf5_works(tmp_path):
    """An old model file, whose weights lie in a group of it, works as well."""
    model = small()
    weights = random_weights(model)
    write_legacy(tmp_path / "weights.h5", weights)
    with (
        h5py.File(tmp_path / "weights.h5") as source,
        h5py.File(tmp_path / "model.h5", "w") as file,
    ):
        source.copy(source, file, name="model_weights")
    load_encoder_weights(model, tmp_path / "model.h5")
    assert_filled(model, weights)


def test_the_environment_names_the_file(monkeypatch, tmp_path):
    """Without an argument, BSDS_ENCODER_WEIGHTS says which file; an argument beats it."""
    model = small()
    for number in (1, 2):
        write_legacy(tmp_path / f"{number}.h5", random_weights(model, number))
    monkeypatch.setenv("BSDS_ENCODER_WEIGHTS", str(tmp_path / "1.h5"))
    assert load_encoder_weights(model) == "file:1.h5"
    assert_filled(model, random_weights(model, 1))
    assert load_encoder_weights(model, tmp_path / "2.h5") == "file:2.h5"
    assert_filled(model, random_weights(model, 2))


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("missing", "expected a file, found none; download http"),
        ("folder", "expected a file, found a folder"),
        ("html", r"expected a Keras weights file \(HDF5\), found a file that cannot be read"),
        ("cut", r"expected a Keras weights file \(HDF5\), found a file that cannot be read"),
        ("other hdf5", "found HDF5 without layers"),
        ("vgg", r"found another architecture's weights \(no layer conv1_conv\)"),
        (
            "shallow",
            r"expected Keras ResNet50 weights for 3 layers, found 1 layer\(s\) missing: conv2_",
        ),
        ("shapes", r"layer conv1_conv: expected shapes \[\(3, 3, 3, 2\), .* found \[\(5, 5"),
        ("no bias", r"layer conv1_conv: expected shapes .*, \(2,\)\], found \[\(3, 3, 3, 2\)\];"),
    ],
)
def test_wrong_files_are_one_line_and_change_nothing(kind, message, tmp_path):
    """A file that does not fit is told in one line, and the encoder keeps its weights."""
    path = tmp_path / "weights.h5"
    model = small()
    weights = random_weights(model)
    match kind:
        case "folder":
            path.mkdir()
        case "html":
            path.write_text("<html>404</html>")
        case "cut":
            write_legacy(path, weights)
            path.write_bytes(path.read_bytes()[:3000])
        case "other hdf5":
            with h5py.File(path, "w") as file:
                file["x"] = np.zeros(3)
        case "vgg":
            write_legacy(path, {"block1_conv1": weights["conv1_conv"]})
        case "shallow":
            del weights["conv2_block1_1_conv"]
            write_legacy(path, weights)
        case "shapes":
            write_legacy(path, weights | random_weights(small(kernel=5)))
        case "no bias":
            write_legacy(path, weights | {"conv1_conv": weights["conv1_conv"][:1]})
    before = model.get_weights()
    with pytest.raises(BSDSError, match=rf"^encoder weights .*weights\.h5: .*{message}") as caught:
        load_encoder_weights(model, path)
    assert "\n" not in str(caught.value)
    for ours, theirs in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_another_encoder_is_refused(tmp_path):
    """A model that is no ResNet50 is refused before the file is looked at."""
    model = small(names=("block1_conv1", "bn", "block1_conv2"))
    with pytest.raises(BSDSError, match=r"^encoder: expected a keras.applications.ResNet50"):
        load_encoder_weights(model, tmp_path / "missing.h5")


class Handler(http.server.BaseHTTPRequestHandler):
    """Serve one body, or stall."""

    body = b""
    stall_head = stall_body = False

    def _head(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()

    def do_HEAD(self):
        """Answer the probe, or not."""
        if self.stall_head:
            time.sleep(2)
            return
        self._head()

    def do_GET(self):
        """Send the body, or half of it and nothing more."""
        self._head()
        if self.stall_body:
            self.wfile.write(self.body[: len(self.body) // 2])
            self.wfile.flush()
            time.sleep(2)
        else:
            self.wfile.write(self.body)

    def log_message(self, *_):
        """Keep quiet."""


@pytest.fixture
def serve(monkeypatch):
    """Return a function that serves bytes as the official file; keywords make it stall."""
    servers = []

    def start(body, md5=None, **stalls):
        handler = type("Once", (Handler,), {"body": body, **stalls})
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        monkeypatch.setattr(
            encoder, "WEIGHTS_URL", f"http://127.0.0.1:{server.server_port}/weights.h5"
        )
        monkeypatch.setattr(encoder, "WEIGHTS_MD5", md5 or hashlib.md5(body).hexdigest())

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_the_official_file_is_downloaded_once(serve, tmp_path, monkeypatch):
    """Without a file the official weights are downloaded, and afterwards taken from the cache."""
    model = small()
    weights = random_weights(model)
    write_legacy(tmp_path / "weights.h5", weights)
    serve((tmp_path / "weights.h5").read_bytes())
    assert load_encoder_weights(model) == "keras-download"
    assert_filled(model, weights)
    monkeypatch.setattr(encoder, "WEIGHTS_URL", "http://127.0.0.1:9/nobody.h5")
    other = small()
    assert load_encoder_weights(other) == "keras-download"
    assert_filled(other, weights)


@pytest.mark.parametrize(
    "trouble", ["no server", "silent server", "breaks off", "wrong file", "unwritable cache"]
)
def test_without_weights_the_encoder_stays_random(trouble, serve, capsys, monkeypatch, tmp_path):
    """Whatever keeps the weights away, a line says how to get them, soon, and nothing changes."""
    monkeypatch.setattr(encoder, "PROBE_SECONDS", 0.5)
    monkeypatch.setattr(encoder, "STALL_SECONDS", 0.5)
    match trouble:
        case "silent server":
            serve(b"x" * 1000, stall_head=True)
        case "breaks off":
            serve(b"x" * 1000, stall_body=True)
        case "wrong file":
            serve(b"<html>please log in</html>", md5="0" * 32)
        case "unwritable cache":
            serve(b"x" * 1000)
            (tmp_path / "keras").write_text("a file where the folder should be")
    model = small()
    before = model.get_weights()
    began = time.monotonic()
    assert load_encoder_weights(model) == "random"
    assert time.monotonic() - began < 5
    note = capsys.readouterr().out.strip().splitlines()[-1]
    assert note.startswith("NOTE: the encoder starts from RANDOM weights")
    assert encoder.WEIGHTS_URL in note
    assert "BSDS_ENCODER_WEIGHTS" in note
    for ours, theirs in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
