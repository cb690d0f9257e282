"""Both demos in a real browser: a photo goes in, the mask of `bsds predict` comes out."""

import subprocess
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bsds_command import PROGRAM
from PIL import Image
from scipy.io import savemat
from scipy.ndimage import binary_dilation

from bsds_utils.synthetic import scene
from tests.chromium import SIZES, browser_problem, chromium
from tests.demo_models import save_demo_models
from tests.demo_server import demo_server
from tests.demo_visit import Visit

PROBLEM = browser_problem()

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(PROBLEM is not None, reason=PROBLEM or ""),
]

MODELS = {"cnn_app": "cnn_model.keras", "resnet_app": "resnet50_model.keras"}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of two small models."""
    return save_demo_models(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def servers(
    models: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], str]]:
    """Return a function that starts an app far from the repository and returns its address."""
    with ExitStack() as stack:

        @cache
        def start(app: str) -> str:
            folder, variables = tmp_path_factory.mktemp("elsewhere"), {"BSDS_MODELS": str(models)}
            return stack.enter_context(demo_server(f"{app}/app.py", folder, variables)).address

        yield start


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Return a browser that tests share, each with sessions of its own."""
    with chromium() as driver:
        yield driver


@pytest.fixture
def visit(browser: Any, servers: Callable[[str], str]) -> Visit:
    """Return a visitor of the CNN's page."""
    browser.get_log("browser")
    return Visit(browser, servers("cnn_app"))


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """Return a photograph's file, or, without BSDS500, a scene's."""
    path = tmp_path_factory.mktemp("photo") / "holiday.jpg"
    try:
        root = request.getfixturevalue("bsds500_root")
    except pytest.skip.Exception:
        Image.fromarray(scene(99).image).save(path, quality=95)
    else:
        path.write_bytes(next(iter(sorted((root / "images" / "test").glob("*.jpg")))).read_bytes())
    return path


