import torch

from ensemble.members.roster import load_members
from phantom_zoo import (
    FOREGROUND,
    Recipe,
    draw_images,
    link_images,
    network_input,
    write_members,
)


def test_members_are_files_whose_networks_answer_with_sparse_blobs(tmp_path):
    images = draw_images(tmp_path / "phantom", 2, 64)
    assert len(images) == 2
    paths = write_members(tmp_path / "members", [Recipe("fpn", "resnet18", 64)], images[0])
    (member,) = load_members(paths, torch.device("cpu"))
    maps = member.maps(network_input(images[0], member.manifest.input), "prob")
    shares = (maps > 0.5).float().mean((0, 2, 3))
    assert torch.allclose(shares, torch.full_like(shares, FOREGROUND), atol=0.002)
    assert maps.std() > 0.1


def test_many_names_of_few_files(tmp_path):
    files = [tmp_path / name for name in "ab"]
    for file in files:
        file.write_text(file.name)
    folder = link_images(tmp_path / "linked", files, 5)
    assert [path.read_text() for path in sorted(folder.iterdir())] == list("ababa")
