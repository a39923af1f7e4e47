import json
from dataclasses import replace

import numpy as np
import pytest

from ensemble.errors import WeightsError
from ensemble.fusion.weights import FusionWeights
from ensemble.fusion.weights_file import read_weights, write_weights
from ensemble.runs.filters import NO_FILTER, ClassFilter


@pytest.fixture
def weights():
    return FusionWeights(
        members=("unet", "fpn"),
        sha256s=("a" * 64, None),
        class_names=("Radius", "Ulna", "손"),
        weights=np.array([[0.25, 1.0, 0.5], [0.75, 0.0, 0.5]]),
        thresholds=np.array([0.4, 0.5, 0.6]),
        space="logit",
        views="hflip",
    )


def test_reading_inverts_writing(tmp_path, weights):
    path = tmp_path / "per-class.json"
    write_weights(path, weights, rules=("tuned", "uniform", "uniform"), evidence={"dice": 0.9})
    again = read_weights(path)
    assert (again.weights == weights.weights).all()
    assert (again.thresholds == weights.thresholds).all()
    for field in ("members", "sha256s", "class_names", "space", "views"):
        assert getattr(again, field) == getattr(weights, field)


def test_small_weights_stay(tmp_path, weights):
    """Rounded to decimals they would be 0, and a class of such weights refused."""
    small = replace(weights, weights=weights.weights * 1e-7)
    write_weights(tmp_path / "w.json", small)
    np.testing.assert_allclose(
        read_weights(tmp_path / "w.json").weights, small.weights, rtol=1e-5, atol=0
    )


def test_names_with_braces_and_blanks_come_back(tmp_path, weights):
    names = ('{"a": 1}', "{", "}\n {")
    path = tmp_path / "w.json"
    write_weights(path, replace(weights, class_names=names, members=("un  t", "f  n")))
    assert read_weights(path).class_names == names
    assert read_weights(path).members == ("un  t", "f  n")


def test_the_file_is_readable_by_a_person(tmp_path, weights):
    path = tmp_path / "per-class.json"
    write_weights(path, weights, rules=("tuned", "uniform", "uniform"))
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["classes"]["Radius"] == {
        "weights": {"unet": 0.25, "fpn": 0.75},
        "threshold": 0.4,
        "rule": "tuned",
        "evidence": {},
    }
    assert "손" in path.read_text(encoding="utf-8")


def test_filters_come_back_and_stand_only_where_there_is_one(tmp_path, weights):
    path = tmp_path / "w.json"
    filters = (NO_FILTER, ClassFilter(keep_largest=1), ClassFilter(True, 2, 40, 0.8, 12))
    write_weights(path, replace(weights, filters=filters))
    assert read_weights(path).filters == filters
    content = json.loads(path.read_text(encoding="utf-8"))
    assert "filter" not in content["classes"]["Radius"]
    assert content["classes"]["손"]["filter"] == {
        "fill_holes": True,
        "keep_largest": 2,
        "min_area_px": 40,
        "sure_threshold": 0.8,
        "min_sure_px": 12,
    }
    assert content["classes"]["Ulna"]["filter"] == {"keep_largest": 1}
    again = replace(weights, filters=filters).for_classes(("손", "Radius", "Ulna"))
    assert again.filters == (filters[2], filters[0], filters[1])


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"min_area_px": -1}, "min_area_px"),
        ({"keep_largest": 1.5}, "keep_largest"),
        ({"fill_holes": 1}, "fill_holes"),
        ({"min_area": 3}, "min_area"),
        ({"sure_threshold": 0.7}, "go together: give both"),
        ({"min_sure_px": 7}, "go together: give both"),
        ({"min_sure_px": 7, "sure_threshold": 1.0}, "sure_threshold"),
    ],
)
def test_a_faulty_filter_is_said_with_its_place(tmp_path, weights, fault, said):
    path = tmp_path / "w.json"
    write_weights(path, weights)
    content = json.loads(path.read_text(encoding="utf-8"))
    content["classes"]["Ulna"]["filter"] = fault
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(WeightsError, match=rf"Ulna.*{said}") as error:
        read_weights(path)
    assert "\n" not in str(error.value)


def test_a_file_written_by_hand_may_be_short(tmp_path):
    path = tmp_path / "w.json"
    path.write_text(
        '{"format": "ens-weights", "version": 1, "members": [{"name": "a"}, {"name": "b"}],'
        ' "classes": {"x": {"weights": {"b": 2}, "threshold": 0.5}}}'
    )
    weights = read_weights(path)
    assert weights.weights.tolist() == [[0], [2]]
    assert weights.thresholds.tolist() == [0.5]


def edited(weights, tmp_path, edit):
    path = tmp_path / "w.json"
    write_weights(path, weights)
    content = json.loads(path.read_text(encoding="utf-8"))
    edit(content)
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize(
    ("edit", "what"),
    [
        (lambda c: c.update(format="other"), "format"),
        (lambda c: c["classes"]["Ulna"].update(threshold=1.0), "classes.Ulna.threshold"),
        (lambda c: c["classes"]["Ulna"]["weights"].update(unet=-1), "classes.Ulna.weights.unet"),
        (
            lambda c: c["classes"]["Ulna"].update(treshold=0.5),
            "Ulna.treshold: unknown key, did you mean threshold?",
        ),
        (lambda c: c["classes"]["Ulna"]["weights"].update(other=1), "does not list: .*got other"),
        (lambda c: c["classes"]["Ulna"].update(weights={}), "no member has a weight for: got Ulna"),
    ],
)
def test_faults_are_named_with_the_file_and_the_place(tmp_path, weights, edit, what):
    path = edited(weights, tmp_path, edit)
    with pytest.raises(WeightsError, match=what) as caught:
        read_weights(path)
    assert str(path) in str(caught.value)


