"""Measure the shipped models beside answers that need no training, and write the table.

    python benchmarks/results.py --root BSDS500 [--maps runs/maps] [--jobs 2]
                                 [--also "CNN on thin masks=runs/thin/cnn_model.keras"]

Writes results.json and results.md here, docs/results.png, the short table in README.md, and the
IoU on test into the shipped models' cards. Maps are kept in --maps and taken from there the next
time, as long as the model file stays the same. A threshold is always chosen on val, even where the
model learned from val, too. "squashed" is what a model gives for images squashed to its input's
size, "full size" what it gives for whole images, seen at the scales on its card (or, as in the
demos, at the middle one alone); both are compared with masks of the input's size.
--also measures models that no app ships, for results.md alone.
"""

import argparse
import hashlib
import json
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage.feature import canny
from speed import EIGHT_BIT, milliseconds, ways

from bsds_utils import (
    Dataset,
    baselines,
    foreground_iou,
    load_model,
    mean_iou,
    open_dataset,
    quiet_start,
    resize_probability,
    show_predictions,
    sobel,
    threshold_sweep,
)
from bsds_utils.atomic import written_whole
from bsds_utils.benchmark import MapFolder, evaluate, iou_table
from bsds_utils.data.progress import bar
from bsds_utils.data.source import cache_folder
from bsds_utils.models.modelcard import card_path
from bsds_utils.models.predict import predict_probability
from bsds_utils.models.revision import current_commit
from bsds_utils.models.scales import quick_scale
from grader.course.training.callbacks import predict

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
MODELS = {
    "CNN": ROOT / "cnn_app" / "cnn_model.keras",
    "ResNet50": ROOT / "resnet_app" / "resnet50_model.keras",
}
SPLITS = ("val", "test")
PROTOCOLS = ("course", "thin")
SIZES = (168, 224)
"""At which untrained methods are measured: those of the models' inputs."""
IMAGES = ("squashed", "full size")
SAMPLE = 5
CANNY_SIGMA = 2.0
CANNY_STEPS = 20
PUBLISHED = (
    ("gPb-owt-ucm (2011)", 0.726, "Arbeláez et al., PAMI 2011"),
    ("HED (2015)", 0.788, "Xie, Tu, ICCV 2015"),
    ("PiDiNet (2021)", 0.807, "Su et al., ICCV 2021"),
)

BEGIN, END = "<!-- begin results -->", "<!-- end results -->"

Image8 = NDArray[np.uint8]
Map = NDArray[np.float32]


class Method(NamedTuple):
    """Something that draws boundaries.

    Attributes
    ----------
    name
        In the table.
    draw
        Map, float32 in 0–1, shape (H, W), of an image, uint8, shape (H, W, 3).
    key
        Changes when the maps do.
    draw_squashed
        Maps, shape (N, S, S), of images of its input's size, shape (N, S, S, 3).
    size
        Side S in pixels of the images it was trained on; None if it was not trained.
    model
        Keras model, if it is one.
    facts
        More for the table.
    """

    name: str
    draw: Callable[[Image8], Map]
    key: str
    draw_squashed: Callable[[Image8], Map]
    size: int | None = None
    model: Any = None
    facts: Mapping[str, Any] = {}


