import pytest
import torch
from torch import nn

from ensemble.errors import ConfigError, MemberError
from models_zoo.adopt.fitting import fit_to


def network(classes=2):
    return nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Conv2d(4, classes, 1))


OWN = network().state_dict()


def under(prefix, weights=OWN):
    return {prefix + key: tensor for key, tensor in weights.items()}


@pytest.mark.parametrize("prefix", ["", "model.", "module.", "_orig_mod.", "module.model.net."])
def test_a_prefix_is_found(prefix):
    fitted = fit_to(OWN, under(prefix))
    assert list(fitted.state_dict) == list(OWN)
    assert all(torch.equal(fitted.state_dict[key], OWN[key]) for key in OWN)
    assert fitted.notes == ((f"weights lie under {prefix!r}",) if prefix else ())


def test_other_modules_beside_the_network_are_named():
    found = under("model.") | {"loss.weight": torch.ones(1), "metric.total": torch.ones(1)}
    assert fit_to(OWN, found).notes[1] == "left aside, beside the network: loss, metric"


def test_heads_for_training_are_left_aside_and_counters_may_lack():
    found = under("") | {"aux_classifier.0.weight": torch.ones(1)}
    del found["1.num_batches_tracked"]
    fitted = fit_to(OWN, found)
    assert set(fitted.state_dict) == set(OWN)
    assert "left aside, since only training needs it: aux_classifier" in fitted.notes


def test_two_copies_are_for_the_user_to_choose_from():
    other = network().state_dict()
    found = under("model.") | under("ema.", other)
    with pytest.raises(ConfigError, match=r"more than once: got under 'model.' and 'ema.'.*--pref"):
        fit_to(OWN, found)
    chosen = fit_to(OWN, found, "ema.").state_dict
    assert torch.equal(chosen["0.weight"], other["0.weight"])


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (
            under("model.", {"a": torch.ones(1)}),
            r"another network: 0 of its \d+ weights are there: expected 0.weight.*got model.a ",
        ),
        (
            {key: t for key, t in under("m.").items() if "2." not in key},
            r"6 of its 8 weights are there under .m\..: expected m.2.weight, m.2.bias, got ",
        ),
        (under("", network(7).state_dict()), "number of classes: expected 2, .*got 7"),
        (
            under("", OWN | {"0.weight": torch.ones(4, 1, 1, 1)}),
            r"other shapes in 1 weight: got 0.weight \(4, 1, 1, 1\) for \(4, 3, 1, 1\)",
        ),
        (under("", OWN) | {"3.weight": torch.ones(1)}, "left over 1 weight: got 3.weight"),
    ],
)
def test_what_does_not_fit_is_named_and_nothing_loaded_half(found, words):
    with pytest.raises(MemberError, match=words):
        fit_to(OWN, found)


def test_more_keys_than_an_error_shows_are_all_told():
    deep = {f"{key}.x": tensor for key, tensor in OWN.items()}
    wider = {key: t.new_ones(9, *t.shape[1:]) for key, t in OWN.items() if t.ndim}
    for found, what, keys in (
        ({key: t for key, t in under("m.").items() if "0." in key}, "lacks", list(OWN)[2:]),
        (OWN | deep, "has left over", deep),
        (OWN | wider, "has another shape in", wider),
    ):
        told = []
        with pytest.raises(MemberError):
            fit_to(OWN, found, tell=told.append)
        assert len(told) > 3
        assert all(line.startswith(f"{what} ") for line in told)
        named = {line.removeprefix(f"{what} ").split()[0].removeprefix("m.") for line in told}
        assert named == {key for key in keys if "num_batches" not in key or key in deep}


def test_what_an_error_shows_is_not_told_twice():
    told = []
    with pytest.raises(MemberError, match=r"left over 1 weight.*\(name its own .*--options"):
        fit_to(OWN, under("") | {"3.weight": torch.ones(1)}, tell=told.append)
    assert told == []
