"""Take the pictures of the demos that the documents show.

    .venv/bin/python docs/screenshots.py [--models DIR] [-o DIR]

Starts each demo, visits it with a headless Chromium and writes app-*.png. Only synthetic scenes
are in them.
"""

import argparse
import io
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from PIL import Image

from tests.chromium import SIZES, chromium
from tests.demo_server import demo_server
from tests.demo_visit import Visit

HERE = Path(__file__).resolve().parent
COLOURS = 128


def _nothing(visit: Visit) -> None:
    pass


def _probability(visit: Visit) -> None:
    visit.click("Probability")


def _truth(visit: Visit) -> None:
    heading = visit.driver.find_element("xpath", "//h2[contains(., 'What people drew')]")
    visit.driver.execute_script("arguments[0].scrollIntoView()", heading)


class Shot(NamedTuple):
    """A picture to take: its name, app, page, size of the screen, look, what to do before."""

    name: str
    app: str
    page: str = ""
    size: str = "desktop"
    dark: bool = False
    prepare: Callable[[Visit], None] = _nothing


SHOTS = (
    Shot("app-cnn", "cnn_app"),
    Shot("app-resnet-dark", "resnet_app", dark=True, prepare=_probability),
    Shot("app-truth", "cnn_app", prepare=_truth),
    Shot("app-side-by-side", "resnet_app", "/side-by-side"),
    Shot("app-phone", "cnn_app", size="phone"),
    Shot("app-phone-dark", "resnet_app", size="phone", dark=True),
)


def main() -> None:
    """Take all pictures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", type=Path, metavar="DIR", help="default: the apps' own")
    parser.add_argument("-o", "--output", type=Path, default=HERE, metavar="DIR")
    args = parser.parse_args()
    environment = {} if args.models is None else {"BSDS_MODELS": str(args.models.resolve())}
    args.output.mkdir(parents=True, exist_ok=True)
    for app in dict.fromkeys(shot.app for shot in SHOTS):
        with (
            TemporaryDirectory() as folder,
            demo_server(f"{app}/app.py", Path(folder), environment) as server,
        ):
            for shot in (shot for shot in SHOTS if shot.app == app):
                with chromium(shot.size, shot.dark) as driver:
                    visit = Visit(driver, server.address + shot.page)
                    shot.prepare(visit)
                    visit.settle()
                    _save(driver, args.output / f"{shot.name}.png", shot.size)


def _save(driver: Any, path: Path, size: str) -> None:
    """Write what is on the screen, in few colours, which keeps the file small."""
    picture = Image.open(io.BytesIO(driver.get_screenshot_as_png())).convert("RGB")
    assert picture.size == SIZES[size]
    few = picture.quantize(COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    few.save(path, optimize=True)
    print(f"{path}: {path.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
