from __future__ import annotations

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from ensemble.classes import ClassList
from ensemble.cli.main import main
from ensemble.data.datasets import open_labelled
from ensemble.dice import image_counts, image_dice
from ensemble.errors import (
    ClassListError,
    ConfigError,
    DataError,
    EnsError,
    ImageError,
    MemberError,
)
from ensemble.files.checksum import file_sha256
from ensemble.fusion.ensembles import Ensemble
from ensemble.fusion.soft_maps import SoftMapCache, SoftMapKey
from ensemble.fusion.weights import uniform_weights
from ensemble.fusion.weights_file import read_weights
from ensemble.images.reading import read_image
from ensemble.metrics import METRICS
from ensemble.progress import silent
from ensemble.runs.filters import NO_FILTER
from ensemble.tuning import evidence, notes, stored_maps
from ensemble.tuning import tune_weights as flow
from ensemble.tuning.material import gather
from ensemble.tuning.member_choice import Limits
from ensemble.tuning.sources import single_sources
from ensemble.tuning.stored_maps import StoredMaps
from ensemble.tuning.tune_weights import TuningSettings, tune_members, tune_weights
from ensemble.tuning.variants import Variant
from spotters import NAMES, members, spotter, write_folder


@pytest.fixture
def val(tmp_path):
    write_folder(tmp_path / "val")
    return tmp_path / "val"


@pytest.fixture
def settings(tmp_path):
    return TuningSettings(out=tmp_path / "w.json", cache=tmp_path / "cache", num_folds=3)


def test_the_weights_file_fits_the_members_and_says_what_they_are_worth(val, settings):
    result = tune_members(members(), open_labelled(val), settings)
    weights = read_weights(settings.out)
    assert weights.members == ("steady", "lights", "wild")
    np.testing.assert_allclose(weights.weights, result.weights.weights, atol=1e-6)
    stored = json.loads(settings.out.read_text())
    assert {"best_single", "uniform", "shared", "tuned", "kept"} == set(stored["evidence"]["score"])
    assert stored["evidence"]["groups"] == 8
    assert stored["evidence"]["best_single"] == "steady"
    for name in NAMES:
        entry = stored["classes"][name]
        assert entry["rule"].split()[0] in ("best_single", "uniform", "shared", "tuned")
        assert entry["evidence"]["images_with_class"] == 8
        gain = entry["evidence"]["gain_of_tuned"]
        assert gain["low"] <= gain["mean"] <= gain["high"]


def test_filters_stand_in_the_file_with_what_they_gain(val, settings):
    result = tune_members(members(), open_labelled(val), settings)
    stored = json.loads(settings.out.read_text())
    assert stored["evidence"]["filtered_classes"] == evidence.num_filtered(result)
    assert read_weights(settings.out).filters == result.weights.filters
    for name, chosen in zip(result.plan.names, result.filters.filters, strict=True):
        gain = stored["classes"][name]["evidence"]["gain_of_filter"]
        assert (gain["low"] > 0) == (chosen != NO_FILTER)
        assert ("filter" in stored["classes"][name]) == (chosen != NO_FILTER)
    gains = stored["evidence"]["gains"]["filters_over_none"]
    assert gains["mean"] == pytest.approx(
        (result.filters.kept - result.filters.plain).mean(), abs=1e-5
    )


def test_the_raw_optimum_is_given_where_it_is_asked_for(val, settings):
    result = tune_members(members(), open_labelled(val), replace(settings, raw_optimum=True))
    stored = json.loads(settings.out.read_text())
    assert {entry["rule"] for entry in stored["classes"].values()} == {"tuned 100%"}
    np.testing.assert_allclose(
        result.weights.weights.T, result.validation.candidates["tuned"].weights
    )
    assert "Every class has its own optimum, as was asked for" in stored["evidence"]["notes"][2]
    assert stored["evidence"]["score"]["kept"] == stored["evidence"]["score"]["tuned"]
    assert "as was asked for" in notes.summary(result)


