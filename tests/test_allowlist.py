"""The look through a model's description, tried with all of Keras: what is installed, not a list.

Every class and function that Keras has is put into every place where a description can name one.
"""

import functools
import importlib
import inspect
import json
import pkgutil
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from keras import layers
from opened_models import OpenModel, model_sandbox, open_model

from grader.checking.artifacts import ArtifactError
from grader.keras_models import names
from grader.keras_models.allowlist import check_description

__all__ = ["model_sandbox", "open_model"]

OBJECTS = (
    names.GRAPHS | names.LAYERS | names.OPERATIONS | names.INITIALIZERS | names.REGULARIZERS
    | names.CONSTRAINTS | {"keras.DTypePolicy", "keras.random.SeedGenerator"}
)  # fmt: skip
# Parameters through which a class or function is given code, a file or the network.
LEADS_OUT = {
    "f", "fn", "func", "function", "call_fn", "init_fn", "true_fn", "false_fn", "branches", "cond",
    "body", "body_fun", "filepath", "path", "file", "filename", "fname", "directory", "log_dir",
    "origin", "url", "vocabulary", "module", "model",
}  # fmt: skip
KNOWN_TO_LEAD_OUT = {
    "keras.layers.Lambda", "keras.layers.TFSMLayer", "keras.layers.StringLookup",
    "keras.layers.TorchModuleWrapper", "keras.layers.JaxLayer", "keras.src.ops.core.Map",
    "keras.src.ops.core.WhileLoop", "keras.src.ops.core.Scan",
    "keras.src.ops.core.VectorizedMap", "keras.utils.get_file", "keras.saving.load_model",
}  # fmt: skip


@functools.cache
def keras_has() -> dict[str, Any]:
    """Every class and function of Keras, and of its operations' modules, by its full name."""
    found: dict[str, Any] = {}
    waiting, seen = [keras], set()
    while waiting:
        module = waiting.pop()
        if module in seen or not module.__name__.startswith("keras"):
            continue
        seen.add(module)
        for name, part in vars(module).items():
            if inspect.ismodule(part) and not name.startswith("_"):
                waiting.append(part)
            elif callable(part) and not name.startswith("__"):
                found[f"{module.__name__}.{name}"] = part
    import keras.src.ops as inner

    for info in pkgutil.iter_modules(inner.__path__, "keras.src.ops."):
        if not info.name.endswith("_test"):
            module = importlib.import_module(info.name)
            found |= {f"{info.name}.{k}": v for k, v in vars(module).items() if callable(v)}
    return found


def _parameters(part: Any) -> Iterator[str]:
    for function in (part, getattr(part, "__init__", None), getattr(part, "call", None)):
        try:
            yield from inspect.signature(function).parameters  # type: ignore[arg-type]
        except (TypeError, ValueError):
            continue


def _named(full: str, **more: Any) -> dict[str, Any]:
    module, _, name = full.rpartition(".")
    return {"module": module, "class_name": name, "config": {}, "registered_name": None, **more}


def _function(full: str) -> dict[str, Any]:
    module, _, name = full.rpartition(".")
    return {
        "module": module, "class_name": "function", "config": name, "registered_name": name,
    }  # fmt: skip


def _sequential(*inside: Any, **more: Any) -> dict[str, Any]:
    return _named("keras.Sequential", config={"name": "s", "layers": list(inside)}, **more)


def _layer(kind: str, **config: Any) -> dict[str, Any]:
    return _named(f"keras.layers.{kind}", config=config)


def _initializer(kind: str, **config: Any) -> dict[str, Any]:
    return _named(f"keras.initializers.{kind}", config=config)


def _graph(*inside: Any) -> dict[str, Any]:
    config = {"name": "m", "layers": list(inside), "input_layers": [], "output_layers": []}
    return _named("keras.src.models.functional.Functional", config=config)


def _called(*arguments: Any, **named: Any) -> dict[str, Any]:
    nodes = [{"args": list(arguments), "kwargs": named}]
    return _graph({**_layer("Add"), "name": "add", "inbound_nodes": nodes})


