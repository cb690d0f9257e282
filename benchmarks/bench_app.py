"""Measure the demos: the first page, a new mask, a prediction, memory, and many visitors.

    python benchmarks/bench_app.py [--models DIR] [--uploads 200] [--visitors 20]

Everything is measured in one run and by a client without a browser, so that figures can be
compared on a noisy machine: the first page beside an empty Streamlit app's, memory after the
uploads beside memory after the first tenth of them. Visitors come at once, with small scenes and
then with photographs of 24 megapixels. Predictions are timed without the page.
"""

import argparse
import io
import os
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import psutil
from PIL import Image

from boundary_app.demos import DEMOS, Demo
from boundary_app.pictures import Picture, picture_of
from bsds_utils.synthetic import scene
from tests.demo_client import Client
from tests.demo_server import Server, demo_server

EMPTY = "import streamlit as st\nst.title('Empty')\n"
TIMES = 10
LARGE = (6000, 4000)
LOOK = 0.05  # seconds between looks at the memory


def main() -> None:
    """Run the measurements and print them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", type=Path, metavar="DIR", help="default: the apps' own")
    parser.add_argument("--uploads", type=int, default=200, metavar="N")
    parser.add_argument("--visitors", type=int, default=20, metavar="N")
    args = parser.parse_args()
    environment = {} if args.models is None else {"BSDS_MODELS": str(args.models.resolve())}
    with TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "empty.py").write_text(EMPTY, encoding="utf-8")
        empty = min(_first_page(place / "empty.py", place, {}) for _ in range(2))
        print(f"empty app, start to page            {empty:7.2f} s")
        for demo in DEMOS.values():
            script = Path(demo.folder, "app.py")
            print(demo.name)
            first = min(_first_page(script, place, environment) for _ in range(2))
            print(f"  start to page, more than empty    {first - empty:7.2f} s   (target 6)")
            with _visited(script, place, environment) as (server, client):
                masks = [client.slide("hreshold", 0.2 + 0.05 * step) for step in range(TIMES)]
                print(f"  threshold to mask, median         {_ms(masks):7.0f} ms  (target 150)")
                _uploads(server, client, args.uploads)
                _visitors(server, args.visitors)
                _visitors(server, args.visitors, LARGE)
            print(f"  prediction of 481×321, median     {_prediction(demo, environment):7.0f} ms"
                  f"  (target {150 if demo.key == 'cnn' else 600})")  # fmt: skip


def _ms(seconds: list[float]) -> float:
    return statistics.median(seconds) * 1000


def _first_page(script: Path, folder: Path, environment: dict[str, str]) -> float:
    """Seconds from the start of the process until the first page is complete."""
    began = time.perf_counter()
    with demo_server(script, folder, environment) as server:
        client = Client(server.address)
        seconds = time.perf_counter() - began
        client.close()
    return seconds


@contextmanager
def _visited(
    script: Path, folder: Path, environment: dict[str, str]
) -> Iterator[tuple[Server, Client]]:
    with demo_server(script, folder, environment) as server:
        client = Client(server.address)
        yield server, client
        client.close()


def _photo(seed: int, size: tuple[int, int] | None = None) -> bytes:
    """Return the file of a picture that is like no other, of another (width, height) if given."""
    pixels = scene(seed % 8).image.copy()
    pixels[:8, :8] = np.random.default_rng(seed).integers(0, 256, (8, 8, 3))
    stream = io.BytesIO()
    if size is not None:
        Image.fromarray(pixels).resize(size).save(stream, "JPEG", quality=90)
        return stream.getvalue()
    Image.fromarray(pixels).save(stream, "PNG", compress_level=1)
    return stream.getvalue()


def _megabytes(server: Server) -> float:
    return float(psutil.Process(server.process.pid).memory_info().rss) / 2**20


def _uploads(server: Server, client: Client, count: int) -> None:
    client.choose("Choose a picture", "Upload")
    early = 0.0
    for number in range(count):
        client.upload(_photo(number), f"{number}.png")
        if number == count // 10:
            early = _megabytes(server)
    print(f"  memory after {count // 10} and {count} uploads    "
          f"{early:5.0f}, {_megabytes(server):.0f} MiB")  # fmt: skip


def _visitors(server: Server, count: int, size: tuple[int, int] | None = None) -> None:
    """Let visitors come at the same time, upload a picture each and move the threshold."""
    photos = [_photo(1000 + number, size) for number in range(count)]
    seconds: list[float] = []
    wrong: list[int] = []
    memory = [_megabytes(server)]
    done = threading.Event()

    def watch() -> None:
        while not done.wait(LOOK):
            memory.append(_megabytes(server))

    def visit(number: int) -> None:
        began = time.perf_counter()
        client = Client(server.address, 300)
        client.choose("Choose a picture", "Upload")
        client.upload(photos[number], f"visitor-{number}.png")
        client.slide("hreshold", 0.5)
        if client.find("Markdown", f"visitor\\\\-{number}") is None:
            wrong.append(number)
        seconds.append(time.perf_counter() - began)
        client.close()

    threads = [threading.Thread(target=visit, args=(number,)) for number in range(count)]
    watcher = threading.Thread(target=watch)
    for thread in [watcher, *threads]:
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    watcher.join()
    print(f"  {count} visitors at once, done in  {min(seconds):5.1f} to {max(seconds):.1f} s, "
          f"{count - len(seconds)} failed, {len(wrong)} saw another picture")  # fmt: skip
    what = "scenes" if size is None else "photos"
    print(f"  memory before, most, after {what} {memory[0]:5.0f}, {max(memory):.0f}, "
          f"{_megabytes(server):.0f} MiB")  # fmt: skip


def _prediction(demo: Demo, environment: dict[str, str]) -> float:
    from boundary_app.demos import load
    from boundary_app.prediction import Predictor
    from bsds_utils import quiet_start

    os.environ.update(environment)
    quiet_start()
    predictor = Predictor(*load(demo))
    picture: Picture = picture_of("scene", scene(1).image[:321, :481])
    predictor(picture)
    return _ms([predictor(picture).seconds for _ in range(TIMES)])


if __name__ == "__main__":
    main()