def test_all_faults_are_named_at_once(tmp_path, weights):
    def edit(content):
        content["classes"]["Ulna"]["threshold"] = 7
        content["classes"]["Radius"]["threshold"] = -1

    with pytest.raises(WeightsError, match=r"Radius.threshold.*Ulna.threshold"):
        read_weights(edited(weights, tmp_path, edit))


@pytest.mark.parametrize(
    ("edit", "what"),
    [
        (lambda c: c.update(classes={}), "there is no class: expected one class or more"),
        (lambda c: c.update(classes=[]), "classes: must be a mapping"),
        (lambda c: c.update(classes=None), "classes: must be a mapping"),
        (lambda c: c.pop("classes"), "classes: is missing"),
        (lambda c: c.update(members=[]), "weigh members that the file does not list"),
        (lambda c: c.update(members=[], classes={}), "there is no member"),
        (lambda c: c.update(members={"unet": None}), "members: must be a list"),
        (
            lambda c: c.update(members=["unet", "fpn"]),
            r"members\[0\]: must be a mapping",
        ),
        (lambda c: c["members"].pop(), "does not list: .*got fpn"),
        (lambda c: c["members"].append({"name": "fpn"}), "a member is listed twice: got fpn"),
        (lambda c: c["members"][0].update(sha256=7), r"members\[0\].sha256: must be text"),
        (lambda c: c["members"][0].update(name=None), r"members\[0\].name: must be text"),
        (lambda c: c["classes"].update(Ulna=None), "classes.Ulna: must be a mapping"),
        (lambda c: c["classes"].update(Ulna=[0.5]), "classes.Ulna: must be a mapping"),
        (lambda c: c["classes"]["Ulna"].pop("weights"), "classes.Ulna.weights: is missing"),
        (lambda c: c["classes"]["Ulna"].pop("threshold"), "classes.Ulna.threshold: is missing"),
        (lambda c: c["classes"]["Ulna"].update(weights=[1, 2]), "Ulna.weights: must be a mapping"),
        (lambda c: c["classes"]["Ulna"]["weights"].update(unet="1"), "Ulna.weights.unet: .*number"),
        (lambda c: c["classes"]["Ulna"]["weights"].update(unet=True), "weights.unet: .*number"),
        (lambda c: c["classes"]["Ulna"]["weights"].update(unet=None), "weights.unet: .*number"),
        (lambda c: c["classes"]["Ulna"]["weights"].update(unet=float("nan")), "unet: .*finite"),
        (lambda c: c["classes"]["Ulna"]["weights"].update(unet=float("inf")), "unet: .*finite"),
        (lambda c: c["classes"]["Ulna"]["weights"].update(unet=10**400), "unet: .*number"),
        (
            lambda c: c["classes"]["Ulna"]["weights"].update(unet=1.7e308, fpn=1.7e308),
            "too large to be summed for: got Ulna",
        ),
        (lambda c: c["classes"]["Ulna"].update(threshold="0.5"), "Ulna.threshold: .*number"),
        (lambda c: c["classes"]["Ulna"].update(threshold=2), "Ulna.threshold: .*below 1"),
        (lambda c: c["classes"]["Ulna"].update(threshold=float("nan")), "Ulna.threshold: "),
        (lambda c: c.update(version=2), "version: must be 1, got 2"),
        (lambda c: c.update(space="log"), "space: must be 'prob' or 'logit', got 'log'"),
        (lambda c: c.update(views=["hflip"]), "views: must be text"),
        (lambda c: c.update(views="hflap"), "hflap"),
    ],
)
def test_damage_by_hand_is_one_line(tmp_path, weights, edit, what):
    with pytest.raises(WeightsError, match=r"w\.json: .*" + what) as caught:
        read_weights(edited(weights, tmp_path, edit))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('"Ulna": {', '"Radius": {}, "Ulna": {', "Radius"),
        ('"unet": 0.25', '"unet": 1, "unet": 0.25', "unet"),
        ('"space"', '"views": "", "space"', "views"),
    ],
)
def test_doubled_keys_are_refused(tmp_path, weights, old, new, key):
    path = tmp_path / "w.json"
    write_weights(path, weights)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(WeightsError, match=rf"w\.json: keys stand twice .*: got {key}$"):
        read_weights(path)


@pytest.mark.parametrize("content", ["[]", "null", "3", '"text"'])
def test_what_is_no_weights_file_is_refused(tmp_path, content):
    path = tmp_path / "w.json"
    path.write_text(content)
    with pytest.raises(WeightsError, match=r"w\.json: is not a weights file"):
        read_weights(path)


def test_a_missing_file_names_the_command_that_makes_it(tmp_path):
    with pytest.raises(WeightsError, match=r"No such file.*ens tune-weights"):
        read_weights(tmp_path / "none.json")