Place = Callable[[Any], dict[str, Any]]

# Where a description names an object, as Keras 3 reads it.
OBJECT_PLACES: dict[str, Place] = {
    "model": lambda part: part,
    "layer": _sequential,
    "layer of a graph": lambda part: _graph({**part, "name": "x", "inbound_nodes": []}),
    "layer of a nested model": lambda part: _graph(_sequential(_sequential(part))),
    "wrapped": lambda part: _sequential(_layer("TimeDistributed", layer=part)),
    "backward": lambda part: _sequential(_layer("Bidirectional", backward_layer=part)),
    "cell": lambda part: _sequential(_layer("RNN", cell=part)),
    "cells": lambda part: _sequential(_layer("StackedRNNCells", cells=[part])),
    "activation": lambda part: _sequential(_layer("Dense", activation=part)),
    "initializer": lambda part: _sequential(_layer("Dense", kernel_initializer=part)),
    "regularizer": lambda part: _sequential(_layer("Dense", activity_regularizer=part)),
    "constraint": lambda part: _sequential(_layer("Dense", bias_constraint=part)),
    "dtype": lambda part: _sequential(_layer("Dense", dtype=part)),
    "dtype of a model": lambda part: _named(
        "keras.Sequential", config={"name": "s", "layers": [], "dtype": part}
    ),
    "seed": lambda part: _sequential(
        _layer("Dense", kernel_initializer=_initializer("Zeros", seed=part))
    ),
    "value": lambda part: _sequential(
        _layer("Dense", bias_initializer=_initializer("Constant", value=part))
    ),
    "other setting": lambda part: _sequential(_layer("Dense", units=part)),
    "list in a setting": lambda part: _sequential(_layer("Reshape", target_shape=[[part]])),
    "quantisation": lambda part: _sequential(_layer("Dense", quantization_config=part)),
    "argument": _called,
    "argument in a list": lambda part: _called([[part]]),
    "argument by name": lambda part: _called(mask={"a": part}),
    "value of an array": lambda part: _called(
        {"class_name": "__numpy__", "config": {"value": part, "dtype": "float32"}}
    ),
    "slice": lambda part: _called(
        {"class_name": "__slice__", "config": {"start": part, "stop": None, "step": None}}
    ),
    "history": lambda part: _called(
        {
            "class_name": "__keras_tensor__",
            "config": {"shape": [1], "dtype": "float32", "keras_history": [part, 0, 0]},
        }
    ),
    "build": lambda part: _sequential(_layer("Dense") | {"build_config": {"input_shape": part}}),
    "inputs": lambda part: _named(
        "keras.src.models.functional.Functional",
        config={"name": "m", "layers": [], "input_layers": part, "output_layers": []},
    ),
    "build of a model": lambda part: _named(
        "keras.Sequential", config={"name": "s", "layers": [], "build_input_shape": part}
    ),
}  # fmt: skip


def _accepted(description: dict[str, Any]) -> bool:
    try:
        check_description(json.dumps(description).encode(), "m.keras")
    except ArtifactError as error:
        if error.kind == "refused" and str(error).startswith("m.keras "):
            return False
        raise
    return True


def _leads_out(part: Any) -> bool:
    return not LEADS_OUT.isdisjoint(_parameters(part))


def test_all_of_keras_is_tried() -> None:
    """What the tests below try includes what is known to run code or to touch files."""
    found = keras_has()
    assert found.keys() >= KNOWN_TO_LEAD_OUT
    assert all(_leads_out(found[name]) for name in KNOWN_TO_LEAD_OUT - {"keras.src.ops.core.Cond"})
    assert len(found) > 1500


@pytest.mark.parametrize("place", OBJECT_PLACES)
def test_only_listed_classes_are_accepted(place: str) -> None:
    """Whatever of Keras is put into a place as a class, it is refused or on the list."""
    accepted = {name for name in keras_has() if _accepted(OBJECT_PLACES[place](_named(name)))}
    assert accepted <= OBJECTS
    assert not {name for name in accepted if _leads_out(keras_has()[name])}


