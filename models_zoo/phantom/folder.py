"""A phantom data set on disk, in the layout of the hand-bone contest."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray

from ensemble.classes import CLASS_FILE, HAND_BONES, class_list_to_dict
from ensemble.errors import ConfigError, OutputError
from ensemble.files.output_place import refuse_full
from ensemble.progress import Progress, silent
from models_zoo.phantom.metadata import person_rows, workbook_bytes
from models_zoo.phantom.plan import HAND_STREAM, PARTS, SHEET_STREAM, Shot, plan_shots, stream
from models_zoo.phantom.scene import (
    LABEL,
    PIXELS,
    draw_scene,
    label_polygons,
    planned_person,
    render_scene,
)

SHEET_FILE = "meta_data.xlsx"
PNG_COMPRESSION = 2
ID_BYTES = 12


@dataclass(frozen=True, slots=True)
class PhantomSummary:
    """What was written: persons in all, and for each part its images and those with bent wrists."""

    folder: Path
    persons: int
    images: Mapping[str, int]
    bent: Mapping[str, int]


def make_phantom(
    folder: Path,
    *,
    images: int,
    size: int = 2048,
    seed: int = 0,
    progress: Progress = silent,
    workers: int = 1,
) -> PhantomSummary:
    """Write `images` synthetic, labelled hand radiographs of (size, size) pixels into `folder`.

    Two images a person; persons are split 60/20/20 into train, val and test. Equal images, size and
    seed give equal bytes, whatever `workers` (threads) is; another size shows the same hands.
    Raises ConfigError for fewer than 6 images or a size outside 64 to 4096, and OutputError if the
    folder holds anything or cannot be written.
    """
    if workers < 1:
        raise ConfigError("workers must be positive", got=workers)
    shots = plan_shots(images, size, seed)
    refuse_full(folder)
    try:
        _write_sheets(folder, shots, seed)
        with ThreadPoolExecutor(workers) as pool, progress("drawing", len(shots)) as advance:
            for _ in pool.map(lambda shot: _write_shot(folder, shot, size, seed), shots):
                advance(1)
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror}", where=folder) from error
    return _summary(folder, shots)


def _write_sheets(folder: Path, shots: tuple[Shot, ...], seed: int) -> None:
    """The class list and the sheet of persons."""
    folder.mkdir(parents=True, exist_ok=True)
    classes = yaml.safe_dump(class_list_to_dict(HAND_BONES), sort_keys=False)
    (folder / CLASS_FILE).write_text(classes, encoding="utf-8", newline="\n")
    persons = [planned_person(number, seed) for number in range(shots[-1].person + 1)]
    rows = person_rows(persons, stream(seed, SHEET_STREAM))
    (folder / SHEET_FILE).write_bytes(workbook_bytes(rows))


def _write_shot(folder: Path, shot: Shot, size: int, seed: int) -> None:
    """An image and its label."""
    scene = draw_scene(shot, seed)
    polygons = label_polygons(scene.hand, size)
    image = render_scene(scene, polygons, size, stream(seed, HAND_STREAM, shot.number, PIXELS))
    label = _label_json(shot, polygons, stream(seed, HAND_STREAM, shot.number, LABEL))
    part = folder / shot.part
    _write(part / "DCM" / shot.person_id / f"{shot.stem}.png", _png(image))
    _write(part / "outputs_json" / shot.person_id / f"{shot.stem}.json", label)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _png(image: NDArray[np.uint8]) -> bytes:
    """Grey (H, W) as a PNG with three equal channels."""
    colour = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
    _, encoded = cv2.imencode(".png", colour, [cv2.IMWRITE_PNG_COMPRESSION, PNG_COMPRESSION])
    return encoded.tobytes()


def _label_json(
    shot: Shot, polygons: Mapping[str, NDArray[np.int32]], generator: np.random.Generator
) -> bytes:
    """The contest's label file: one polygon a class, points as [x, y]."""
    annotations = [
        {
            "id": generator.bytes(ID_BYTES).hex(),
            "type": "poly_seg",
            "attributes": {},
            "points": polygon.tolist(),
            "label": name,
        }
        for name, polygon in polygons.items()
    ]
    return json.dumps({"annotations": annotations, "filename": f"{shot.stem}.png"}).encode()


def _summary(folder: Path, shots: tuple[Shot, ...]) -> PhantomSummary:
    images = Counter(shot.part for shot in shots)
    bent = Counter(shot.part for shot in shots if shot.bent)
    return PhantomSummary(
        folder=folder,
        persons=len({shot.person for shot in shots}),
        images={part: images[part] for part in PARTS},
        bent={part: bent[part] for part in PARTS},
    )