def test_a_member_that_hardly_learnt_is_named_at_once(val, settings):
    told = []
    idle = spotter("idle", (0.1, 0.1), sharpness=0.2)
    tune_members([*members(), idle], open_labelled(val), settings, tell=told.append)
    assert [line for line in told if "hardly learnt" in line] == [
        "idle can be of either opinion on more than half of all pixels, as a network that hardly "
        "learnt: tuning takes long with it, --members leaves it out"
    ]
    told.clear()
    tune_members(members(), open_labelled(val), settings, tell=told.append)
    assert not told


def test_limits_leave_out_members_and_say_so(val, settings):
    result = tune_members(
        members(), open_labelled(val), replace(settings, limits=Limits(members=1))
    )
    assert result.weights.members == ("steady",)
    stored = json.loads(settings.out.read_text())
    assert [entry["name"] for entry in stored["members"]] == ["steady"]
    worth = {entry["name"]: entry for entry in stored["evidence"]["members"]}
    assert set(worth) == {"steady", "lights", "wild"}
    assert [name for name, entry in worth.items() if entry["taken"]] == ["steady"]
    assert worth["steady"]["joined"] == 1
    assert worth["steady"]["score_then"]["mean"] == stored["evidence"]["score"]["uniform"]["mean"]
    assert all(entry["seconds_an_image"] > 0 for entry in worth.values())
    ensemble = Ensemble(members()[:1], read_weights(settings.out))
    assert len(ensemble.predict(read_image(next((val / "images").iterdir())))) == 2


@pytest.mark.parametrize("space", ["prob", "logit"])
def test_rules_are_of_the_space_in_which_predict_averages(val, settings, space):
    settings = replace(settings, variants=(Variant("hflip", space),))
    data, loaded = open_labelled(val), members()
    result = tune_members(loaded, data, settings)
    weights = read_weights(settings.out)
    assert (weights.space, weights.views) == (space, "hflip")
    assert 0.1 - 1e-6 <= weights.thresholds.min() <= weights.thresholds.max() <= 0.9 + 1e-6
    ensemble = Ensemble(loaded, replace(weights, filters=()))
    stored = StoredMaps(single_sources(loaded), "hflip", SoftMapCache(settings.cache), space=space)
    statistic = gather(data, stored, settings.thresholds, progress=silent).statistic
    expected = statistic.scores(result.validation.rules)
    found = [
        image_dice(ensemble.predict(read_image(sample.image)), data.read_label(sample))
        for sample in data.samples
    ]
    np.testing.assert_allclose(np.mean(found, axis=0), expected.mean(axis=0), atol=0.01)


@pytest.mark.parametrize("metric", ["iou", "pooled-dice"])
def test_another_metric_is_tuned_and_named(val, settings, metric):
    data = open_labelled(val)
    result = tune_members(members(), data, replace(settings, metric=METRICS[metric]))
    stored = json.loads(settings.out.read_text())
    name = str(METRICS[metric])
    assert stored["evidence"]["metric"] == name
    assert stored["evidence"]["notes"][0].startswith(f"{name} is out of fold")
    assert f"({name} 0." in notes.summary(result)
    uniform = uniform_weights(members())
    overlaps = [
        image_counts(
            Ensemble(members(), uniform).predict(read_image(sample.image)), data.read_label(sample)
        )
        for sample in data.samples
    ]
    expected = METRICS[metric].scores(np.stack(overlaps)).mean()
    assert stored["evidence"]["score"]["uniform"]["mean"] == pytest.approx(expected, abs=0.01)
    assert result.filters.plain.mean() == pytest.approx(result.validation.kept.mean(), abs=0.01)


def test_images_that_resemble_those_to_be_predicted_count_more(tmp_path, settings):
    """Half of the images are larger, as all others are."""
    write_folder(tmp_path / "val", 40)
    for path in sorted((tmp_path / "val").rglob("*.png")):
        if int(path.stem[1:-2]) % 2:
            cv2.imwrite(str(path), cv2.resize(cv2.imread(str(path), 0), (60, 45), None, 0, 0, 0))
    (tmp_path / "test").mkdir()
    for path in sorted((tmp_path / "val" / "images").iterdir()):
        if int(path.stem[1:-2]) % 2:
            (tmp_path / "test" / path.name).write_bytes(path.read_bytes())
    data = open_labelled(tmp_path / "val")
    settings = replace(settings, match=tmp_path / "test")
    result = tune_members(members(), data, settings)
    is_large = np.array([int(s.image.stem[1:-2]) % 2 == 1 for s in data.samples])
    assert result.shift.weights[is_large].mean() > 1.5
    assert result.shift.weights[~is_large].mean() < 0.5
    stored = json.loads(settings.out.read_text())["evidence"]
    assert stored["matched"]["folder"] == str(tmp_path / "test")
    assert 12 <= stored["matched"]["effective_images"] < 40
    said = f"resemble those of {tmp_path / 'test'}: 40 are as good"
    assert any(said in note for note in stored["notes"])
    plain = tune_members(members(), data, replace(settings, match=None))
    uniform = plain.validation.scores["uniform"].mean(axis=1)
    expected = np.average(uniform, weights=result.shift.weights)
    assert stored["score"]["uniform"]["mean"] == pytest.approx(expected, abs=1e-5)