@pytest.mark.parametrize("place", OBJECT_PLACES)
def test_only_activations_are_accepted_as_functions(place: str) -> None:
    """Whatever of Keras is put into a place as a function is refused, but for activations."""
    accepted = {name for name in keras_has() if _accepted(OBJECT_PLACES[place](_function(name)))}
    listed = {f"keras.activations.{name}" for name in names.ACTIVATIONS}
    assert accepted <= (listed if place == "activation" else set())


@pytest.mark.parametrize(
    "place", ["activation", "initializer", "regularizer", "constraint", "dtype"]
)
def test_only_listed_words_are_accepted(place: str) -> None:
    """Names alone, with and without dots, reach nothing but activations and plain types."""
    words = {name for full in keras_has() for name in (full, full.rpartition(".")[2])}
    words |= {"int8_from_float32", "float8_from_mixed_bfloat16", "int4/128_from_float32"}
    accepted = {word for word in words if _accepted(OBJECT_PLACES[place](word))}
    assert accepted <= {"activation": names.ACTIVATIONS, "dtype": names.DTYPES}.get(place, set())


@pytest.mark.parametrize("place", OBJECT_PLACES)
@pytest.mark.parametrize(
    "part",
    [
        {"class_name": "__lambda__", "config": {"value": ["4wEAAA==", None, None]}},
        {"class_name": "__bytes__", "config": {"value": "x"}},
        {"class_name": "__typespec__", "spec_name": "TensorSpec", "module": "tensorflow",
         "config": [], "registered_name": None},
        {"class_name": "function", "module": "builtins", "config": "eval",
         "registered_name": "eval"},
        {"class_name": "function", "module": "os", "config": "system", "registered_name": "x"},
        {"class_name": ["Dense"], "module": "keras.layers", "config": {}},
        {"class_name": "layers.Dense", "module": "keras", "config": {}},
        _named("keras.layers.Dense", registered_name="mine>Dense"),
        {"class_name": "Dense", "config": {"units": 1}},
        _named("keras.layers.Dense", config=None),
        _named("keras.layers.Dense", spec_name="x"),
        _named("builtins.dict"),
        _named("tensorflow.Module"),
    ],
    ids=lambda part: str(part["class_name"]),
)  # fmt: skip
def test_odd_objects_are_refused_everywhere(place: str, part: dict[str, Any]) -> None:
    """Lambdas, bytes, type specs, dotted, renamed and half objects are refused in every place."""
    assert not _accepted(OBJECT_PLACES[place](part))


def test_compilations_are_dropped_wherever_they_are() -> None:
    """How a model or a model inside it was compiled may be anything, and is not loaded."""
    own = {"loss": {"class_name": "__lambda__", "config": {"value": "x"}}, "optimizer": "adam"}
    model = _sequential(_sequential(compile_config=own), compile_config=own)
    checked = check_description(json.dumps(model).encode(), "m.keras")
    assert "compile_config" not in checked
    assert json.loads(checked) == _sequential(_sequential())


def test_listed_classes_exist() -> None:
    """Every name on the list is a class of Keras that takes no function and no file."""
    missing = []
    for full in OBJECTS:
        module, _, name = full.rpartition(".")
        part = getattr(importlib.import_module(module), name, None)
        if part is None:
            missing.append(full)
        else:
            assert inspect.isclass(part)
            assert not _leads_out(part), full
    # Older releases lack some.
    assert not missing or keras.__version__ < "3.15", missing


