"""Packed uploads are known by their content, and never unpacked beyond the limit."""

import gzip

import pytest

from app.errors import InvalidRequestError, TooLargeError
from app.uploads import unpack


def test_what_is_not_packed_stays_as_it_is() -> None:
    assert unpack(b"a,b\n", 100) == b"a,b\n"


def test_all_members_of_a_packed_file_are_unpacked() -> None:
    assert unpack(gzip.compress(b"a,b\n") + gzip.compress(b"1,2\n"), 100) == b"a,b\n1,2\n"


def test_a_small_file_that_unpacks_to_a_large_one_is_too_large() -> None:
    assert len(unpack(gzip.compress(bytes(1_000)), 1_000)) == 1_000
    with pytest.raises(TooLargeError):
        unpack(gzip.compress(bytes(1_001)), 1_000)


@pytest.mark.parametrize(
    "data",
    [gzip.compress(b"a,b\n", mtime=0)[:-4], gzip.compress(b"a,b\n", mtime=0)[:10] + b"xxxx", b"\x1f\x8b"],
)
def test_a_damaged_packed_file_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidRequestError, match="gzip"):
        unpack(data, 100)
