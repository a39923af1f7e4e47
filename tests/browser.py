"""A page in a real browser: Chromium without a window, driven by its command line."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER = next((path for name in _NAMES if (path := shutil.which(name))), None)

needs_browser = pytest.mark.skipif(BROWSER is None, reason="Chromium is not installed here")


def dump_dom(page: Path, fragment: str = "", *, then: str = "") -> str:
    """The document after its script ran, and after it what a user does, written as script.

    The test fails for anything that the console was told.
    """
    if then:
        html = page.read_text(encoding="utf-8")
        page = page.with_name(f"then-{page.name}")
        page.write_text(html.replace("</body>", f"<script>{then}</script></body>"), "utf-8")
    return _run(page, "--dump-dom", fragment=fragment)


def screenshot(
    page: Path, to: Path, *, is_dark: bool = False, size: tuple[int, int] = (1280, 900)
) -> np.ndarray:
    """Pixels of the top of the page."""
    dark = ["--force-dark-mode", "--blink-settings=preferredColorScheme=0"] if is_dark else []
    _run(page, f"--screenshot={to}", f"--window-size={size[0]},{size[1]}", *dark)
    return cv2.imread(str(to))


def _run(page: Path, *options: str, fragment: str = "") -> str:
    done = subprocess.run(
        [
            str(BROWSER),
            "--headless",
            "--disable-gpu",
            "--hide-scrollbars",
            "--enable-logging=stderr",
            "--virtual-time-budget=2000",
            *(["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []),
            *options,
            page.resolve().as_uri() + fragment,
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    told = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert told == []
    return done.stdout
