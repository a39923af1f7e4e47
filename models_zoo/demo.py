"""The demo: the whole chain on phantom hands, from drawing them to a scored ensemble."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.appraisal.appraise_folder import ReportSettings, appraise_folder
from ensemble.appraisal.page import write_appraisal
from ensemble.bit_planes import unpack
from ensemble.data.datasets import LabelledFolder, open_images, open_labelled
from ensemble.diagnosis.diagnosis import PredictedFolder, diagnose
from ensemble.diagnosis.page import write_diagnosis
from ensemble.errors import OutputError
from ensemble.evaluate import Scores, evaluate
from ensemble.files.json_file import read_json_file
from ensemble.files.whole_file import whole_file
from ensemble.fusion.ensembles import Ensemble, load_ensemble
from ensemble.fusion.soft_maps import CACHE_FOLDER
from ensemble.images.reading import read_image
from ensemble.members.member import RunOptions
from ensemble.predict import predict
from ensemble.progress import Progress, silent
from ensemble.report.picture_file import write_picture
from ensemble.report.pictures import error_map, overlay_masks, picture_sheet, to_rgb
from ensemble.runs.rle import RleFormat, decode, parse_rle
from ensemble.runs.rle_table import open_rle_table
from ensemble.tuning.tune_weights import TuningSettings, tune_weights
from ensemble.tuning.variants import Variant
from models_zoo.jobs.reporter import Reporter, Silence
from models_zoo.phantom import make_phantom
from models_zoo.train_zoo import train_zoo

TTA = "hflip"
_SHEET_ROWS = 3
_ERRORS, _REPORT = "errors", "report"
_WEIGHTS = "per-class.json"
# By which a demo that was interrupted is known.
PLAN_FILE = "demo.json"
_FILES = {name: f"predictions-{name}.csv" for name in ("single", "uniform", "views", "tuned")}

ZOO = """\
# Three small, different networks that a CPU trains in minutes. For real work: more epochs, larger
# sizes, pretrained encoders (weights: imagenet) and a GPU.
defaults:
  size: 128
  epochs: 40
  batch: 4
  lr: 0.002
  ema_decay: 0.98
  validate_every: 5
  weights: none
members:
  - {name: unet, arch: unet, encoder: resnet18}
  - {name: fpn, arch: fpn, encoder: resnet18}
  - {name: deeplab, arch: deeplabv3plus, encoder: resnet18}