# What is right in each place, so that refusing it is not for another reason.
RIGHT = {
    **dict.fromkeys(OBJECT_PLACES, 3),
    **dict.fromkeys(
        ("model", "layer", "layer of a graph", "layer of a nested model"), _sequential()
    ),
    **dict.fromkeys(("wrapped", "backward", "cell", "cells"), _layer("LSTMCell", units=2)),
    "activation": "relu",
    "initializer": _named("keras.initializers.HeNormal", config={"seed": 1}),
    "regularizer": _named("keras.regularizers.L2", config={"l2": 0.5}),
    "constraint": _named("keras.constraints.NonNeg"),
    "dtype": _named("keras.DTypePolicy", config={"name": "mixed_float16"}),
    "dtype of a model": "float32",
    "seed": _named("keras.random.SeedGenerator", config={"seed": 1, "name": "g"}),
    "quantisation": None,
}


@pytest.mark.parametrize("place", OBJECT_PLACES)
def test_places_are_as_keras_has_them(place: str) -> None:
    """Each place of these tests takes what belongs there."""
    assert _accepted(OBJECT_PLACES[place](RIGHT[place]))


# Arguments that constructors ask for, by name.
GIVEN: dict[str, Any] = {
    "activation": "gelu", "rate": 0.2, "filters": 2, "kernel_size": 3, "units": 2, "pool_size": 2,
    "output_size": 2, "height": 8, "width": 8, "factor": 0.2, "scale": 0.5, "stddev": 0.1,
    "target_shape": (-1,), "dims": (2, 1), "n": 2, "axes": 1, "num_heads": 2, "key_dim": 2,
    "head_dim": 2, "num_query_heads": 2, "num_key_value_heads": 1, "input_dim": 4, "output_dim": 2,
    "equation": "abc,cd->abd", "output_shape": (None, 2), "height_factor": 0.1,
    "width_factor": 0.1, "batch_shape": (None, 8, 8, 3), "mean": [0.5, 0.4, 0.3],
    "variance": [1.0, 1.0, 1.0], "kernel_initializer": keras.initializers.HeNormal(seed=3),
    "kernel_regularizer": "l2", "bias_constraint": "max_norm", "dtype": "mixed_bfloat16",
    "axis": -1, "shape": (4,), "indices_or_sections": 2, "subscripts": "ab->ba", "x_min": 0.0,
    "x_max": 1.0, "kth": 1, "source": 0, "destination": 1, "pad_width": ((0, 0), (1, 1)),
    "repeats": 2, "newshape": (-1, 4), "shift": 1, "axis1": 0, "axis2": 1, "num_classes": 3,
    "max_val": 1.0, "block_size": 2, "threshold": 0.1, "default_value": 0.0, "size": (2, 2),
    "order": 1, "spatial_dims": (1, 2), "method": "linear", "k": 2, "sequence_length": 4,
    "sequence_stride": 2,
}  # fmt: skip


OTHERS: dict[str, dict[str, Any]] = {
    "InputLayer": {"shape": None, "dtype": "float32"},
    "RandomPosterization": {"factor": 3},
    "UpSampling1D": {"size": 2},
    "UpSampling3D": {"size": (2, 2, 2)},
}


def _made(kind: Any) -> Any:
    """Make an object of a class with arguments of the usual kind."""
    wanted = inspect.signature(kind.__init__).parameters
    given = {name: GIVEN[name] for name in wanted if name in GIVEN}
    if "layer" in wanted:
        inner = "LSTM" if kind is layers.Bidirectional else "Conv2D"
        given["layer"] = _made(getattr(layers, inner))
    if "cell" in wanted or "cells" in wanted:
        cells = [layers.LSTMCell(2), layers.GRUCell(2)]
        given |= {"cells": cells} if "cells" in wanted else {"cell": cells[0]}
    given |= OTHERS.get(kind.__name__, {})
    if given.get("output_shape") and kind is not layers.EinsumDense:
        del given["output_shape"]
    return kind(**given)


@pytest.mark.parametrize("full", sorted(names.LAYERS | names.OPERATIONS))
def test_listed_classes_are_accepted_as_keras_writes_them(full: str) -> None:
    """An object of every listed class, with options of many kinds, is written and accepted."""
    module, _, name = full.rpartition(".")
    kind = getattr(importlib.import_module(module), name, None)
    if kind is None:
        pytest.skip(f"Keras {keras.__version__} has no {full}")
    description = keras.saving.serialize_keras_object(_made(kind))
    whole = _graph({**description, "name": "x", "inbound_nodes": []})
    checked = check_description(json.dumps(whole).encode(), "m.keras")
    assert json.loads(checked) == json.loads(json.dumps(whole))


