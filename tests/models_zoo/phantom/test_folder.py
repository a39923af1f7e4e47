from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

from ensemble.classes import HAND_BONES, find_class_list
from ensemble.errors import ConfigError, OutputError
from models_zoo.phantom import make_phantom


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("phantom")
    make_phantom(folder, images=11, size=96, seed=4)
    return folder


def test_equal_arguments_give_equal_bytes_whatever_the_workers(
    phantom: Path, tmp_path: Path
) -> None:
    make_phantom(tmp_path / "again", images=11, size=96, seed=4, workers=3)
    assert digests(tmp_path / "again") == digests(phantom)
    make_phantom(tmp_path / "other", images=11, size=96, seed=5)
    other = set(digests(tmp_path / "other").values())
    assert len(other & set(digests(phantom).values())) == 1  # classes.yaml


def test_the_layout_is_that_of_the_contest(phantom: Path) -> None:
    files = {Path(name) for name in digests(phantom)}
    images = {path for path in files if path.suffix == ".png"}
    labels = {path for path in files if path.suffix == ".json"}
    assert len(images) == 11
    assert files - images - labels == {Path("classes.yaml"), Path("meta_data.xlsx")}
    for path in images:
        part, dcm, person, name = path.parts
        assert part in ("train", "val", "test")
        assert dcm == "DCM"
        assert Path(part, "outputs_json", person, name).with_suffix(".json") in labels
    assert len(labels) == 11
    assert find_class_list(phantom / "train") == HAND_BONES


def test_persons_are_disjoint_between_parts(phantom: Path) -> None:
    persons = [
        {path.name for path in (phantom / part / "DCM").iterdir()}
        for part in ("train", "val", "test")
    ]
    assert all(persons)
    assert sum(map(len, persons)) == len(set.union(*persons)) == 6


def test_labels_hold_the_keys_of_the_contest_and_whole_pixels(phantom: Path) -> None:
    for path in phantom.glob("*/outputs_json/*/*.json"):
        label = json.loads(path.read_text(encoding="utf-8"))
        assert list(label) == ["annotations", "filename"]
        assert label["filename"] == f"{path.stem}.png"
        assert [each["label"] for each in label["annotations"]] == list(HAND_BONES.names)
        assert len({each["id"] for each in label["annotations"]}) == len(HAND_BONES)
        for annotation in label["annotations"]:
            assert list(annotation) == ["id", "type", "attributes", "points", "label"]
            assert annotation["type"] == "poly_seg"
            points = np.array(annotation["points"])
            assert points.dtype.kind == "i"
            assert points.shape[0] >= 3
            assert points.min() >= 0
            assert points.max() <= 95


def test_images_are_grey_in_three_channels(phantom: Path) -> None:
    for path in phantom.glob("*/DCM/*/*.png"):
        image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        assert image.shape == (96, 96, 3)
        assert image.dtype == np.uint8
        assert np.ptp(image, axis=2).max() == 0


def test_progress_and_summary_count_the_images(tmp_path: Path) -> None:
    seen: list[object] = []

    @contextmanager
    def progress(task: str, total: int) -> Iterator[Callable[[int], None]]:
        seen.append((task, total))
        yield seen.append

    folder = tmp_path / "new" / "folder"
    summary = make_phantom(folder, images=6, size=64, progress=progress)
    assert seen == [("drawing", 6), 1, 1, 1, 1, 1, 1]
    assert summary.persons == 3
    assert summary.images == {"train": 2, "val": 2, "test": 2}
    assert summary.bent == {"train": 0, "val": 0, "test": 1}


def test_a_folder_that_holds_anything_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(OutputError, match=r"thesis\.txt"):
        make_phantom(tmp_path, images=6, size=64)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_place_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OutputError, match="file"):
            make_phantom(place, images=6, size=64)


def test_no_workers_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="workers"):
        make_phantom(tmp_path / "new", images=6, size=64, workers=0)
    assert not (tmp_path / "new").exists()