"""


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """How many phantom images of (size, size) pixels, and the text of the zoo file."""

    images: int = 60
    size: int = 512
    seed: int = 0
    zoo: str = ZOO


@dataclass(frozen=True, slots=True)
class DemoResult:
    """Mean Dice on the test hands by what predicted them, and where everything lies."""

    folder: Path
    dice: dict[str, float]
    best_single: str
    tuned_classes: int
    num_classes: int
    test_images: int
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """Plain types."""
        return asdict(self) | {"folder": str(self.folder)}

    def text(self) -> str:
        """The summary for a person."""
        rows = [f"  {name:<28}{dice:.4f}" for name, dice in self.dice.items()]
        return "\n".join(
            [
                f"Mean Dice over {self.num_classes} bones of {self.test_images} test hands "
                "that nothing was trained or tuned on:",
                *rows,
                f"Best single member by its validation Dice: {self.best_single}. "
                f"{self.tuned_classes} of {self.num_classes} classes kept weights of their own.",
                f"{self.folder / 'summary.txt'} holds these lines, {self.folder / 'sheet.png'} "
                f"shows three hands. Took {self.seconds / 60:.1f} minutes.",
                f"Open {self.folder / _ERRORS / 'index.html'}: where the tuned ensemble errs; and "
                f"{self.folder / _REPORT / 'index.html'}: what its parts are worth, and which "
                "test hands to review first.",
            ]
        )


def run_demo(
    folder: Path,
    plan: DemoPlan | None = None,
    *,
    device: str = "auto",
    reporter: Reporter | None = None,
    progress: Progress = silent,
) -> DemoResult:
    """Draw hands into an empty folder, train a zoo, tune, predict, score, and report.

    In the folder of an interrupted demo of the same plan it goes on. Raises OutputError for one
    that holds anything else.
    """
    plan = plan or DemoPlan()
    start = time.monotonic()
    if not _is_begun(folder, plan):
        make_phantom(folder, images=plan.images, size=plan.size, seed=plan.seed, progress=progress)
        _write_text(folder / "zoo.yaml", plan.zoo)
        _write_text(folder / PLAN_FILE, json.dumps(asdict(plan)))
    train_zoo(folder / "zoo.yaml", device=device, reporter=reporter or Silence(), progress=progress)
    settings = TuningSettings(
        out=folder / _WEIGHTS,
        variants=(Variant(TTA),),
        device=device,
        cache=folder / CACHE_FOLDER,
    )
    tuning = tune_weights(folder / "val", [str(folder / "members")], settings, progress=progress)
    best = _best_single(folder / "members" / "leaderboard.csv")
    scores = _score_ensembles(folder, settings.out, best, device=device, progress=progress)
    last = list(scores)[-1]
    test = open_labelled(folder / "test")
    _write_sheet(folder / "sheet.png", test, folder / _FILES["tuned"], scores[last])
    _write_pages(folder, test, device=device, progress=progress)
    result = DemoResult(
        folder=folder,
        dice={name: score.mean for name, score in scores.items()},
        best_single=best,
        tuned_classes=int(tuning.validation.choice.tuned.sum()),
        num_classes=len(test.classes),
        test_images=len(test.samples),
        seconds=time.monotonic() - start,
    )
    _write_text(folder / "summary.txt", result.text() + "\n")
    return result


def _is_begun(folder: Path, plan: DemoPlan) -> bool:
    """Whether the hands of a plan have been drawn; OutputError where those of another have."""
    if not (folder / PLAN_FILE).is_file():
        return False
    begun = read_json_file(folder / PLAN_FILE, OutputError)
    if begun != asdict(plan):
        raise OutputError(
            "holds a demo of other images",
            where=folder,
            remedy="ask for as many images and the seed of that one, or name another folder",
        )
    return True


def _write_pages(folder: Path, test: LabelledFolder, *, device: str, progress: Progress) -> None:
    """Where the tuned ensemble errs on the test hands, and what its parts are worth."""
    predicted = PredictedFolder.open(folder / _FILES["tuned"], test, RleFormat())
    write_diagnosis(folder / _ERRORS, diagnose(predicted, progress=progress), progress=progress)
    asked = ReportSettings(
        weights=folder / _WEIGHTS,
        review=folder / "test",
        device=device,
        cache=folder / CACHE_FOLDER,
    )
    found = appraise_folder(folder / "val", [str(folder / "members")], asked, progress=progress)
    write_appraisal(folder / _REPORT, *found, progress=progress)


def _write_text(path: Path, text: str) -> None:
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8")


def _score_ensembles(
    folder: Path, weights: Path, best: str, *, device: str, progress: Progress
) -> dict[str, Scores]:
    """Predict and score the test hands by the best member and by all of them together."""
    members, options = [str(folder / "members")], RunOptions(device=device)
    ensembles: dict[str, tuple[str, Callable[[], Ensemble]]] = {
        f"best single ({best})": (
            "single",
            lambda: load_ensemble([str(folder / "members" / f"{best}.pt")], options=options),
        ),
        "uniform": ("uniform", lambda: load_ensemble(members, options=options)),
        f"uniform + {TTA}": ("views", lambda: load_ensemble(members, views=TTA, options=options)),
        f"tuned + {TTA}": ("tuned", lambda: load_ensemble(members, weights, options=options)),
    }
    images, labels = open_images(folder / "test"), open_labelled(folder / "test")
    scores = {}
    for name, (file, load) in ensembles.items():
        predict(load(), images, folder / _FILES[file], progress=progress)
        scores[name] = evaluate(folder / _FILES[file], labels)
    return scores


def _best_single(leaderboard: Path) -> str:
    with leaderboard.open(encoding="utf-8", newline="") as stream:
        return next(csv.DictReader(stream))["member"]


def _write_sheet(path: Path, test: LabelledFolder, predictions: Path, scores: Scores) -> None:
    """The worst, middle and best test hand: image, truth, prediction, errors."""
    per_image = scores.dice.mean(axis=1)
    ranked = np.argsort(per_image)
    chosen = ranked[np.linspace(0, len(ranked) - 1, min(_SHEET_ROWS, len(ranked))).astype(int)]
    table = open_rle_table(predictions)
    rows = []
    for index in chosen:
        sample = test.samples[index]
        picture = to_rgb(read_image(sample.image))
        true = unpack(test.read_label(sample).planes, len(test.classes))
        predicted = _masks(table.strings(sample.image.name), test.classes.names, true.shape[1:])
        rows.append(
            [
                (sample.image.name, picture),
                ("truth", overlay_masks(picture, true)),
                (f"prediction, Dice {per_image[index]:.3f}", overlay_masks(picture, predicted)),
                ("errors: yellow missed, green extra, red other", error_map(predicted, true)),
            ]
        )
    write_picture(path, picture_sheet(rows))


def _masks(
    strings: dict[str, str], names: tuple[str, ...], size: tuple[int, int]
) -> NDArray[np.bool_]:
    return np.stack([decode(parse_rle(strings[name], size), size) for name in names])
