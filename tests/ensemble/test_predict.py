import csv
import shutil

import cv2
import numpy as np
import pytest
import zarr

import reference
from ensemble.classes import ClassList
from ensemble.data.datasets import open_images
from ensemble.errors import ConfigError, DataError, ImageError
from ensemble.fusion import ensembles
from ensemble.fusion.ensembles import Ensemble
from ensemble.fusion.weights import uniform_weights
from ensemble.images.reading import read_image
from ensemble.predict import PredictionFormat, predict
from ensemble.runs.rle import RleFormat, decode, parse_rle
from fakes import tiny_member, write_images

CLASSES = ClassList(("left", "right", "spine"), mirror_pairs=(("left", "right"),))
SIZES = {
    "DCM/ID002/a.png": (30, 44),
    "DCM/ID001/image_R.png": (61, 20),
    "DCM/ID001/ümlaut und Leerzeichen.png": (25, 25),
    "DCM/ID010/one row.png": (1, 50),
}


@pytest.fixture
def folder(tmp_path):
    write_images(tmp_path / "test", SIZES)
    return tmp_path / "test"


@pytest.fixture
def ensemble():
    members = [tiny_member(f"m{i}", CLASSES, (16, 24 + 8 * i), seed=i) for i in range(2)]
    return Ensemble(members, uniform_weights(members, views="hflip"))


def rows(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))


def test_every_image_and_class_has_its_row_in_order(folder, ensemble, tmp_path):
    summary = predict(ensemble, open_images(folder), tmp_path / "p.csv")
    table = rows(tmp_path / "p.csv")
    ordered = [name.split("/")[-1] for name in sorted(SIZES)]
    assert table[0] == ["image_name", "class", "rle"]
    assert [row[:2] for row in table[1:]] == [[n, c] for n in ordered for c in CLASSES.names]
    assert (summary.num_images, summary.num_resumed) == (4, 0)


@pytest.mark.parametrize("order", ["row", "column"])
@pytest.mark.parametrize("base", [0, 1])
def test_rows_hold_the_masks_of_the_twin(folder, ensemble, tmp_path, order, base):
    images = open_images(folder)
    output = PredictionFormat(RleFormat(order, base))
    predict(ensemble, images, tmp_path / "p.csv", output=output)
    strings = {(i, c): rle for i, c, rle in rows(tmp_path / "p.csv")[1:]}
    members = ensemble.members
    for sample in images.samples:
        image = read_image(sample.image)
        size = image.shape[:2]
        fused = reference.fused_map(members, ensemble.weights, ensemble.views, image)
        for c, name in enumerate(CLASSES.names):
            rle = strings[sample.image.name, name]
            mask = decode(parse_rle(rle, size, order=order, base=base), size)
            assert reference.rle_string(mask, order=order, base=base) == rle
            assert (mask == (fused[c] > 0.5))[np.abs(fused[c] - 0.5) > 1e-5].all()


class StopAfter:
    """Progress that breaks off after some images, as a kill would."""

    def __init__(self, images):
        self.left = images

    def __call__(self, task, total):
        return self

    def __enter__(self):
        return self.advance

    def __exit__(self, *_):
        return None

    def advance(self, steps):
        self.left -= steps
        if self.left == 0:
            raise KeyboardInterrupt


