"""Packed uploads are known by their content, and unpacked no further than asked; JSON has each key once."""

import gzip

import pytest

from app.errors import InvalidRequestError, UnsupportedFormatError
from app.uploads import MAX_GZIP_MEMBERS, load_json, open_content, read_content


def _read(data: bytes, size: int = 100) -> bytes:
    return read_content("x", open_content("x", data), size)


def test_what_is_not_packed_stays_as_it_is() -> None:
    assert _read(b"a,b\n") == b"a,b\n"


def test_all_members_of_a_packed_file_are_unpacked() -> None:
    assert _read(gzip.compress(b"a,b\n") + gzip.compress(b"1,2\n")) == b"a,b\n1,2\n"


def test_no_more_is_unpacked_than_asked_for() -> None:
    assert len(_read(gzip.compress(bytes(1_000_000)), 1_000)) == 1_000


@pytest.mark.parametrize(
    "data",
    [
        gzip.compress(b"a,b\n", mtime=0)[:-4],
        gzip.compress(b"a,b\n", mtime=0)[:10] + b"xxxx",
        gzip.compress(b"a,b\n", mtime=0) + b"garbage",
        b"\x1f\x8b",
    ],
)
def test_a_damaged_packed_file_is_refused(data: bytes) -> None:
    with pytest.raises(UnsupportedFormatError, match="gzip data is damaged"):
        _read(data)


def test_millions_of_empty_members_are_refused_unread() -> None:
    data = gzip.compress(b"", mtime=0) * (MAX_GZIP_MEMBERS + 1)
    with pytest.raises(UnsupportedFormatError, match="members; pack it once"):
        open_content("x", data)


@pytest.mark.parametrize(
    "text", ['{"a": 1, "a": 1}', '[{"b": {"c": 1, "d": 2, "c": 3}}]', '{"\\u0061": 1, "a": 2}']
)
def test_an_object_with_a_key_twice_is_refused_by_its_name(text: str) -> None:
    with pytest.raises(InvalidRequestError, match=r"has the key '[ac]' twice"):
        load_json("x", text.encode())


def test_one_key_in_several_objects_is_none_twice() -> None:
    assert load_json("x", b'\xef\xbb\xbf[{"a": {"a": 1}}, {"a": 2}]') == [{"a": {"a": 1}}, {"a": 2}]
