import pytest

from models_zoo.adopt.sources import default_name


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("best.ckpt", "best"),
        ("model.safetensors", "model"),
        ("unet.v2.safetensors", "unet.v2"),
        ("weights", "weights"),
    ],
)
def test_a_member_is_named_after_its_file(tmp_path, file, name):
    (tmp_path / file).touch()
    assert default_name(tmp_path / file) == name


def test_or_after_its_folder(tmp_path):
    (tmp_path / "mit_b2.ade").mkdir()
    assert default_name(tmp_path / "mit_b2.ade" / ".") == "mit_b2.ade"
