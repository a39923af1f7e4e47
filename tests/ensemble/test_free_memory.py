import pytest

from ensemble.free_memory import free_memory_bytes

MEMINFO = "MemTotal:  100 kB\nMemFree:  10 kB\nMemAvailable:  40 kB\n"


@pytest.mark.parametrize(
    ("limit", "used", "free"),
    [
        (None, None, 40 * 1024),
        ("max", "5000", 40 * 1024),
        ("30000", "5000", 25000),
        ("5000", "6000", 0),
        ("900000", "1", 40 * 1024),
    ],
)
def test_the_smaller_of_machine_and_container_counts(tmp_path, limit, used, free):
    meminfo = tmp_path / "meminfo"
    meminfo.write_text(MEMINFO)
    if limit is not None:
        (tmp_path / "memory.max").write_text(f"{limit}\n")
        (tmp_path / "memory.current").write_text(f"{used}\n")

    assert free_memory_bytes(meminfo, tmp_path) == free


def test_what_a_container_keeps_of_files_gives_way(tmp_path):
    (tmp_path / "meminfo").write_text(MEMINFO)
    (tmp_path / "memory.max").write_text("30000\n")
    (tmp_path / "memory.current").write_text("29000\n")
    stat = "anon 4000\nfile 24500\nactive_file 4000\ninactive_file 20000\nshmem 500\n"
    (tmp_path / "memory.stat").write_text(stat)
    assert free_memory_bytes(tmp_path / "meminfo", tmp_path) == 25000


def test_this_machine_has_memory_however_it_is_asked(tmp_path):
    assert free_memory_bytes() > 0
    assert free_memory_bytes(tmp_path / "none", tmp_path) > 2**28
