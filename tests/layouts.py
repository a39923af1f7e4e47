"""Labelled folders in all five layouts, written from masks with plain means."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from reference import rle_string

Masks = NDArray[np.bool_]


def write_png(path: Path, pixels: np.ndarray) -> Path:
    """An image file in cv2's channel order; folders are made, names may hold any letter."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(path.suffix, pixels)[1].tobytes())
    return path


def write_blank(folder: Path, sizes: Mapping[str, tuple[int, int]]) -> None:
    """Images of noise by relative path."""
    rng = np.random.default_rng(0)
    for name, size in sizes.items():
        write_png(folder / name, rng.integers(0, 256, size, np.uint8))


def write_contest(folder: Path, polygons: Mapping[str, list[tuple[str, list]]], size) -> None:
    """(class, points) pairs by stem."""
    write_blank(folder / "DCM", {f"{stem}.png": size for stem in polygons})
    for stem, pairs in polygons.items():
        path = folder / "outputs_json" / f"{stem}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        annotations = [
            {"id": str(i), "type": "poly_seg", "attributes": {}, "points": points, "label": label}
            for i, (label, points) in enumerate(pairs)
        ]
        content = {"annotations": annotations, "filename": f"{path.stem}.png"}
        path.write_text(json.dumps(content), encoding="utf-8")


def write_mask_folders(folder: Path, names: list[str], masks: Mapping[str, Masks]) -> None:
    """Masks (C, H, W) by stem; an empty one gets no file."""
    write_blank(folder / "images", {f"{s}.png": stack.shape[1:] for s, stack in masks.items()})
    for name in names:
        (folder / "masks" / name).mkdir(parents=True)
    for stem, stack in masks.items():
        for name, mask in zip(names, stack, strict=True):
            if mask.any():
                write_png(folder / "masks" / name / f"{stem}.png", mask.astype(np.uint8) * 255)


def write_index_maps(folder: Path, maps: Mapping[str, np.ndarray], yaml: str) -> None:
    """Pixel values (H, W) by stem, and classes.yaml."""
    write_blank(folder / "images", {f"{stem}.png": m.shape for stem, m in maps.items()})
    for stem, pixels in maps.items():
        write_png(folder / "labels" / f"{stem}.png", pixels)
    (folder / "classes.yaml").write_text(yaml, encoding="utf-8")


def write_rle_csv(folder: Path, names: list[str], masks: Mapping[str, Masks]) -> None:
    """A row for every pair, as predictions have them."""
    write_blank(folder / "images", {f"{s}.png": stack.shape[1:] for s, stack in masks.items()})
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        rows.writerow(["image_name", "class", "rle"])
        for stem, stack in masks.items():
            for name, mask in zip(names, stack, strict=True):
                rows.writerow([f"{stem}.png", name, rle_string(mask)])


def write_coco(
    folder: Path, names: list[str], masks: Mapping[str, Masks], *, compressed: bool
) -> None:
    """One RLE annotation a mask, by pycocotools' own encoder."""
    write_blank(folder / "images", {f"{s}.png": stack.shape[1:] for s, stack in masks.items()})
    content = {
        "images": [
            {"id": i, "file_name": f"{stem}.png", "height": m.shape[1], "width": m.shape[2]}
            for i, (stem, m) in enumerate(masks.items())
        ],
        "categories": [{"id": 7 * i + 1, "name": name} for i, name in enumerate(names)],
        "annotations": [
            {
                "id": 100 * i + c,
                "image_id": i,
                "category_id": 7 * c + 1,
                "iscrowd": 1,
                "segmentation": coco_segmentation(mask, compressed=compressed),
            }
            for i, stack in enumerate(masks.values())
            for c, mask in enumerate(stack)
        ],
    }
    write_json(folder / "annotations.json", content)


def coco_segmentation(mask: Masks, *, compressed: bool) -> dict:
    """COCO's RLE of a mask (H, W) bool."""
    size = list(mask.shape)
    if compressed:
        encoded = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
        return {"size": size, "counts": encoded["counts"].decode("ascii")}
    counts, last = [0], False
    for pixel in mask.flatten(order="F").tolist():
        if pixel != last:
            counts.append(0)
        counts[-1] += 1
        last = pixel
    return {"size": size, "counts": counts}


def write_json(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