def main() -> None:
    """Measure everything and write the files."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", metavar="DIR", help="BSDS500")
    parser.add_argument("--maps", type=Path, default=Path("runs/maps"), metavar="DIR")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N")
    parser.add_argument(
        "--also", nargs="+", type=_named, default=[], metavar="NAME=MODEL", help="further models"
    )
    args = parser.parse_args()
    matplotlib.use("Agg")
    quiet_start()
    dataset = open_dataset(root=args.root)
    shipped = [_trained(name, path) for name, path in MODELS.items()]
    alone = [_at_one_scale(method) for method in shipped]
    untrained = [_sobel(), _canny(), _constant(0), _constant(1)]
    also = [_trained(name, path) for name, path in args.also]
    rows = []
    for method in (*shipped, *alone, *also, *untrained):
        print(method.name, flush=True)
        rows.append(_measure(method, dataset, args.maps, args.jobs))
    named = "".join(f' "{method.name}=MODEL"' for method in also)
    content = {
        "command": "python benchmarks/results.py --root BSDS500" + (named and f" --also{named}"),
        "data": dataset.name,
        "commit": current_commit(HERE),
        "date": time.strftime("%Y-%m-%d"),
        "machine": f"{platform.machine()}, {os.cpu_count()} processors",
        "rows": rows,
    }
    (HERE / "results.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    (HERE / "results.md").write_text(_markdown(content), encoding="utf-8")
    readme = ROOT / "README.md"
    short = [row for row in rows if row["method"] not in dict(args.also)]
    readme.write_text(_with_summary(readme.read_text(encoding="utf-8"), short), encoding="utf-8")
    for name, path in MODELS.items():
        _note_on_card(path, next(row for row in rows if row["method"] == name), dataset)
    _draw(dataset, ROOT / "docs" / "results.png")
    print((HERE / "results.md").read_text(encoding="utf-8"))


def _named(text: str) -> tuple[str, Path]:
    name, equals, path = text.rpartition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"expected NAME=MODEL, found {text!r}")
    return name, Path(path)


def _trained(name: str, path: Path) -> Method:
    model, card = load_model(path)
    scales = card["scales"]
    facts = {
        "parameters": int(model.count_params()),
        "minutes": card.get("minutes"),
        "seed": card.get("seed"),
        "training_data": card.get("training_data"),
        "scales": scales,
        "commands": card.get("commands"),
    }
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    key = "-".join([digest, *(f"{scale:g}" for scale in scales)])
    return Method(
        name, lambda image: predict_probability(model, image, scales=scales), key,
        lambda images: predict(model, images)[..., 0], int(card["input_size"]), model, facts,
    )  # fmt: skip


def _at_one_scale(method: Method) -> Method:
    """Return a trained model as the demos use it, which is not timed again."""
    model, scale = method.model, quick_scale(method.facts["scales"])
    return method._replace(
        name=f"{method.name}, scale {scale:g} alone",
        draw=lambda image: predict_probability(model, image, scales=(scale,)),
        model=None,
        facts=dict(method.facts) | {"scales": [scale]},
    )


def _untrained(name: str, draw: Callable[[Image8], Map], key: str) -> Method:
    return Method(name, draw, key, lambda images: np.stack([draw(image) for image in images]))


def _sobel() -> Method:
    return _untrained("Sobel", lambda image: sobel(image[None])[0], "1")


def _canny() -> Method:
    def draw(image: Image8) -> Map:
        """Share of the high thresholds at which Canny still marks a pixel."""
        grey = image.mean(axis=-1) / 255
        steps = np.linspace(0.005, 0.2, CANNY_STEPS)
        marked = [canny(grey, CANNY_SIGMA, 0.4 * high, high) for high in steps]
        return np.mean(marked, axis=0, dtype=np.float32)

    return _untrained("Canny", draw, f"{CANNY_SIGMA}-{CANNY_STEPS}")


def _constant(value: int) -> Method:
    name = "everything" if value else "nothing"
    return _untrained(name, lambda image: np.full(image.shape[:2], value, np.float32), "1")


def _maps(method: Method, dataset: Dataset, split: str, folder: Path) -> MapFolder:
    """Draw full-size maps, those that are not there yet."""
    place = folder / f"{method.name}-{method.key}" / split
    place.mkdir(parents=True, exist_ok=True)
    for image_id in bar(dataset.ids(split), f"{method.name} on {split}", unit="images"):
        path = place / f"{image_id}.png"
        if not path.exists():
            found = method.draw(dataset.image(split, image_id))
            with written_whole(path) as part:
                Image.fromarray(np.round(found * 65535).astype(np.uint16)).save(part)
    return MapFolder(place)


def _measure(method: Method, dataset: Dataset, folder: Path, jobs: int) -> dict[str, Any]:
    maps = {split: _maps(method, dataset, split, folder) for split in SPLITS}
    sizes = SIZES if method.size is None else (method.size,)
    row: dict[str, Any] = {
        "method": method.name,
        **method.facts,
        "iou": [
            {
                "size": size,
                "squashed": _of_squashed(method, dataset, size),
                "full size": _of_whole(maps, dataset, size),
            }
            for size in sizes
        ],
        "benchmark": {
            how: _scores(maps["test"], dataset, nms, jobs)
            for how, nms in (("nms", True), ("plain", False))
        },
    }
    if method.model is not None:
        row["speed"] = _speed(method.model, dataset, row["iou"][0])
    return row


def _speed(model: Any, dataset: Dataset, at_size: Mapping[str, Any]) -> dict[str, Any]:
    """Measure the ways of calling a model, and whether 8-bit weights still draw as well."""
    size = at_size["size"]
    runs = ways(model, size)
    arrays = dataset.load("test", size=size)
    images = arrays.images.astype(np.float32)
    maps = np.concatenate([runs[EIGHT_BIT](image[None]) for image in images])
    threshold = at_size["squashed"]["test"]["course"]["threshold"]
    return {
        "milliseconds": milliseconds(runs, size),
        "iou_eight_bit": foreground_iou(arrays.masks, maps >= threshold),
    }


def _of_whole(maps: Mapping[str, MapFolder], dataset: Dataset, size: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for split in SPLITS:
        table = iou_table(maps[split], dataset, split, maps["val"], (size,))["maps"]
        found[split] = {protocol: table[protocol][size]._asdict() for protocol in PROTOCOLS}
    few = [maps["test"][image_id] for image_id in dataset.ids("test")[:SAMPLE]]
    resized = np.stack([resize_probability(one, size) for one in few])
    found["sample"] = _sample(dataset, size, resized, found["test"]["course"]["threshold"])
    return found


def _scores(maps: MapFolder, dataset: Dataset, nms: bool, jobs: int) -> dict[str, float]:
    found = evaluate(
        maps, dataset.truth("test"), nms=nms, jobs=jobs, keep=cache_folder() / "benchmark"
    )
    return {"ods": found.ods.f, "ois": found.ois.f, "ap": found.ap}


def _of_squashed(method: Method, dataset: Dataset, size: int) -> dict[str, Any]:
    found: dict[str, Any] = {split: {} for split in SPLITS}
    maps = {split: method.draw_squashed(dataset.load(split, size=size).images) for split in SPLITS}
    for protocol in PROTOCOLS:
        masks = {split: dataset.load(split, size, protocol).masks[..., 0] for split in SPLITS}
        threshold = float(threshold_sweep(masks["val"], maps["val"]).best_threshold)
        for split in SPLITS:
            predicted = maps[split] >= threshold
            found[split][protocol] = {
                "iou": foreground_iou(masks[split], predicted),
                "mean_iou": mean_iou(masks[split], predicted),
                "threshold": threshold,
            }
    threshold = found["test"]["course"]["threshold"]
    found["sample"] = _sample(dataset, size, maps["test"][:SAMPLE], threshold)
    return found


def _sample(dataset: Dataset, size: int, maps: Map, threshold: float) -> dict[str, Any]:
    """Measure the first few test images, on which a test measures again."""
    masks = dataset.load("test", size).masks[:SAMPLE, ..., 0]
    return {
        "ids": dataset.ids("test")[:SAMPLE],
        "iou": foreground_iou(masks, maps >= threshold),
    }


def _markdown(content: Mapping[str, Any]) -> str:
    rows = content["rows"]
    lines = [
        "# Results",
        "",
        f"Written by `{content['command']}` on {content['date']} at commit {content['commit']}, "
        f"{content['machine']}, data: {content['data']}. Thresholds are chosen on val.",
        "",
        "## The models",
        "",
        "| model | parameters | trained on | minutes of training | seed | sees whole images at "
        "| commands |",
        "|---|---|---|---|---|---|---|",
        *(_model_line(row) for row in rows if "speed" in row),
        "",
        "## IoU at the input's size",
        "",
        "IoU is the boundary class's, over all images' pixels; in brackets the 2-class mean. A "
        "model that was trained on val, too, cannot be judged by it.",
        "",
        "| method | parameters | input | images | threshold | course, val | course, test "
        "| thin, val | thin, test |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        for found in row["iou"]:
            lines += [_iou_line(row, found, images) for images in IMAGES]
    lines += [
        "",
        "## The official benchmark, full-size test images",
        "",
        "| method | ODS | OIS | AP | without NMS: ODS | OIS | AP |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [
            f"{row['benchmark'][how][key]:.3f}"
            for how in ("nms", "plain")
            for key in ("ods", "ois", "ap")
        ]
        lines.append(f"| {row['method']} | {' | '.join(cells)} |")
    for name, ods, source in PUBLISHED:
        lines.append(f"| {name}, published: {source} | {ods:.3f} | | | | | |")
    lines += ["", *_speed_lines([row for row in rows if "speed" in row])]
    return "\n".join(lines) + "\n"


def _speed_lines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    names = list(rows[0]["speed"]["milliseconds"])
    return [
        "## Milliseconds for one image of the input's size",
        "",
        "On all processors. IoU is the course's, of squashed test images: with the model's own "
        "weights, and of LiteRT with 8-bit weights, at the same threshold.",
        "",
        f"| model | {' | '.join(names)} | IoU | IoU, 8-bit weights |",
        "|---|" + "---|" * (len(names) + 2),
        *(
            f"| {row['method']} | {' | '.join(map(str, row['speed']['milliseconds'].values()))} "
            f"| {row['iou'][0]['squashed']['test']['course']['iou']:.4f} "
            f"| {row['speed']['iou_eight_bit']:.4f} |"
            for row in rows
        ),
    ]


def _model_line(row: Mapping[str, Any]) -> str:
    commands = "<br>".join(f"`{command}`" for command in row.get("commands") or ()) or "–"
    facts = [row.get(key) or "–" for key in ("training_data", "minutes", "seed")]
    facts.append(", ".join(f"{scale:g}" for scale in row["scales"]))
    return (
        f"| {row['method']} | {row['parameters']:,} | {' | '.join(map(str, facts))} | {commands} |"
    )


def _with_summary(readme: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Replace what stands between the two marks."""
    lines = [
        "| method | trained on | parameters | IoU, squashed | IoU, full size | ODS | OIS | AP |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        ious = " | ".join(
            f"{row['iou'][0][images]['test']['course']['iou']:.3f}" for images in IMAGES
        )
        scores = " | ".join(f"{row['benchmark']['nms'][key]:.3f}" for key in ("ods", "ois", "ap"))
        parameters = f"{row['parameters']:,}" if row.get("parameters") else "–"
        data = str(row.get("training_data") or "–").rpartition(": ")[2]
        lines.append(f"| {row['method']} | {data} | {parameters} | {ious} | {scores} |")
    for name, ods, _ in PUBLISHED:
        lines.append(f"| {name}, published | | | | | {ods:.3f} | | |")
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{chr(10).join(lines)}\n{END}{after}"


