"""Versions on disk, pins, and stamps that change with any file."""

import os
from pathlib import Path

import pytest

from app.forecasting.versions import (
    PINS,
    BadPinsError,
    find_versions,
    read_pins,
    read_stamp,
    read_stamps,
    write_pin,
)


def _make(root: Path, *versions: str) -> None:
    for version in versions:
        (root / "gru" / version).mkdir(parents=True)
        (root / "gru" / version / "spec.json").write_text("{}")


def test_versions_come_newest_first_by_number_and_none_above_the_pin(tmp_path: Path) -> None:
    shipped, models = tmp_path / "shipped", tmp_path / "models"
    _make(shipped, "3")
    _make(models, "3", "9", "10", ".staging-x", "old")
    found = [models / "gru" / version for version in ("10", "9", "3")]
    assert find_versions([shipped, models], "gru", {}) == found
    assert find_versions([shipped, models], "gru", {"lstm": 1}) == found
    assert find_versions([shipped, models], "gru", {"gru": 9}) == found[1:]
    assert find_versions([shipped], "gru", {"gru": 9}) == [shipped / "gru" / "3"]
    assert find_versions([shipped, models], "gru", {"gru": 2}) == []
    assert find_versions([tmp_path / "absent"], "gru", {}) == []


def test_pins_are_kept_one_beside_the_other_and_those_of_a_later_folder_count(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    assert read_pins([one, two]) == {}
    write_pin(one, "gru", 3)
    write_pin(one, "lstm", 1)
    write_pin(two, "gru", 4)
    assert read_pins([one, two]) == {"gru": 4, "lstm": 1}
    write_pin(one, "gru", None)
    assert read_pins([one]) == {"lstm": 1}
    assert [path.name for path in one.iterdir()] == [PINS]


def test_a_pin_that_cannot_be_written_leaves_those_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pin(tmp_path, "gru", 3)

    def fail(*_: object) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="full"):
            write_pin(tmp_path, "gru", 4)
    assert read_pins([tmp_path]) == {"gru": 3}
    assert [path.name for path in tmp_path.iterdir()] == [PINS]


def test_what_is_no_set_of_pins_is_named(tmp_path: Path) -> None:
    (tmp_path / PINS).write_text('{"gru": "3"}')
    with pytest.raises(BadPinsError, match=r"serving\.json is not of the form"):
        read_pins([tmp_path])


def test_stamps_change_with_every_file_even_where_size_and_time_are_kept(tmp_path: Path) -> None:
    _make(tmp_path, "1")
    path = tmp_path / "gru" / "1" / "spec.json"
    before, status = read_stamps([tmp_path]), path.stat()
    assert read_stamps([tmp_path]) == before
    (tmp_path / "new").write_text("[]")
    os.utime(tmp_path / "new", ns=(status.st_atime_ns, status.st_mtime_ns))
    (tmp_path / "new").rename(path)
    after = read_stamps([tmp_path])
    assert after != before
    write_pin(tmp_path, "gru", 1)
    assert read_stamps([tmp_path]) != after
    assert read_stamp(tmp_path / "absent") == ()
