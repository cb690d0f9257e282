"""What a visitor does in a demo's page, by Selenium."""

import io
import time
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["Visit"]

# Components of the page live in shadow roots, where selectors do not reach.
_DEEP = """
const found = [];
const search = (root) => {
  found.push(...root.querySelectorAll(arguments[0]));
  for (const element of root.querySelectorAll("*")) {
    if (element.shadowRoot) search(element.shadowRoot);
  }
};
search(document);
return found;
"""

# An image that is replaced meanwhile cannot be decoded any more, which is as good.
_DRAWN = """
const done = arguments[arguments.length - 1];
const next = () => requestAnimationFrame(() => requestAnimationFrame(() => done()));
Promise.allSettled(arguments[0].map((image) => image.decode())).then(next);
"""


class Visit:
    """One visitor with a browser of their own."""

    def __init__(self, driver: Any, address: str, seconds: float = 60) -> None:
        self.driver = driver
        self.seconds = seconds
        driver.get(address)
        self.wait(lambda: self.all(".viewer .views button"))
        self.wait_idle()

    def all(self, selector: str) -> list[Any]:
        """Find elements, also inside components."""
        found: list[Any] = self.driver.execute_script(_DEEP, selector)
        return found

    def one(self, selector: str) -> Any:
        """Find the only such element."""
        return self.wait(lambda: self.all(selector))[0]

    def wait(self, condition: Callable[[], Any]) -> Any:
        """Wait until a condition holds, and return what it gave."""
        end = time.monotonic() + self.seconds
        while True:
            try:
                result = condition()
            except Exception:
                if time.monotonic() > end:
                    raise
                result = None
            if result:
                return result
            if time.monotonic() > end:
                raise AssertionError(f"not within {self.seconds} s; the page says: {self.text()}")
            time.sleep(0.1)

    def wait_idle(self) -> None:
        """Wait until the server has done what was asked."""
        state = "[data-testid=stApp]"
        self.wait(lambda: self.one(state).get_attribute("data-test-script-state") == "notRunning")

    def text(self) -> str:
        """Return what the page says."""
        return str(self.driver.execute_script("return document.body.innerText"))

    def click(self, label: str) -> None:
        """Press the button that says so."""
        self.wait(lambda: self._named(label))
        element = self._named(label)
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()
        self.wait_idle()

    def _named(self, label: str) -> Any:
        return next(
            (one for one in self.all("button, a") if label in (one.text or "").split("\n")), None
        )

    def upload(self, path: Path) -> None:
        """Upload a picture and wait until it is shown."""
        if not self._uploaders("JPEG"):
            self.click("Upload")
        before = self.layers("Picture")
        self.hand_in(path, "JPEG")
        self.wait(lambda: path.name in self.text() and self.layers("Picture") != before)
        self.wait_idle()

    def hand_in(self, path: Path, label: str) -> None:
        """Choose a file in the uploader whose label has this in it."""
        (uploader,) = self.wait(lambda: self._uploaders(label))
        uploader.find_element("css selector", "input[type=file]").send_keys(str(path))

    def _uploaders(self, label: str) -> list[Any]:
        return [one for one in self.all("[data-testid=stFileUploader]") if label in one.text]

    def threshold(self, steps: int) -> None:
        """Move the threshold's slider by hundredths, by keyboard, and wait for the new mask."""
        from selenium.webdriver import ActionChains, Keys

        slider = self.one("[data-testid=stSlider] input[type=range]")
        wanted = float(slider.get_attribute("value")) + steps / 100
        self.driver.execute_script("arguments[0].focus()", slider)
        key = Keys.ARROW_RIGHT if steps > 0 else Keys.ARROW_LEFT
        ActionChains(self.driver).send_keys(key * abs(steps)).perform()
        text = f"at least {wanted:.2f}"
        self.wait(lambda: text in self.view("Mask").get_attribute("title"))
        self.settle()

    def settle(self) -> None:
        """Wait until the server is idle and all images are drawn."""
        self.wait_idle()
        self.wait(lambda: not self.all("[data-testid=stSkeleton]"))
        self.driver.execute_async_script(_DRAWN, self.all("img"))

    def view(self, label: str) -> Any:
        """Return the button of one of the views."""
        return next(
            one for one in self.all(".views button")
            if one.find_element("css selector", ".label").get_attribute("textContent") == label
        )  # fmt: skip

    def layers(self, label: str) -> list[str]:
        """Return the addresses of the images that are one of the views."""
        images = self.view(label).find_elements("css selector", "img")
        return [str(image.get_attribute("src")) for image in images]

    def pixels(self, label: str) -> NDArray[np.uint8]:
        """Return the pixels of a view's uppermost layer."""
        content = b64decode(self.layers(label)[-1].partition(",")[2])
        return np.asarray(Image.open(io.BytesIO(content)))

    def screen(self, element: Any) -> NDArray[np.uint8]:
        """Return the pixels of an element as the browser draws it."""
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
        self.settle()
        return np.asarray(Image.open(io.BytesIO(element.screenshot_as_png)).convert("RGB"))

    def complaints(self) -> list[str]:
        """Return the console's errors."""
        return [
            str(entry["message"])
            for entry in self.driver.get_log("browser")
            if entry["level"] == "SEVERE"
        ]