def test_a_handful_of_images_to_resemble_is_refused_before_any_network_runs(val, settings):
    with pytest.raises(DataError, match=r"val/images: holds too few .* 10 or more, got 8"):
        tune_members(members(), open_labelled(val), replace(settings, match=val / "images"))
    assert not settings.cache.exists()


def test_a_pooled_metric_weighs_no_images(settings, tmp_path):
    with pytest.raises(ConfigError, match="pooled metric grades no image by itself"):
        replace(settings, match=tmp_path, metric=METRICS["pooled-iou"])


def test_the_first_variant_stays_unless_another_surely_gains(val, settings):
    variants = (Variant(), Variant("hflip"), Variant("", "logit"))
    result = tune_members(members(), open_labelled(val), replace(settings, variants=variants))
    stored = json.loads(settings.out.read_text())
    entries = stored["evidence"]["variants"]
    assert [(entry["views"], entry["space"]) for entry in entries] == [
        ("", "prob"),
        ("hflip", "prob"),
        ("", "logit"),
    ]
    (kept,) = [entry for entry in entries if entry["kept"]]
    assert kept is entries[0] or kept["gain"]["low"] > 0
    assert (stored["views"], stored["space"]) == (kept["views"], kept["space"])
    assert kept["score"] == pytest.approx(stored["evidence"]["score"]["uniform"]["mean"], abs=2e-5)
    assert any("Of views and spaces" in note for note in notes.notes(result))


def of_fold(member, family, held_out):
    training = {"family": family, "held_out": held_out}
    member.manifest = member.manifest.model_copy(update={"training": training})
    return member


def folds_of(family, noise, names):
    """Two members, each of which held out every other image."""
    return [of_fold(spotter(f"{family}-f{k}", noise), family, list(names[k::2])) for k in range(2)]


def test_members_of_folds_are_tuned_as_one_where_they_did_not_learn(val, settings):
    data = open_labelled(val)
    names = [sample.name for sample in data.samples]
    loaded = folds_of("steady", (2.0, 2.0), names) + folds_of("wild", (6.0, 6.0), names)
    result = tune_members(loaded, data, replace(settings, out_of_fold=True))
    weights = read_weights(settings.out)
    assert weights.members == ("steady-f0", "steady-f1", "wild-f0", "wild-f1")
    np.testing.assert_allclose(weights.weights[0], weights.weights[1], atol=1e-6)
    np.testing.assert_allclose(weights.weights[2], weights.weights[3], atol=1e-6)
    assert result.best_single == "steady"
    assert result.source_names == ("steady", "wild")
    np.testing.assert_allclose(result.source_weights.sum(axis=0), 1)
    assert any("did not learn from it" in note for note in flow_notes(settings))
    assert len(list(settings.cache.rglob("*.zip"))) == 2 * len(names)


def test_members_of_folds_take_turns_at_the_images_to_resemble(tmp_path, settings):
    write_folder(tmp_path / "val", 24)
    data = open_labelled(tmp_path / "val")
    loaded = folds_of("steady", (2.0, 2.0), [sample.name for sample in data.samples])
    write_folder(tmp_path / "other", 12)
    for path in (tmp_path / "other" / "images").iterdir():  # other bytes, the same pixels
        path.write_bytes(path.read_bytes() + b"end")
    settings = replace(settings, out_of_fold=True, match=tmp_path / "other" / "images")
    tune_members(loaded, data, settings)
    cache = SoftMapCache(settings.cache)
    for i, path in enumerate(sorted(settings.match.iterdir(), key=lambda path: path.name)):
        keys = [SoftMapKey(member.sha256, file_sha256(path), "identity") for member in loaded]
        assert [key in cache for key in keys] == [i % 2 == 0, i % 2 == 1]


