from pathlib import Path

import cv2
import pytest

from ensemble.errors import OutputError
from models_zoo.demo import DemoPlan, run_demo

ZOO = """
defaults: {size: 64, epochs: 1, batch: 4, weights: none}
members:
  - {name: a, arch: unet, encoder: mobilenet_v2,
     options: {encoder_depth: 3, decoder_channels: [16, 16, 8]}}
  - {name: b, arch: torchvision/lraspp_mobilenet_v3_large}
"""


@pytest.mark.slow
def test_the_demo_ends_with_scores_a_sheet_and_a_folder_to_work_in(tmp_path):
    folder = tmp_path / "demo"
    result = run_demo(folder, DemoPlan(images=20, size=96, zoo=ZOO))
    assert [name.split(" (")[0] for name in result.dice] == [
        "best single",
        "uniform",
        "uniform + hflip",
        "tuned + hflip",
    ]
    assert all(0 <= dice <= 1 for dice in result.dice.values())
    assert (folder / "summary.txt").read_text() == result.text() + "\n"
    assert str(folder / "sheet.png") in result.text()
    page = folder / "errors" / "index.html"
    parts = folder / "report" / "index.html"
    assert f"Open {page}: where the tuned ensemble errs; and {parts}: what" in result.text()
    assert "Review first" in parts.read_text(encoding="utf-8")
    assert "worst images" in page.read_text(encoding="utf-8").lower()
    assert cv2.imread(str(folder / "sheet.png")).shape[0] > 3 * 300
    for name in ("zoo.yaml", "per-class.json", "members/a.pt", "test", "predictions-tuned.csv"):
        assert (folder / name).exists(), name
    assert result.as_dict()["test_images"] == 4

    (folder / "predictions-tuned.csv").unlink()
    members = {path: path.stat().st_mtime_ns for path in (folder / "members").glob("*.pt")}
    again = run_demo(folder, DemoPlan(images=20, size=96, zoo=ZOO))
    assert again.dice == result.dice
    assert members == {path: path.stat().st_mtime_ns for path in (folder / "members").glob("*.pt")}
    with pytest.raises(OutputError, match="holds a demo of other images"):
        run_demo(folder, DemoPlan(images=22, size=96, zoo=ZOO))


def test_a_folder_that_holds_something_is_left_alone(tmp_path):
    Path(tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"mine\.txt"):
        run_demo(tmp_path)