@pytest.fixture(scope="module")
def predicted(
    models: Path, photo: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """Return a function that returns the folder of what `bsds predict` makes of the photo."""

    @cache
    def predict(app: str) -> Path:
        folder = tmp_path_factory.mktemp("predicted")
        subprocess.run(
            [*PROGRAM, "predict", models / MODELS[app], photo, "-o", folder],
            check=True, capture_output=True, timeout=120,
        )  # fmt: skip
        return folder

    return predict


@pytest.mark.parametrize(
    ("app", "size", "dark"),
    [
        ("cnn_app", "desktop", False),
        ("cnn_app", "phone", True),
        ("resnet_app", "desktop", True),
        ("resnet_app", "phone", False),
    ],
)
def test_a_visit(
    servers: Callable[[str], str], predicted: Callable[[str], Path], photo: Path, tmp_path: Path,
    app: str, size: str, dark: bool,
) -> None:  # fmt: skip
    """Upload, threshold, overlay, download: what is shown and saved is `bsds predict`'s."""
    expected = np.asarray(Image.open(predicted(app) / "holiday_mask.png"))
    probability = np.asarray(Image.open(predicted(app) / "holiday_probability.png"))
    with chromium(size, dark, downloads=tmp_path) as driver:
        visit = Visit(driver, servers(app))
        visit.upload(photo)
        np.testing.assert_array_equal(visit.pixels("Mask"), expected)

        # A higher threshold keeps fewer pixels, all of them marked before; the drawn overlay loses
        # exactly the others.
        before, drawn = visit.pixels("Overlay")[..., 3] > 0, _drawn(visit)
        visit.threshold(+20)
        after = visit.pixels("Overlay")[..., 3] > 0
        assert 0 < after.sum() < before.sum()
        assert not (after & ~before).any()
        np.testing.assert_array_equal(after, visit.pixels("Mask") > 0)
        np.testing.assert_allclose(probability[after].min() / 255, 0.5, atol=0.02)
        _assert_changed_where(drawn, _drawn(visit), before & ~after)

        visit.threshold(-20)
        visit.click("Mask (PNG)")
        downloaded = tmp_path / "holiday_mask.png"
        visit.wait(downloaded.exists)
        np.testing.assert_array_equal(np.asarray(Image.open(downloaded)), expected)
        _assert_fits(visit, SIZES[size][0])
        _assert_looks(visit, dark)
        assert visit.complaints() == []


def _drawn(visit: Visit) -> np.ndarray:
    """Return the right half of what the viewer draws, the divider moved out of the way."""
    divider = visit.one(".viewer .divider")
    divider.send_keys("\ue011")  # Home: all of the picture is right of it
    return visit.screen(visit.one(".viewer .stage")).astype(int)


def _assert_changed_where(before: np.ndarray, after: np.ndarray, changed: np.ndarray) -> None:
    """Compare two drawings of the viewer, apart from the divider and the labels."""
    height, width = before.shape[:2]

    def enlarged(mask: np.ndarray) -> np.ndarray:
        picture = Image.fromarray(mask).convert("L")
        return np.asarray(picture.resize((width, height), Image.Resampling.BOX))

    seen = np.abs(before - after).max(axis=-1) > 24
    inner = np.zeros((height, width), bool)
    inner[50:-10, 60:-10] = True
    assert seen[inner & (enlarged(changed) == 255)].mean() > 0.8
    # The browser smooths what it enlarges, so that neighbours change a little.
    far = enlarged(binary_dilation(changed, np.ones((3, 3)))) == 0
    assert seen[inner & far].mean() < 0.002


def _assert_fits(visit: Visit, width: int) -> None:
    """Look for anything wider than the screen."""
    assert visit.driver.execute_script("return document.documentElement.scrollWidth") <= width


def _assert_looks(visit: Visit, dark: bool) -> None:
    """Compare the page with what the visitor prefers, light or dark."""
    colour = visit.one("[data-testid=stApp]").value_of_css_property("background-color")
    level = sum(int(part) for part in colour.partition("(")[2].rstrip(")").split(",")[:3]) / 3
    assert (level < 80) == dark


def test_two_visitors_do_not_see_each_other(visit: Visit, photo: Path) -> None:
    """What one visitor uploads does not appear in another one's page."""
    with chromium() as driver:
        other = Visit(driver, visit.driver.current_url)
        shown = other.layers("Picture")
        visit.upload(photo)
        other.threshold(+5)
        assert other.layers("Picture") == shown != visit.layers("Picture")
        assert photo.name not in other.text()


def test_a_broken_file_is_one_sentence(visit: Visit, tmp_path: Path) -> None:
    """A file that is no picture is told in a sentence, and the page goes on."""
    broken = tmp_path / "letter.png"
    broken.write_text("Dear all,")
    visit.click("Upload")
    visit.hand_in(broken, "JPEG")
    visit.wait(lambda: "letter.png: expected a JPEG" in visit.text())
    assert "Traceback" not in visit.text()
    visit.threshold(+5)
    assert visit.complaints() == []


def test_a_refused_kind_of_file_is_told(visit: Visit, tmp_path: Path) -> None:
    """Why a file is not even uploaded can be read on the page."""
    other = tmp_path / "holiday.heic"
    other.write_bytes(b"heic")
    visit.click("Upload")
    visit.hand_in(other, "JPEG")
    told = visit.one("[data-testid=stFileChip] [role=alert]")
    assert "not allowed" in told.text
    assert told.size["height"] > 10 < told.size["width"]


def test_ground_truth_is_shown_at_once(visit: Visit, photo: Path, tmp_path: Path) -> None:
    """With ground truth the IoU appears; a wrong one is told, and the next picture is taken."""
    height, width = np.asarray(Image.open(photo)).shape[:2]
    right, wrong = tmp_path / "right.mat", tmp_path / "wrong.mat"
    for path, columns in ((right, width), (wrong, width + 1)):
        one = np.empty((1, 1), object)
        boundaries = np.zeros((height, columns), np.uint8)
        boundaries[:, columns // 2] = 1
        one[0, 0] = {"Boundaries": boundaries, "Segmentation": boundaries}
        savemat(path, {"groundTruth": one})
    visit.upload(photo)
    visit.hand_in(wrong, "ground truth")
    visit.wait(lambda: f"found one of {width + 1}×{height}" in visit.text())
    visit.hand_in(right, "ground truth")
    visit.wait(lambda: visit.all("[data-testid=stMetric]"))
    second = tmp_path / "second.png"
    Image.fromarray(scene(98).image).save(second)
    visit.upload(second)
    assert not visit.all("[data-testid=stMetric]")
    assert visit.complaints() == []


def test_settings_stay_on_other_pages(visit: Visit) -> None:
    """The threshold and the look of lines are the same when a visitor comes back."""
    visit.threshold(+7)
    title = visit.view("Mask").get_attribute("title")
    visit.click("Thin")
    visit.click("Side by side")
    visit.wait(lambda: visit.layers("ResNet50"))
    assert _chosen(visit) >= {"Thin", "Orange"}
    visit.click("Only the CNN")
    visit.wait(lambda: visit.view("Mask"))
    assert visit.view("Mask").get_attribute("title") == title
    assert _chosen(visit) >= {"Thin", "Orange"}


def _chosen(visit: Visit) -> set[str]:
    """Return what is chosen of several buttons."""
    return {one.text for one in visit.all("button[aria-checked=true], [kind$=Active]")}


def test_a_panorama_has_room(visit: Visit, tmp_path: Path) -> None:
    """A very wide picture is shown whole, in a stage that its controls fit into."""
    path = tmp_path / "wide.png"
    Image.fromarray(np.tile(scene(97).image[:60], (1, 2, 1))[:, :900]).save(path)
    visit.upload(path)
    stage = visit.one(".viewer .stage").size
    assert stage["height"] > 100
    fit = visit.one(".viewer .side.left img").value_of_css_property("object-fit")
    assert fit == "contain"


@pytest.mark.parametrize("source", ["Samples", "Upload"])
def test_a_picture_can_be_pasted(visit: Visit, photo: Path, source: str) -> None:
    """A picture from the clipboard is shown like one that was uploaded."""
    before = visit.layers("Picture")
    visit.click(source)
    visit.wait(lambda: visit.all(".paste button"))
    visit.driver.execute_script(
        "const bytes = Uint8Array.from(atob(arguments[0]), (one) => one.charCodeAt(0));"
        "const clipboardData = new DataTransfer();"
        "clipboardData.items.add(new File([bytes], 'image.jpg', { type: 'image/jpeg' }));"
        "document.dispatchEvent(new ClipboardEvent('paste', { clipboardData }));",
        b64encode(photo.read_bytes()).decode(),
    )
    visit.wait(lambda: "Pasted picture" in visit.text() and visit.layers("Picture") != before)
    assert visit.complaints() == []


def test_the_divider_can_be_dragged(visit: Visit) -> None:
    """The divider follows the mouse, and the other view begins where it stands."""
    from selenium.webdriver import ActionChains

    stage, divider = visit.one(".viewer .stage"), visit.one(".viewer .divider")
    quarter = -stage.size["width"] // 4
    ActionChains(visit.driver).drag_and_drop_by_offset(divider, quarter, 0).perform()
    visit.wait(lambda: divider.get_attribute("aria-valuenow") == "25")
    clip = visit.one(".viewer .side.right").value_of_css_property("clip-path")
    assert float(clip.split()[-1].rstrip("%)")) == pytest.approx(25, abs=1)


def test_everything_can_be_done_by_keyboard(visit: Visit) -> None:
    """The divider and the zoom answer to keys, and all controls have names."""
    divider = visit.one(".viewer .divider")
    divider.send_keys("\ue010")  # End
    assert divider.get_attribute("aria-valuenow") == "100"
    divider.send_keys("\ue012" * 3)  # left
    assert divider.get_attribute("aria-valuenow") == "94"
    stage = visit.one(".viewer .stage")
    stage.send_keys("++")
    assert visit.one(".viewer .factor").text == "200 %"
    stage.send_keys("0")
    assert visit.one(".viewer .factor").text == "100 %"
    unnamed = visit.driver.execute_script(
        "return arguments[0].filter("
        "one => !one.innerText?.trim() && !one.ariaLabel && !one.title && !one.labels?.length"
        " && !one.getAttribute('aria-labelledby') && one.offsetParent)"
        ".map(one => one.outerHTML)",
        visit.all("button, input, [role=slider]"),
    )
    assert unnamed == []


def test_both_models_side_by_side(visit: Visit) -> None:
    """The third page shows both models' overlays of the same picture."""
    visit.click("Side by side")
    visit.wait(lambda: visit.layers("CNN"))
    cnn, resnet = visit.layers("CNN"), visit.layers("ResNet50")
    assert cnn[0] == resnet[0]
    assert cnn[1] != resnet[1]
    assert visit.complaints() == []