def test_what_members_of_folds_cannot_answer_is_said(val, settings):
    data = open_labelled(val)
    names = [sample.name for sample in data.samples]
    settings = replace(settings, out_of_fold=True)
    with pytest.raises(ConfigError, match=r"do not say .*: got plain .*fold: all"):
        tune_members(
            [*folds_of("steady", (2.0, 2.0), names), spotter("plain", (1.0, 1.0))], data, settings
        )
    with pytest.raises(DataError, match="no member of steady says that it held out 4 images"):
        tune_members(folds_of("steady", (2.0, 2.0), names)[:1], data, settings)
    again = of_fold(spotter("steady", (1.0, 1.0)), "steady", names[::2])
    with pytest.raises(ConfigError, match=r"steady: several members held out the same images"):
        tune_members([*folds_of("steady", (2.0, 2.0), names), again], data, settings)
    paired = [replace(sample, group=f"pair {i // 2}") for i, sample in enumerate(data.samples)]
    torn = replace(data, samples=tuple(paired))
    with pytest.raises(ConfigError, match=r"the folds of steady tear 4 groups apart"):
        tune_members(folds_of("steady", (2.0, 2.0), names), torn, settings)
    narrow = of_fold(
        spotter("steady-f1", (2.0,), classes=ClassList(("bright",))), "steady", names[1::2]
    )
    with pytest.raises(MemberError, match="steady: members of its folds have different classes"):
        tune_members([*folds_of("steady", (2.0, 2.0), names)[:1], narrow], data, settings)


def test_an_image_that_is_a_link_to_nothing_is_said(val, settings, tmp_path):
    (val / "images" / "p9_x.png").symlink_to(tmp_path / "gone.png")
    with pytest.raises(ImageError, match=r"p9_x\.png: is a link to nothing"):
        tune_members(members(), open_labelled(val), settings)


def test_the_statistic_agrees_with_what_predict_makes_of_the_weights(val, settings):
    data = open_labelled(val)
    loaded = members()
    result = tune_members(loaded, data, settings)
    stored = StoredMaps(single_sources(loaded), "", flow.SoftMapCache(settings.cache))
    statistic = gather(data, stored, settings.thresholds, progress=silent).statistic
    ensemble = Ensemble(loaded, replace(result.weights, filters=()))
    for sample, expected in zip(
        data.samples, statistic.scores(result.validation.rules), strict=True
    ):
        image = read_image(sample.image)
        runs = ensemble.predict(image)
        found = image_dice(runs, data.read_label(sample))
        np.testing.assert_allclose(found, expected, atol=0.02)  # 8 bit: a pixel or two of 80


def test_a_second_run_asks_no_network_and_gives_the_same(val, settings, monkeypatch):
    tune_members(members(), open_labelled(val), settings)
    first = settings.out.read_bytes()
    monkeypatch.setattr(stored_maps, "quantised_map", lambda *_: pytest.fail("computed again"))
    tune_members(members(), open_labelled(val), settings)
    assert settings.out.read_bytes() == first


def test_an_interrupted_run_goes_on_from_its_soft_maps(val, settings, monkeypatch):
    calls = []
    real = stored_maps.quantised_map

    def stop_in_the_middle(*args):
        calls.append(args)
        if len(calls) == 10:
            raise KeyboardInterrupt
        return real(*args)

    monkeypatch.setattr(stored_maps, "quantised_map", stop_in_the_middle)
    with pytest.raises(KeyboardInterrupt):
        tune_members(members(), open_labelled(val), settings)
    tune_members(members(), open_labelled(val), settings)
    assert len(calls) == 10 + 3 * 8 - 9


def test_damaged_soft_maps_are_computed_again(val, settings):
    tune_members(members(), open_labelled(val), settings)
    first = without_times(settings.out)
    for path in list(settings.cache.rglob("*.zip"))[::2]:
        path.write_bytes(path.read_bytes()[:-20])
    tune_members(members(), open_labelled(val), settings)
    assert without_times(settings.out) == first