STEPS: list[Callable[[Any], Any]] = [
    lambda x: layers.Conv2D(4, 3, padding="same", activation="relu", kernel_regularizer="l2")(x),
    lambda x: layers.Conv2D(4, 1, activation=layers.ELU(), kernel_initializer="he_normal")(x),
    lambda x: layers.Conv2D(4, 3, padding="same", activation=keras.activations.silu)(x),
    lambda x: layers.SeparableConv2D(4, 3, padding="same", depthwise_constraint="unit_norm")(x),
    lambda x: layers.DepthwiseConv2D(3, padding="same")(x),
    lambda x: layers.BatchNormalization(momentum=0.9)(x),
    lambda x: layers.GroupNormalization(2)(x),
    lambda x: layers.LayerNormalization()(x),
    lambda x: layers.UnitNormalization()(x),
    lambda x: layers.Dropout(0.3)(x),
    lambda x: layers.SpatialDropout2D(0.1)(x),
    lambda x: layers.GaussianNoise(0.1)(x),
    lambda x: layers.Activation("mish")(x),
    lambda x: layers.Activation(keras.ops.relu)(x),
    lambda x: layers.PReLU(shared_axes=[1, 2])(x),
    lambda x: layers.ReLU(6.0)(x),
    lambda x: layers.Rescaling(2.0, offset=[0.1, 0.2, 0.3, 0.4])(x),
    lambda x: layers.Normalization(mean=[0.1] * 4, variance=np.full(4, 2.0))(x),
    lambda x: layers.SpectralNormalization(layers.Conv2D(4, 3, padding="same"))(x),
    lambda x: layers.TimeDistributed(layers.Conv1D(4, 3, padding="same"))(x),
    lambda x: layers.UpSampling2D()(layers.MaxPooling2D()(x)),
    lambda x: layers.Conv2DTranspose(4, 2, strides=2)(layers.AveragePooling2D(2)(x)),
    lambda x: layers.Add()([x, layers.Conv2D(4, 1)(x)]),
    lambda x: layers.Concatenate()([x[..., :2], keras.ops.flip(x, axis=-1)[..., 2:]]),
    lambda x: x * layers.Dense(4, "sigmoid")(layers.GlobalAveragePooling2D(keepdims=True)(x)),
    lambda x: (x - np.array([1.0, 2.0, 3.0, 4.0], np.float32)) / 2 + 1,
    lambda x: 1 - keras.ops.sigmoid(-x) ** 2,
    lambda x: keras.ops.where(x > 0, x, 0.1 * x),
    lambda x: keras.ops.clip(keras.ops.abs(x), 0.0, 5.0),
    lambda x: keras.ops.concatenate([keras.ops.mean(x, -1, keepdims=True)] * 4, axis=-1),
    lambda x: keras.ops.transpose(keras.ops.transpose(x, (0, 2, 1, 3)), (0, 2, 1, 3)),
    lambda x: keras.ops.stack([x, x], axis=1)[:, 0],
    lambda x: keras.ops.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]])[:, 1:-1, 1:-1],
    lambda x: keras.ops.image.resize(keras.ops.image.resize(x, (4, 4)), (8, 8)),
    lambda x: keras.ops.reshape(keras.ops.reshape(x, (-1, 64, 4)), (-1, 8, 8, 4)),
    lambda x: keras.ops.einsum("bhwc,bhwc->bhwc", x, keras.ops.softmax(x)),
    lambda x: layers.Reshape((8, 8, 4))(
        layers.MultiHeadAttention(2, 2)(*[layers.Reshape((64, 4))(x)] * 2)
    ),
    lambda x: keras.Sequential([layers.Conv2D(4, 1), layers.ELU()])(x),
]  # fmt: skip


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(st.integers(0, len(STEPS) - 1), min_size=1, max_size=6))
def test_models_of_built_in_layers_are_accepted(steps: list[int]) -> None:
    """Graphs of layers, operators and operations come through as they were."""
    description = keras.saving.serialize_keras_object(_chain(steps))
    text = json.dumps(description).encode()
    assert json.loads(check_description(text, "m.keras")) == _uncompiled(json.loads(text))


