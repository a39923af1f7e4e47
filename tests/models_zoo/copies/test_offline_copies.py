import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from drawings import write_drawings
from layouts import write_index_maps, write_png

from ensemble.bit_planes import unpack
from ensemble.cli.main import main
from ensemble.data.datasets import open_labelled
from ensemble.errors import ClassListError, ConfigError, DataError, ImageError, OutputError
from ensemble.images.reading import read_image
from models_zoo.copies.offline_copies import make_copies
from models_zoo.copies.plan import CopyOptions
from models_zoo.settings.augment_spec import AugmentSpec

ORIGINALS = CopyOptions(changed=1, originals=True)


@pytest.fixture
def train(tmp_path):
    return open_labelled(write_drawings(tmp_path, train=3) / "train")


def masks(data, name):
    (sample,) = [each for each in data.samples if each.name == name]
    return unpack(data.read_label(sample).planes, len(data.classes))


def test_originals_come_back_and_copies_are_changed(train, tmp_path):
    made = make_copies(train, tmp_path / "out", ORIGINALS, AugmentSpec(affine=1))
    assert made.kinds == {"original": 3, "changed": 3}
    copied = open_labelled(tmp_path / "out")
    assert copied.classes == train.classes
    assert copied.layout == "RLE CSV"
    for sample in train.samples:
        stem = sample.image.stem
        np.testing.assert_array_equal(
            masks(copied, f"{stem}/{stem}.png"), masks(train, sample.name)
        )
        again = read_image(tmp_path / "out" / "images" / stem / f"{stem}.png")
        np.testing.assert_array_equal(again, read_image(sample.image))
        assert (masks(copied, f"{stem}/{stem}-changed1.png") != masks(train, sample.name)).any()