def without_times(path):
    content = json.loads(path.read_text())
    for entry in content["evidence"]["members"] + content["evidence"]["variants"]:
        del entry["seconds_an_image"]
    return content


def test_a_member_may_lack_a_class_and_know_another(val, settings):
    narrow = spotter("narrow", (0.5,), classes=ClassList(("bright",)))
    wide = spotter("wide", (1.0, 1.0, 1.0), classes=ClassList((*NAMES, "other")))
    result = tune_members([narrow, wide], open_labelled(val), settings)
    assert result.weights.class_names == ("bright", "dark", "other")
    assert result.weights.weights[0, 1:].tolist() == [0, 0]
    assert result.weights.weights[:, 2].tolist() == [0, 1]
    assert result.rule("other").startswith("uniform")
    read_weights(settings.out)


def test_exclusive_classes_share_one_vector(tmp_path, settings):
    names = ("background", *NAMES)
    write_folder(tmp_path / "val", yaml=f"names: [{', '.join(names)}]\nexclusive: true\n")
    classes = ClassList(("bright", "dark", "background"), exclusive=True)
    loaded = [
        spotter("good", (0.5, 0.5, 0.5), classes=classes),
        spotter("bad", (6.0, 6.0, 6.0), classes=classes),
    ]
    (tmp_path / "val" / "masks" / "background").mkdir()
    result = tune_members(loaded, open_labelled(tmp_path / "val"), settings)
    assert np.ptp(result.weights.weights, axis=1).max() < 1e-12
    assert result.weights.weights[0, 0] > 0.5
    assert "tuned" not in result.validation.scores
    assert any("Exclusive" in note for note in flow_notes(settings))
    partial = spotter("partial", (1.0,), classes=ClassList(("background",), exclusive=True))
    with pytest.raises(MemberError, match=r"lack some of them: .*partial"):
        tune_members([*loaded, partial], open_labelled(tmp_path / "val"), settings)
    overlapping = spotter("overlapping", (1.0, 1.0, 1.0), classes=ClassList(classes.names))
    with pytest.raises(ClassListError, match="disagree"):
        tune_members([overlapping], open_labelled(tmp_path / "val"), settings)


def test_few_groups_are_said_to_be_few(val, settings, monkeypatch):
    tune_members(members(), open_labelled(val), settings)
    groups = json.loads(settings.out.read_text())["evidence"]["groups"]
    assert any(f"only {groups} groups" in note for note in flow_notes(settings))
    monkeypatch.setattr(notes, "FEW_GROUPS", groups)
    tune_members(members(), open_labelled(val), settings)
    assert not any("groups: with fewer" in note for note in flow_notes(settings))


def flow_notes(settings):
    return json.loads(settings.out.read_text())["evidence"]["notes"]


def test_labels_of_classes_that_no_member_has_are_named(val, settings):
    narrow = spotter("narrow", (0.5,), classes=ClassList(("bright",)))
    with pytest.raises(ClassListError, match="no member has: expected one of bright, got dark"):
        tune_members([narrow], open_labelled(val), settings)


def test_one_person_is_refused_before_any_member_is_loaded(val, settings):
    with pytest.raises(DataError, match=r"8 images of 1 .*--groups"):
        tune_weights(val, ["nowhere.pt"], replace(settings, groups="x"))


def _trained_with(groups):
    """The members, each with its own groups in the summary; `...` states none."""
    for member, expression in zip(members(), groups, strict=True):
        training = {} if expression is ... else {"groups": expression}
        member.manifest = member.manifest.model_copy(update={"training": training})
        yield member


def _load_trained_with(monkeypatch, groups):
    monkeypatch.setattr(flow, "find_members", list)
    monkeypatch.setattr(
        flow, "load_members", lambda paths, device, released: list(_trained_with(groups))
    )