def _iou_line(row: Mapping[str, Any], at_size: Mapping[str, Any], images: str) -> str:
    found = at_size[images]
    threshold = found["test"]["course"]["threshold"]
    cells = [
        f"{found[split][protocol]['iou']:.3f} ({found[split][protocol]['mean_iou']:.3f})"
        for protocol in PROTOCOLS
        for split in ("val", "test")
    ]
    parameters = f"{row['parameters']:,}" if row.get("parameters") else "–"
    size = at_size["size"] if "parameters" in row else f"– ({at_size['size']})"
    shown = "–" if threshold is None else f"{threshold:.2f}"
    return (
        f"| {row['method']} | {parameters} | {size} | {images} | {shown} | {' | '.join(cells)} |"
    )


def _note_on_card(path: Path, row: Mapping[str, Any], dataset: Dataset) -> None:
    """Tell a model's card what it reaches on images that it has never seen."""
    card = json.loads(card_path(path).read_text(encoding="utf-8"))
    (found,) = row["iou"]
    arrays = dataset.load("test", size=found["size"])
    card["metrics"]["test"] = {
        "iou": found["squashed"]["test"]["course"]["iou"],
        "baselines": baselines(arrays.masks, arrays.images),
        "trained_on": False,
    }
    with written_whole(card_path(path)) as part:
        part.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _draw(dataset: Dataset, path: Path) -> None:
    """Draw each model's best, median and worst test image by IoU."""
    import io

    pictures = []
    for name in MODELS:
        model, card = load_model(MODELS[name])
        size, threshold = int(card["input_size"]), float(card["threshold"])
        arrays = dataset.load("test", size=size)
        maps = predict(model, arrays.images)[..., 0]
        ious = [
            foreground_iou(mask[..., 0], one >= threshold)
            for mask, one in zip(arrays.masks, maps, strict=True)
        ]
        order = np.argsort(ious)
        chosen = [order[-1], order[len(order) // 2], order[0]]
        figure = show_predictions(
            arrays.images[chosen], arrays.masks[chosen], maps[chosen], threshold,
            ids=[
                f"{name}, {what}: {arrays.ids[i]}"
                for what, i in zip(("best", "median", "worst"), chosen, strict=True)
            ],
        )  # fmt: skip
        buffer = io.BytesIO()
        figure.savefig(buffer, dpi=70, bbox_inches="tight", format="png")
        pictures.append(Image.open(buffer).convert("RGB"))
    width = max(one.width for one in pictures)
    whole = Image.new("RGB", (width, sum(one.height for one in pictures)), "white")
    top = 0
    for one in pictures:
        whole.paste(one, (0, top))
        top += one.height
    whole.quantize(128).save(path, optimize=True)


if __name__ == "__main__":
    main()
