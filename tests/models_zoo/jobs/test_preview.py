import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from drawings import write_drawings
from layouts import write_index_maps

from ensemble.cli.main import main
from models_zoo.jobs.preview import preview_zoo

MEMBERS = """\
defaults: {weights: none, size: [32, 64], encoder: resnet18}
members:
  - {arch: unet}
  - {arch: fpn}
  - {arch: linknet, augment: none, channels: 1}
  - {arch: pspnet, window: {crops: 2}}
"""


@pytest.fixture
def zoo_file(tmp_path):
    path = write_drawings(tmp_path) / "zoo.yaml"
    path.write_text(MEMBERS)
    return path


def test_members_that_see_the_same_share_a_row(zoo_file, tmp_path):
    out = tmp_path / "sheet.png"
    assert preview_zoo(zoo_file, out) == 3
    sheet = cv2.imread(str(out))
    assert sheet.shape[0] == 3 * (256 + 34)
    assert sheet.shape[1] == 7 * (512 + 6)
    assert not (tmp_path / "members").exists()
    # without augmentation the unchanged image comes again
    row = sheet[290:580]
    first, second = (row[28:284, 518 * k : 518 * k + 512] for k in (0, 1))
    assert (first == second).all()
    above = sheet[28:284]
    assert (above[:, :512] != above[:, 518 : 518 + 512]).any()


def test_the_command_names_the_sheet_and_trains_nothing(zoo_file, tmp_path):
    out = tmp_path / "sheet.webp"
    result = CliRunner().invoke(main, ["train-zoo", str(zoo_file), "--preview", str(out)])
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(f"{out}: 3 rows")
    assert out.is_file()
    assert not (tmp_path / "members").exists()


def test_the_background_of_exclusive_classes_is_not_tinted(tmp_path):
    write_index_maps(
        tmp_path / "train",
        {f"p{i}": np.zeros((32, 64), np.uint8) for i in range(3)},
        "names: [background, bone]\nexclusive: true\n",
    )
    path = tmp_path / "zoo.yaml"
    path.write_text(
        "data: {split: {folds: 3}}\ndefaults: {weights: none, size: [32, 64], augment: none}\n"
        "members: [{arch: unet, encoder: resnet18}]\n"
    )
    preview_zoo(path, tmp_path / "sheet.png")
    shown = cv2.imread(str(tmp_path / "sheet.png"))[28:284, :512]
    assert (shown == shown[..., :1]).all()
