"""The machine's own Chromium through Playwright, whose own download is not used."""

import os
import shutil
from contextlib import contextmanager

from playwright.sync_api import sync_playwright

from .errors import DevError

NAMES = ("chromium", "chromium-browser", "google-chrome")


def find_chromium() -> str:
    for name in NAMES:
        if found := shutil.which(name):
            return found
    raise DevError("there is no Chromium; dev/setup --for test installs one")


@contextmanager
def launched(*, headless: bool = True):
    """A running browser; every test opens contexts (sets of cookies) of its own in it."""
    arguments = ["--disable-dev-shm-usage"]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")  # Chromium's sandbox does not work for root
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=arguments, headless=headless)
        try:
            yield browser
        finally:
            browser.close()
