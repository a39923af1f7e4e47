"""Take the README's pictures of pages: one section each of what `ens demo` leaves.

Run as `python scripts/page_pictures.py demo scripts/pictures`; it needs Chromium.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
WIDTH_PX, SHOWN_PX = 1000, 560
WEBP_QUALITY = 80
ALONE = (
    "<style>header, nav, .lead, .facts, h1, main section:not(#{section}) {{ display: none; }}"
    " body, main, .layout {{ display: block; margin: 0; padding: 4px 12px; max-width: none; }}"
    " section {{ border: 0; margin: 0; padding: 0; }}</style></head>"
)


@dataclass(frozen=True, slots=True)
class Shot:
    """A section of a page, as high as it is shown."""

    page: str
    section: str
    height_px: int


SHOTS = {
    "errors": Shot("errors/index.html", "worst-images", 1350),
    "ensemble": Shot("report/index.html", "members", 700),
}


def main() -> None:
    """Write a .webp a shot into the folder given on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("demo", type=Path, help="the folder that ens demo made")
    parser.add_argument("out", type=Path, help="where to write")
    options = parser.parse_args()
    for name, shot in SHOTS.items():
        path = options.out / f"{name}.webp"
        taken = take(options.demo / shot.page, shot)
        height = round(taken.shape[0] * SHOWN_PX / taken.shape[1])
        small = cv2.resize(taken, (SHOWN_PX, height), interpolation=cv2.INTER_AREA)
        _, encoded = cv2.imencode(".webp", small, [cv2.IMWRITE_WEBP_QUALITY, WEBP_QUALITY])
        path.write_bytes(encoded.tobytes())
        print(f"{path}: {path.stat().st_size / 1024:.0f} KiB")


def take(page: Path, shot: Shot) -> np.ndarray:
    """Pixels (H, W, 3), BGR, of a section that stands alone on its page."""
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        raise SystemExit(f"none of {', '.join(BROWSERS)} is installed")
    html = page.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        alone, picture = Path(folder) / "page.html", Path(folder) / "page.png"
        alone.write_text(html.replace("</head>", ALONE.format(section=shot.section)), "utf-8")
        root = ["--no-sandbox"] if os.geteuid() == 0 else []
        command = [browser, "--headless", "--disable-gpu", "--hide-scrollbars", *root]
        command += [f"--window-size={WIDTH_PX},{shot.height_px}", f"--screenshot={picture}"]
        subprocess.run([*command, alone.as_uri()], check=True, capture_output=True, timeout=120)
        return cv2.imread(str(picture))


if __name__ == "__main__":
    main()
