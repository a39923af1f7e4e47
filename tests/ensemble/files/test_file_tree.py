import os

import pytest

from ensemble.errors import DataError
from ensemble.files.file_tree import find_files, list_folder


def names(folder):
    return [path.relative_to(folder).as_posix() for path in find_files(folder, [".png"])]


@pytest.mark.parametrize("turn", [sorted, lambda names: sorted(names, reverse=True)])
def test_of_two_links_to_a_folder_the_first_is_walked_in_any_listing(tmp_path, monkeypatch, turn):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.png").touch()
    (tmp_path / "set").mkdir()
    for name in ("b", "a", "c"):
        (tmp_path / "set" / name).symlink_to(tmp_path / "real")
    walk = os.walk

    def turned(*arguments, **options):
        for place, folders, files in walk(*arguments, **options):
            folders[:] = turn(folders)
            yield place, folders, files

    monkeypatch.setattr(os, "walk", turned)
    assert names(tmp_path / "set") == ["a/a.png"]


def test_a_link_to_nothing_is_listed_as_a_file(tmp_path):
    (tmp_path / "a.png").symlink_to(tmp_path / "gone")
    (tmp_path / "b.PNG").touch()
    assert names(tmp_path) == ["a.png", "b.PNG"]


def test_a_link_to_nothing_that_may_have_been_a_folder_is_refused(tmp_path):
    (tmp_path / "site").symlink_to(tmp_path / "not mounted")
    with pytest.raises(DataError, match=r"site: is a link to nothing \(remove it"):
        names(tmp_path)


def test_hidden_links_to_nothing_do_not_matter(tmp_path):
    (tmp_path / ".#a.png").symlink_to("user@machine")
    assert names(tmp_path) == []
    assert list_folder(tmp_path) == []


def test_names_in_another_encoding_are_told_as_they_are_stored(tmp_path):
    os.close(os.open(os.fsencode(tmp_path) + b"/caf\xe9.png", os.O_CREAT))
    (tmp_path / "손.png").touch()
    with pytest.raises(DataError, match=r"1 file name is not in UTF-8.*caf\\xe9\.png.*convmv"):
        names(tmp_path)