@pytest.mark.parametrize("done", [1, 2, 3])
def test_an_interrupted_run_goes_on_to_the_same_bytes(folder, ensemble, tmp_path, done):
    images = open_images(folder)
    predict(ensemble, images, tmp_path / "whole.csv")
    with pytest.raises(KeyboardInterrupt):
        predict(ensemble, images, tmp_path / "p.csv", progress=StopAfter(done))
    assert not (tmp_path / "p.csv").exists()
    summary = predict(ensemble, images, tmp_path / "p.csv")
    assert summary.num_resumed == done
    assert (tmp_path / "p.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert list(tmp_path.glob("*.journal")) == []


def test_an_image_that_changed_since_is_predicted_again(folder, ensemble, tmp_path):
    images = open_images(folder)
    with pytest.raises(KeyboardInterrupt):
        predict(ensemble, images, tmp_path / "p.csv", progress=StopAfter(2))
    write_images(folder, {"DCM/ID001/image_R.png": (9, 9)})
    assert predict(ensemble, images, tmp_path / "p.csv").num_resumed == 1


def test_other_settings_do_not_take_over_an_interrupted_run(folder, ensemble, tmp_path):
    images = open_images(folder)
    with pytest.raises(KeyboardInterrupt):
        predict(ensemble, images, tmp_path / "p.csv", progress=StopAfter(2))
    other = Ensemble(ensemble.members, ensemble.weights, views="")
    assert predict(other, images, tmp_path / "p.csv").num_resumed == 0
    assert predict(ensemble, images, tmp_path / "p.csv").num_resumed == 2


def test_an_upgrade_that_changes_masks_does_not_take_over_an_interrupted_run(
    folder, ensemble, tmp_path, monkeypatch
):
    images = open_images(folder)
    with pytest.raises(KeyboardInterrupt):
        predict(ensemble, images, tmp_path / "p.csv", progress=StopAfter(2))
    monkeypatch.setattr(ensembles, "MAPS_VERSION", ensembles.MAPS_VERSION + 1)
    assert predict(ensemble, images, tmp_path / "p.csv").num_resumed == 0


def test_broken_images_are_named_together_and_the_others_are_kept(folder, ensemble, tmp_path):
    for name in ("DCM/ID001/broken.png", "DCM/ID002/empty.png"):
        (folder / name).write_bytes(b"no image")
    images = open_images(folder)
    with pytest.raises(ImageError, match=r"2 images cannot.*broken.png.*empty.png.*\(4 images\)"):
        predict(ensemble, images, tmp_path / "p.csv")
    assert not (tmp_path / "p.csv").exists()
    (folder / "DCM/ID002/empty.png").unlink()
    cv2.imwrite(str(folder / "DCM/ID001/broken.png"), np.zeros((5, 6), np.uint8))
    assert predict(ensemble, open_images(folder), tmp_path / "p.csv").num_resumed == 4


def test_equal_base_names_are_refused_unless_paths_are_asked_for(tmp_path, ensemble):
    write_images(tmp_path / "test", {"a/x.png": (9, 9), "b/x.png": (8, 8)})
    images = open_images(tmp_path / "test")
    with pytest.raises(DataError, match=r"a/x.png and b/x.png.*--image-names path"):
        predict(ensemble, images, tmp_path / "p.csv")
    predict(ensemble, images, tmp_path / "p.csv", output=PredictionFormat(full_paths=True))
    assert {row[0] for row in rows(tmp_path / "p.csv")[1:]} == {"a/x.png", "b/x.png"}


def test_links_to_nothing_are_named_and_the_others_are_kept(folder, ensemble, tmp_path):
    (folder / "DCM/link.png").symlink_to(tmp_path / "gone.png")
    with pytest.raises(ImageError, match=r"1 image .*link.png.*link to nothing.*\(4 images\)"):
        predict(ensemble, open_images(folder), tmp_path / "p.csv")
    (folder / "DCM/link.png").unlink()
    assert predict(ensemble, open_images(folder), tmp_path / "p.csv").num_resumed == 4


@pytest.mark.parametrize(
    ("kind", "table"), [("", "parts/uncertainty.csv"), (".zarr", "parts.zarr-uncertainty.csv")]
)
def test_uncertainty_is_written_beside_and_taken_up_again(folder, ensemble, tmp_path, kind, table):
    whole, parts = tmp_path / f"whole{kind}", tmp_path / f"parts{kind}"
    doubting = Ensemble(ensemble.members, ensemble.weights, uncertainty="disagreement")
    images = open_images(folder)
    output = PredictionFormat(uncertainty=whole)
    predict(doubting, images, tmp_path / "whole.csv", output=output)
    predict(ensemble, images, tmp_path / "plain.csv")
    assert (tmp_path / "plain.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    for sample in images.samples:
        picture = read_picture(whole, sample.name)
        assert picture.shape == read_image(sample.image).shape[:2]

    output = PredictionFormat(uncertainty=parts)
    with pytest.raises(KeyboardInterrupt):
        predict(doubting, images, tmp_path / "p.csv", output=output, progress=StopAfter(3))
    removed = next(path for path in sorted(parts.rglob("*")) if path.suffix == ".png")
    removed.unlink() if removed.is_file() else shutil.rmtree(removed)
    summary = predict(doubting, images, tmp_path / "p.csv", output=output)
    assert summary.num_resumed == 2
    files = [path for path in whole.rglob("*") if path.is_file()]
    assert len(files) >= len(images.samples)
    for path in files:
        assert (parts / path.relative_to(whole)).read_bytes() == path.read_bytes()
    assert len(rows(tmp_path / table)) == 5


def test_images_that_were_done_without_pictures_get_theirs(folder, ensemble, tmp_path):
    doubting = Ensemble(ensemble.members, ensemble.weights, uncertainty="entropy")
    images = open_images(folder)
    with pytest.raises(KeyboardInterrupt):
        predict(doubting, images, tmp_path / "p.csv", progress=StopAfter(2))
    output = PredictionFormat(uncertainty=tmp_path / "u")
    assert predict(doubting, images, tmp_path / "p.csv", output=output).num_resumed == 0
    assert len(list((tmp_path / "u").rglob("*.png"))) == len(images.samples)


def read_picture(place, name):
    if place.suffix == ".zarr":
        return zarr.open_group(place, mode="r")[name]
    return cv2.imdecode(np.fromfile((place / name).with_suffix(".png"), np.uint8), -1)


def test_an_ensemble_that_gives_no_uncertainty_writes_none(folder, ensemble, tmp_path):
    output = PredictionFormat(uncertainty=tmp_path / "u")
    with pytest.raises(ConfigError, match="gives no uncertainty"):
        predict(ensemble, open_images(folder), tmp_path / "p.csv", output=output)
