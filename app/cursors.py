"""Opaque cursors: where the next page of a listing begins."""

import base64
import binascii
import datetime as dt

from app.errors import InvalidRequestError

_LARGEST = 2**63


def encode_cursor(*parts: object) -> str:
    """Write the sort key of a page's last item."""
    return base64.urlsafe_b64encode("|".join(map(str, parts)).encode()).decode().rstrip("=")


def decode_cursor(text: str, length: int) -> list[str]:
    """Return the parts that ``encode_cursor`` wrote.

    Raises:
        InvalidRequestError: ``text`` is no cursor of a listing with ``length`` parts to its key.
    """
    try:
        parts = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (ValueError, binascii.Error):
        raise bad_cursor() from None
    if parts.count("|") != length - 1:
        raise bad_cursor()
    return parts.split("|")


def decode_day(text: str) -> dt.date:
    """Return a cursor's part that is a day."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise bad_cursor() from None


def decode_number(text: str) -> int:
    """Return a cursor's part that is a whole number, of a size that the store can compare with."""
    if not text.isdecimal() or len(text) > 19 or int(text) >= _LARGEST:
        raise bad_cursor()
    return int(text)


def bad_cursor() -> InvalidRequestError:
    """The refusal of a cursor that we did not write."""
    problem = "not a cursor; send next_cursor as the page before gave it, or none for the first page"
    return InvalidRequestError(f"The cursor is {problem}.", errors=[("query.cursor", problem)])