def _uncompiled(part: Any) -> Any:
    """Return a description without how models were compiled."""
    if isinstance(part, list):
        return [_uncompiled(one) for one in part]
    if isinstance(part, dict):
        return {k: _uncompiled(one) for k, one in part.items() if k != "compile_config"}
    return part


def _chain(steps: Iterable[int]) -> Any:
    image = x = keras.Input((8, 8, 4))
    for number in steps:
        x = STEPS[number](x)
    return keras.Model(image, x)


def test_every_step_computes_the_same_when_opened(open_model: OpenModel) -> None:
    """A model of all those steps gives the same outputs in the sandbox."""
    model = _chain(range(len(STEPS)))
    images = np.random.default_rng(0).random((1, 8, 8, 4), np.float32)
    expected = np.asarray(model(images, training=False))
    np.testing.assert_allclose(
        open_model(model).run(images).outputs, expected, rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("name", ["ResNet50", "MobileNetV3Small", "EfficientNetB0"])
def test_well_known_models_are_accepted(name: str) -> None:
    """Models of other people, with hundreds of layers, are not too large."""
    model = getattr(keras.applications, name)(weights=None, include_top=False)
    assert _accepted(keras.saving.serialize_keras_object(model))


# Where many numbers or long texts could be kept that no count of weights sees.
STORES: dict[str, Callable[[], dict[str, Any]]] = {
    "one list": lambda: _called(list(range(600))),
    "short lists": lambda: _sequential(*[_layer("Rescaling", scale=[1, 2, 3])] * 300),
    "short arrays": lambda: _called(
        *[{"class_name": "__numpy__", "config": {"value": [1, 2], "dtype": "uint8"}}] * 300
    ),
    "scalars": lambda: _sequential(*(_layer("Rescaling", scale=n / 7) for n in range(600))),
    "floats in shapes": lambda: _sequential(_layer("Reshape", target_shape=[0.5] * 600)),
    "initialisers": lambda: _sequential(
        *[_layer("Dense", bias_initializer=_initializer("Constant", value=[1, 2, 3]))] * 300
    ),
    "text": lambda: _called("x" * 1000),
    "a name": lambda: _sequential(_layer("Dense", name="x" * 1000)),
    "a key": lambda: _called(**{"x" * 1000: 1}),
    "many layers": lambda: _sequential(*[_layer("ReLU")] * 5000),
    "depth": lambda: functools.reduce(lambda part, _: _sequential(part), range(40), _sequential()),
}  # fmt: skip


@pytest.mark.parametrize("store", STORES)
def test_hidden_stores_are_refused(store: str) -> None:
    """However weights are spread over a description, they do not pass as settings."""
    assert not _accepted(STORES[store]())


@pytest.mark.parametrize(
    "text",
    [
        b'{"a": 1, "a": 2}', b'{"a": 1' + b"0" * 50 + b"}", b"[" * 1_000_000, b'{"a":' * 200_000,
        b'"\\"' + b"[" * 200, b'"' + b"[" * 200 + b'"', b"\xff", b"", b"nan", b" " * (3 << 20),
        b'["\\\\", ' + b"[" * 200,
    ],
    ids=[
        "twice", "digits", "deep", "deep dicts", "after a quote", "text", "no text", "nothing",
        "no number", "long", "after a backslash",
    ],
)  # fmt: skip
def test_odd_json_is_refused(text: bytes) -> None:
    """Texts that parsers stumble over are refused like other files that are no model."""
    with pytest.raises(ArtifactError, match=r"m\.keras"):
        check_description(text, "m.keras")
