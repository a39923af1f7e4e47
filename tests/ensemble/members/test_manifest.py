import json
import re

import pytest
from pydantic import ValidationError

from ensemble.classes import ClassList
from ensemble.errors import MemberError
from ensemble.members.manifest import InputSpec, WindowSpec, class_field, read_manifest
from fakes import manifest

OVERLAPPING = ClassList(("left", "right", "Ü 한"), mirror_pairs=(("left", "right"),))
EXCLUSIVE = ClassList(("background", "a"), exclusive=True, values=(0, 7), ignore=255)


def content(classes=OVERLAPPING, **changes):
    return manifest("m", classes, (32, 48)).model_dump(mode="json") | changes


@pytest.mark.parametrize("window", [None, WindowSpec(), WindowSpec(overlap=0, weighting="flat")])
@pytest.mark.parametrize("classes", [OVERLAPPING, EXCLUSIVE], ids=["overlapping", "exclusive"])
def test_what_was_written_as_plain_types_is_read_back(classes, window):
    written = manifest("m", classes, (32, 48), window)
    read = read_manifest(json.loads(json.dumps(written.model_dump(mode="json"))))
    assert read == written
    assert read.class_list == classes
    assert read.input.window == window


def test_what_a_manifest_need_not_say():
    plain = content()
    for key in ("stride", "training"):
        del plain[key]
    plain["input"] = {"size": [32, 48]}
    read = read_manifest(plain)
    assert (read.stride, read.training) == (32, {})
    assert read.input == InputSpec(size=(32, 48), channels=3, intensity="auto", window=None)


@pytest.mark.parametrize("missing", ["name", "network", "classes", "input", "activation"])
def test_what_a_manifest_must_say(missing):
    plain = content()
    del plain[missing]
    with pytest.raises(MemberError, match=rf"manifest is not valid: .*{missing}"):
        read_manifest(plain)


@pytest.mark.parametrize("plain", [None, 3, "text", [], {}])
def test_what_is_no_manifest_at_all_is_refused(plain):
    with pytest.raises(MemberError, match="manifest is not valid"):
        read_manifest(plain)


@pytest.mark.parametrize(
    ("classes", "activation", "got"),
    [
        (OVERLAPPING, "softmax", "softmax with exclusive: false"),
        (EXCLUSIVE, "sigmoid", "sigmoid with exclusive: true"),
    ],
)
def test_softmax_is_for_exclusive_classes_and_only_for_them(classes, activation, got):
    with pytest.raises(MemberError, match=f"does not fit the classes.*got {got}"):
        read_manifest(content(classes, activation=activation))


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"size": [0, 48]}, "input.size[0]"),
        ({"size": [32]}, "input.size[1]"),
        ({"channels": 2}, "input.channels"),
        ({"std": [0.2, 0.0, 0.2]}, "input.std[1]"),
        ({"channels": 1}, "input"),
        ({"intensity": "loud"}, "input.intensity"),
        ({"window": {"overlap": 0.95}}, "input.window.overlap"),
        ({"window": {"overlap": 0.5, "stride": 2}}, "input.window.stride"),
    ],
)
def test_faults_of_an_input_are_named_by_their_place(changes, place):
    plain = content()
    plain["input"] |= changes
    with pytest.raises(MemberError, match=re.escape(f"manifest is not valid: {place}: ")) as caught:
        read_manifest(plain)
    assert "\n" not in str(caught.value)


def test_a_manifest_does_not_change():
    with pytest.raises(ValidationError, match="frozen"):
        manifest("m", OVERLAPPING, (32, 48)).stride = 8


def test_classes_are_held_as_plain_types():
    assert class_field(EXCLUSIVE) == {
        "names": ["background", "a"],
        "exclusive": True,
        "values": [0, 7],
        "ignore": 255,
    }
