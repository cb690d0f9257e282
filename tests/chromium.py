"""A headless Chromium for tests, screenshots and benchmarks."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

__all__ = ["SIZES", "browser_problem", "chromium"]

SIZES = {"desktop": (1440, 900), "phone": (390, 844)}
"""Width and height of the page in pixels."""

_BROWSERS = ("chromium", "google-chrome", "chrome")


def browser_problem() -> str | None:
    """Say what is missing, or None."""
    if not any(map(shutil.which, _BROWSERS)) or not shutil.which("chromedriver"):
        return "needs Chromium: apt-get install chromium chromium-driver"
    return None


@contextmanager
def chromium(
    size: str = "desktop", dark: bool = False, downloads: Path | None = None
) -> Iterator[Any]:
    """Start a browser of its own and end it, and no other, afterwards.

    Parameters
    ----------
    size
        One of `SIZES`.
    dark
        Whether it prefers dark pages.
    downloads
        Folder for downloads.
    """
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = next(filter(None, map(shutil.which, _BROWSERS)))
    with TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        for argument in (
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--disable-dev-shm-usage", "--hide-scrollbars", f"--user-data-dir={profile}",
        ):  # fmt: skip
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        if downloads is not None:
            options.add_experimental_option(
                "prefs", {"download.default_directory": str(downloads)}
            )
        service = Service(shutil.which("chromedriver"), env=dict(os.environ))
        driver = webdriver.Chrome(options, service)
        try:
            driver.set_page_load_timeout(60)
            width, height = SIZES[size]
            driver.execute_cdp_cmd(
                "Emulation.setDeviceMetricsOverride",
                {"width": width, "height": height, "deviceScaleFactor": 1,
                 "mobile": size == "phone"},
            )  # fmt: skip
            driver.execute_cdp_cmd(
                "Emulation.setEmulatedMedia",
                {"features": [
                    {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
                    {"name": "prefers-reduced-motion", "value": "reduce"},
                ]},
            )  # fmt: skip
            yield driver
        finally:
            with suppress(Exception):
                driver.quit()
            service.stop()
