"""What a request uploads, as named bytes: the body itself, or the ``file`` parts of a form."""

import codecs
import gzip
import io
import json
import zlib
from collections.abc import Sequence
from email.message import Message
from typing import Any, NamedTuple

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from app.errors import InvalidRequestError, UnsupportedFormatError

BODY_NAME = "api"
MAX_FILES = 10_000
MAX_GZIP_MEMBERS = 100_000  # empty ones cost time and count for nothing: 64 MB hold three million
_GZIP = b"\x1f\x8b"
_GZIP_MEMBER = b"\x1f\x8b\x08"
_ENCODINGS = ("", "identity", "gzip", "x-gzip")  # gzip is seen by the content, whether announced or not


class Upload(NamedTuple):
    """One file as sent, perhaps gzip'd; ``name`` is ``api`` for a body that has none."""

    name: str
    data: bytes


async def read_uploads(request: Request) -> list[Upload]:
    """Read the whole body into memory; ``BodyLimitMiddleware`` sees to its size.

    Raises:
        InvalidRequestError: a form without a ``file`` part, with others, or that is malformed.
        UnsupportedFormatError: it says to be compressed or encoded in a way that is not read here.
    """
    _check_encoding(request)
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        return [Upload(BODY_NAME, await request.body())]
    try:
        async with request.form(max_files=MAX_FILES, max_fields=0) as form:
            uploads = [await _read_part(name, part) for name, part in form.multi_items()]
    except (HTTPException, ValueError) as error:
        problem = getattr(error, "detail", "its names are not text")
        raise InvalidRequestError(
            f"The form cannot be read ({problem}); send files alone, as parts named file with a file name, "
            "and everything else in the query."
        ) from None
    if not uploads:
        raise InvalidRequestError("The form has no file; send at least one part named file with a file name.")
    return uploads


def _check_encoding(request: Request) -> None:
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if encoding not in _ENCODINGS:
        raise UnsupportedFormatError(
            f"Content-Encoding {encoding[:40]} is not taken; send the file as it is, or gzip'd."
        )
    kind = Message()
    kind["content-type"] = request.headers.get("content-type", "")
    charset = str(kind.get_param("charset", "utf-8"))
    if not kind.get_content_type().startswith("multipart/") and not _is_utf8(charset):
        # Latin-1 may well read as UTF-8, and would be stored as other names than were meant.
        raise UnsupportedFormatError(f"The charset {charset[:40]} is not taken; send UTF-8.")


def _is_utf8(charset: str) -> bool:
    try:
        return codecs.lookup(charset).name in ("utf-8", "utf-8-sig", "ascii")
    except (LookupError, ValueError):
        return False


async def _read_part(name: str, part: UploadFile | str) -> Upload:
    # A region sent as a field would be lost without a word, and the file taken for another region's.
    if name != "file" or not isinstance(part, UploadFile):
        raise InvalidRequestError(f"The form has a part named {name[:40]!r}; files go in parts named file.")
    return Upload(_clean_name(part.filename), await part.read())


def _clean_name(filename: str | None) -> str:
    # Some clients send whole paths; stores and logs want neither those nor control characters.
    last = (filename or "").replace("\\", "/").rpartition("/")[2]
    return "".join(c for c in last if c.isprintable())[:200] or BODY_NAME


def open_content(name: str, data: bytes) -> io.BufferedIOBase:
    """A reader of ``data``, unpacking it if its content is gzip; reading raises as ``read_content`` does.

    Raises:
        UnsupportedFormatError: gzip in more members than any tool makes.
    """
    if not data.startswith(_GZIP):
        return io.BytesIO(data)
    if data.count(_GZIP_MEMBER) > MAX_GZIP_MEMBERS:
        raise UnsupportedFormatError(
            f"{name}: the gzip data has over {MAX_GZIP_MEMBERS} members; pack it once."
        )
    return gzip.GzipFile(fileobj=io.BytesIO(data))


def read_content(name: str, source: io.BufferedIOBase, size: int) -> bytes:
    """Read up to ``size`` bytes of what ``open_content`` opened.

    Raises:
        UnsupportedFormatError: the gzip data is damaged, cut off, or followed by something else.
    """
    try:
        return source.read(size)
    except (OSError, EOFError, zlib.error) as error:
        detail = f"{name}: the gzip data is damaged ({error}); pack and send it again."
        raise UnsupportedFormatError(detail) from None


def load_json(name: str, data: bytes) -> Any:
    """Parse JSON in which no object has a key twice: parsers differ in which of the two values they keep.

    Raises:
        InvalidRequestError: it is none, or an object has a key twice.
    """
    try:
        return json.loads(data.removeprefix(codecs.BOM_UTF8), object_pairs_hook=_refuse_twins)
    except (ValueError, RecursionError) as error:
        raise InvalidRequestError(
            f"{name} is not valid JSON ({error}); mend it and send it again."
        ) from error


def _refuse_twins(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twin = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"an object has the key {twin[:40]!r} twice")
    return found
