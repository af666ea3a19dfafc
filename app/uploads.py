"""What a request uploads, as named bytes: the body itself, or the ``file`` parts of a form."""

import gzip
import io
import zlib
from typing import NamedTuple

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

from app.errors import InvalidRequestError, TooLargeError

BODY_NAME = "api"
MAX_FILES = 10_000
_GZIP = b"\x1f\x8b"


class Upload(NamedTuple):
    """One file as sent, perhaps gzip'd; ``name`` is ``api`` for a body that has none."""

    name: str
    data: bytes


async def read_uploads(request: Request, max_body_bytes: int) -> list[Upload]:
    """Read the whole body into memory.

    Raises:
        TooLargeError: the body is over ``max_body_bytes``.
        InvalidRequestError: a form without a ``file`` part, with others, or that is malformed.
    """
    limited = Request(request.scope, _limit(request.receive, max_body_bytes))
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        return [Upload(BODY_NAME, await limited.body())]
    try:
        async with limited.form(max_files=MAX_FILES, max_fields=0) as form:
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


async def _read_part(name: str, part: UploadFile | str) -> Upload:
    # A region sent as a field would be lost without a word, and the file taken for another region's.
    if name != "file" or not isinstance(part, UploadFile):
        raise InvalidRequestError(f"The form has a part named {name[:40]!r}; files go in parts named file.")
    return Upload(_clean_name(part.filename), await part.read())


def _limit(receive: Receive, max_bytes: int) -> Receive:
    # Counted as it comes in: a Content-Length may be missing, and may lie.
    total = 0

    async def receive_limited() -> Message:
        nonlocal total
        message = await receive()
        total += len(message.get("body", b""))
        if total > max_bytes:
            raise TooLargeError(f"The body is over {max_bytes} bytes; send it in parts or gzip'd.")
        return message

    return receive_limited


def _clean_name(filename: str | None) -> str:
    # Some clients send whole paths; stores and logs want neither those nor control characters.
    last = (filename or "").replace("\\", "/").rpartition("/")[2]
    return "".join(c for c in last if c.isprintable())[:200] or BODY_NAME


def unpack(data: bytes, max_bytes: int) -> bytes:
    """Return ``data`` unpacked if its content is gzip, else as it is.

    Raises:
        TooLargeError: it unpacks to more than ``max_bytes``.
        InvalidRequestError: the gzip data is damaged or cut off.
    """
    if not data.startswith(_GZIP):
        return data
    try:
        unpacked = gzip.GzipFile(fileobj=io.BytesIO(data)).read(max_bytes + 1)
    except (EOFError, OSError, zlib.error) as error:
        raise InvalidRequestError(f"The gzip data is damaged ({error}); pack and send it again.") from error
    if len(unpacked) > max_bytes:
        raise TooLargeError(f"The upload unpacks to over {max_bytes} bytes; send it in parts.")
    return unpacked