def test_the_same_seed_makes_the_same_bytes(train, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        make_copies(train, tmp_path / name, CopyOptions(changed=1, mosaics=2, seed=seed))
    a, b, c = (
        {path.name: path.read_bytes() for path in (tmp_path / name).rglob("*.*")} for name in "abc"
    )
    assert a == b
    assert a != c


def test_a_mosaic_holds_four_at_half_their_size(train, tmp_path):
    make_copies(train, tmp_path / "out", CopyOptions(mosaics=1), AugmentSpec(mosaic=1.0))
    found = masks(open_labelled(tmp_path / "out"), "mosaics/mosaic1.png")
    assert found.shape == (3, 48, 80)
    quarters = [found[:, y : y + 24, x : x + 40].any() for y in (0, 24) for x in (0, 40)]
    assert all(quarters)


def test_a_mosaic_of_images_of_one_row_or_column_is_what_there_is_of_them(tmp_path):
    for stem, size in {"row": (1, 50), "column": (50, 1), "dot": (1, 1)}.items():
        write_png(tmp_path / "in" / "images" / f"{stem}.png", np.full(size, 90, np.uint8))
        write_png(tmp_path / "in" / "masks" / "a" / f"{stem}.png", np.full(size, 255, np.uint8))
    make_copies(open_labelled(tmp_path / "in"), tmp_path / "out", CopyOptions(mosaics=8))
    copied = open_labelled(tmp_path / "out")
    sizes = [read_image(sample.image).shape[:2] for sample in copied.samples]
    assert set(sizes) <= {(1, 50), (50, 1), (1, 1)}
    assert all(masks(copied, sample.name).all() for sample in copied.samples)


def write_maps(folder, yaml, value=1):
    """A disc of one value on 0, in two images."""
    maps = {}
    for stem in ("p1", "p2"):
        maps[stem] = np.zeros((40, 60), np.uint8)
        cv2.circle(maps[stem], (30, 20), 9, value, -1)
    write_index_maps(folder, maps, yaml)
    return open_labelled(folder)


def test_exclusive_classes_stay_whole_beyond_the_border(tmp_path):
    data = write_maps(tmp_path / "train", "names: [background, bone]\nexclusive: true\n")
    make_copies(
        data, tmp_path / "out", CopyOptions(changed=4), AugmentSpec(affine=1, rotate_deg=90)
    )
    copied = open_labelled(tmp_path / "out")
    assert copied.layout == "index maps"
    for sample in copied.samples:
        found = masks(copied, sample.name)
        assert (found.sum(axis=0) == 1).all()
        assert found[1].any()


def test_what_no_class_has_is_ignored_or_refused(tmp_path):
    text = "names: [skin, bone]\nexclusive: true\n"
    data = write_maps(tmp_path / "a", text + "ignore: 255\n")
    turn = AugmentSpec(affine=1, rotate_deg=90, scale=0.9)
    make_copies(data, tmp_path / "out", CopyOptions(changed=3), turn)
    copied = open_labelled(tmp_path / "out")
    ignored = [copied.read_label(sample).ignored for sample in copied.samples]
    assert any(each is not None and each.any() for each in ignored)
    other = write_maps(tmp_path / "b", text)
    with pytest.raises(ClassListError, match="pixels without a class"):
        make_copies(other, tmp_path / "none", CopyOptions(changed=3), turn)
    assert not (tmp_path / "none").exists()


def test_ignored_pixels_of_overlapping_classes_stay_ignored(tmp_path):
    data = write_maps(tmp_path / "a", "names: [skin, bone]\nignore: 255\n", value=255)
    make_copies(data, tmp_path / "out", ORIGINALS, AugmentSpec(affine=1, rotate_deg=90))
    copied = open_labelled(tmp_path / "out")
    assert copied.classes == data.classes
    for stem in ("p1", "p2"):
        (source,) = [s for s in data.samples if s.image.stem == stem]
        (same,) = [s for s in copied.samples if s.image.stem == stem]
        label, again = data.read_label(source), copied.read_label(same)
        np.testing.assert_array_equal(again.ignored, label.ignored)
        np.testing.assert_array_equal(again.planes, label.planes)
        (changed,) = [s for s in copied.samples if s.image.stem == f"{stem}-changed1"]
        assert copied.read_label(changed).ignored.sum() > 50


def test_copies_of_copies_are_refused_before_anything_is_written(train, tmp_path):
    make_copies(train, tmp_path / "out", ORIGINALS)
    with pytest.raises(DataError, match=r"3 names would each be .*train0-changed1\.png.*originals"):
        make_copies(open_labelled(tmp_path / "out"), tmp_path / "more", ORIGINALS)
    assert not list(tmp_path.glob("more*"))


def test_sixteen_bits_become_eight_and_colour_stays(train, tmp_path):
    deep = np.linspace(0, 4000, 48 * 80).reshape(48, 80).astype(np.uint16)
    write_png(train.samples[0].image, deep)
    colour = np.zeros((48, 80, 3), np.uint8)
    colour[..., 2] = 200
    write_png(train.samples[1].image, colour)
    make_copies(train, tmp_path / "out", CopyOptions(changed=1, mosaics=1, originals=True))
    images = tmp_path / "out" / "images"
    first = read_image(images / "train0" / "train0.png")
    assert first.dtype == np.uint8
    assert np.ptp(first) > 200
    np.testing.assert_array_equal(
        read_image(images / "train1" / "train1.png"), read_image(train.samples[1].image)
    )
    assert read_image(images / "mosaics" / "mosaic1.png").shape[:2] == (48, 80)


def test_nothing_is_overwritten_and_nothing_half_done_looks_done(train, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"not empty.*mine\.txt"):
        make_copies(train, tmp_path / "full", ORIGINALS)
    with pytest.raises(ConfigError, match="within their source"):
        make_copies(train, train.root / "more", ORIGINALS)
    train.samples[2].image.write_bytes(b"no image")
    with pytest.raises(ImageError, match="train2"):
        make_copies(train, tmp_path / "out", ORIGINALS)
    assert not list(tmp_path.glob("out*"))
    (tmp_path / "out.part").mkdir()  # as one leaves that is killed
    with pytest.raises(OutputError, match=r"out\.part: is there already.*remove it"):
        make_copies(train, tmp_path / "out", ORIGINALS)
    assert (tmp_path / "out.part").is_dir()


def test_the_command_says_what_it_made(train, tmp_path):
    source, out = str(tmp_path / "train"), str(tmp_path / "out")
    made = CliRunner().invoke(main, ["augment", source, out, "--copies", "1", "--mosaic", "1"])
    assert made.exit_code == 0, made.output
    assert made.stdout == f"{out}: 4 images (3 changed, 1 mosaic)\n"
    assert "note: mosaics mix people" in made.stderr
    nothing = CliRunner().invoke(main, ["augment", source, str(tmp_path / "none")])
    assert nothing.exit_code == 1
    assert "no copies are asked for" in nothing.stderr