@pytest.mark.parametrize(
    ("groups", "told"),
    [
        (["p[0-3]|p[4-7]", None, ...], "8 images of 8 groups (groups 'p[0-3]|p[4-7]' from the"),
        (["^(p[0-3])|.", "^(p[0-3])|.", ...], "8 images of 5 groups (groups '^(p[0-3])|.' from"),
        (["^(p[0-3])|.", "x", None], "8 images of 8 groups (by folder, else by name)"),
        ([None, ..., 3], "8 images of 8 groups (by folder, else by name)"),
    ],
)
def test_groups_are_those_that_the_members_were_trained_with(
    val, settings, monkeypatch, groups, told
):
    _load_trained_with(monkeypatch, groups)
    lines = []

    tune_weights(val, [], settings, tell=lines.append)

    (line,) = lines
    assert line.startswith(told)


def test_given_groups_go_before_those_of_the_members(val, settings, monkeypatch):
    _load_trained_with(monkeypatch, ["x", "x", "x"])
    lines = []

    tune_weights(val, [], replace(settings, groups="p[0-9]"), tell=lines.append)

    assert lines == ["8 images of 8 groups (groups 'p[0-9]')"]


@pytest.mark.parametrize(
    ("groups", "what"), [("^ID", "8 of 8 image names do not match"), ("(", "no regular expression")]
)
def test_groups_of_the_members_that_do_not_fit_are_theirs(val, settings, monkeypatch, groups, what):
    _load_trained_with(monkeypatch, [groups] * 3)

    with pytest.raises(EnsError, match=f"members were trained with: .*{what}.* with --groups"):
        tune_weights(val, [], settings)


def test_missing_members_are_said(val, settings):
    with pytest.raises(MemberError, match="nowhere"):
        tune_weights(val, ["nowhere.pt"], settings)


@pytest.fixture
def command(val, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(flow, "find_members", lambda specs: list(specs))
    monkeypatch.setattr(flow, "load_members", lambda *_, **__: members())
    return lambda *words: CliRunner().invoke(main, ["tune-weights", *words])


def test_the_command_needs_no_argument_and_prints_a_plain_table(command, tmp_path):
    answer = command("--folds", "3")
    assert answer.exit_code == 0, answer.output
    assert (tmp_path / "per-class.json").is_file()
    assert (tmp_path / ".ens-cache").is_dir()
    lines = answer.stdout.splitlines()
    assert lines[0].startswith("Dice of each class on people that a fit did not see")
    assert lines[2].split()[:3] == ["Dice", "best", "single"]
    assert [line.split()[0] for line in lines[3:6]] == ["bright", "dark", "mean"]
    assert lines[7].split()[:2] == ["member", "alone"]
    assert sorted(line.split()[0] for line in lines[8:11]) == ["lights", "steady", "wild"]
    assert lines[-2].startswith("per-class.json: ")
    assert lines[-1] == "Next: ens predict --weights per-class.json"
    assert "8 images of 8 groups (by folder, else by name)" in answer.stderr.splitlines()
    assert "─" not in answer.stdout


def test_the_command_answers_json(command):
    answer = command("val", "--json", "--folds", "3", "--tta", "hflip", "--seed", "2")
    content = json.loads(answer.stdout)
    assert content["views"] == "hflip"
    assert set(content["classes"]) == set(NAMES)
    assert content["evidence"]["seed"] == 2


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        (["--groups", "x"], 1, "8 images of 1"),
        (["--groups", "("], 1, "no regular expression"),
        (["--tta", "spin"], 1, "unknown view 'spin'"),
        (["nothing/"], 1, "nothing"),
        (["--folds", "1"], 2, "folds"),
        (["--device", "warp"], 1, "warp"),
    ],
)
def test_what_a_user_can_get_wrong_is_one_line(command, words, code, expected):
    answer = command(*words)
    assert answer.exit_code == code
    assert expected in answer.stderr
    if code == 1:
        assert len(answer.stderr.strip().splitlines()) == 1


def test_the_command_tries_what_is_repeated(command):
    answer = command("--folds", "3", "--tta", "identity", "--tta", "hflip", "--fuse", "logit")
    assert answer.exit_code == 0, answer.output
    lines = answer.stdout.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("views"))
    assert [line.split()[:2] for line in lines[start + 1 : start + 3]] == [
        ["identity", "logit"],
        ["hflip", "logit"],
    ]


def test_help_shows_examples_line_by_line(command):
    lines = [line.strip() for line in command("--help").stdout.splitlines()]
    assert "ens tune-weights val/ --members a.pt,b.pt --tta hflip" in lines
