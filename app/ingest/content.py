"""From the bytes of a file to its records: what it is packed in, how it is encoded, where lines begin."""

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice

from app.errors import TooLargeError, UnsupportedFormatError
from app.ingest.rows import Rejection, build_refusal
from app.uploads import open_content, read_content

Record = tuple[int, list[str]]  # a line and its cells

CHUNK = 2**20
BATCH = 10_000  # records read at once
MAX_LINE = 2**20  # bytes; a chart's line has a few hundred
MAX_CELLS = 1_000  # of a row; a chart's has ten, and in memory each takes eight times the comma that made it
_BOM = codecs.BOM_UTF8
# What a file is by its first bytes, in lower case, where it is no text of lines.
_OTHER_CONTENT = {
    b"pk\x03\x04": "a zip archive or an Excel workbook; send the CSV inside it, as it is or gzipped",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook; save it as CSV UTF-8",
    b"%pdf-": "a PDF; send the chart as CSV",
    b"par1": "a Parquet file; send the chart as CSV",
    b"\x1f\x8b": "gzip within gzip; pack it once",
    b"bzh": "packed with bzip2; send it as it is or gzipped",
    b"\xfd7zxz": "packed with xz; send it as it is or gzipped",
    b"\x28\xb5\x2f\xfd": "packed with zstd; send it as it is or gzipped",
    b"7z\xbc\xaf": "a 7z archive; send the CSV inside it, as it is or gzipped",
    b"<": "an HTML page (a failed download saved as CSV?); download the chart again",
    b"{": "JSON; send it as application/json",
    b"[": "JSON; send it as application/json",
    b"\xff\xfe": "text in UTF-16; save it as CSV UTF-8",
    b"\xfe\xff": "text in UTF-16; save it as CSV UTF-8",
}


@dataclass
class Budget:
    """What an upload may still take; shared by all its files."""

    unpacked: int
    rows: int
    blanks: int = 1_000_000  # lines: they make no rows, and a megabyte packed holds a billion

    def take_bytes(self, name: str, count: int) -> None:
        """Account for bytes unpacked.

        Raises:
            TooLargeError: over ``max_unpacked_bytes``.
        """
        self.unpacked -= count
        if self.unpacked < 0:
            raise TooLargeError(
                f"{name}: unpacked, the upload is over CHARTCAST_MAX_UNPACKED_BYTES; split it."
            )

    def take_rows(self, name: str, count: int) -> None:
        """Account for rows read.

        Raises:
            TooLargeError: over ``max_upload_rows``.
        """
        self.rows -= count
        if self.rows < 0:
            raise TooLargeError(f"{name}: the upload has more rows than CHARTCAST_MAX_UPLOAD_ROWS; split it.")

    def take_blank(self, name: str) -> None:
        """Account for a blank line.

        Raises:
            TooLargeError: there are over a million.
        """
        self.blanks -= 1
        if self.blanks < 0:
            raise TooLargeError(f"{name}: the upload has over a million blank lines; leave them out.")


def read_records(name: str, content: bytes, budget: Budget) -> Iterator[Record]:
    """Yield each record's cells with the physical line, from 1, on which it starts; blank ones not.

    Raises:
        UnsupportedFormatError: the content is no text at all: an archive, a page, a workbook.
        InvalidRequestError: it is text that is damaged; names the line.
        TooLargeError: over the budget.
    """
    return chain.from_iterable(read_batches(name, content, budget))


def read_batches(name: str, content: bytes, budget: Budget) -> Iterator[list[Record]]:
    """Yield the same in lists of some thousands.

    Raises:
        UnsupportedFormatError: as ``read_records``; so are the others.
    """
    blocks = _decode_blocks(name, _unpack(name, content, budget))
    first = 1
    for lines in blocks:
        cells = _read_table(lines)
        if cells is None:
            rest = _read_one_by_one(name, chain(lines, chain.from_iterable(blocks)), first, budget)
            while batch := list(islice(rest, BATCH)):
                yield batch
            return
        yield list(zip(range(first, first + len(cells)), cells, strict=True))
        first += len(lines)


def _read_table(lines: list[str]) -> list[list[str]] | None:
    """The cells where each line is a record of as many, none of them blank: five times as fast; else None."""
    try:
        records = list(csv.reader(lines, strict=True))
    except csv.Error:
        return None
    if (
        len(records) != len(lines)
        or len(set(map(len, records))) != 1
        or not 1 <= len(records[0]) <= MAX_CELLS
    ):
        return None
    starts = [cells[0] for cells in records]
    return records if all(starts) and not any(map(str.isspace, starts)) else None


def _read_one_by_one(name: str, lines: Iterator[str], first: int, budget: Budget) -> Iterator[Record]:
    # strict: a quote that is never closed would else swallow the rest of the file without a word.
    reader = csv.reader(lines, strict=True)
    while True:
        line = first + reader.line_num
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise _damaged(name, line, f"is not CSV ({error}); is a quote missing?") from None
        if len(cells) > MAX_CELLS:
            raise _damaged(name, line, f"has over {MAX_CELLS:,} cells, which no chart's has.")
        if "".join(cells).strip():
            yield line, cells
        else:
            budget.take_blank(name)


def _damaged(name: str, line: int, problem: str) -> Exception:
    return build_refusal(name, Rejection(line, "row", "", problem), f"{name}: line {line} {problem}")


def _unpack(name: str, content: bytes, budget: Budget) -> Iterator[bytes]:
    source = open_content(name, content)
    first = True
    while chunk := read_content(name, source, CHUNK):
        if first:
            _refuse_other_content(name, chunk)
        first = False
        budget.take_bytes(name, len(chunk))
        yield chunk
    if first:
        raise UnsupportedFormatError(f"{name}: the file is empty; send a chart.")


def _refuse_other_content(name: str, start: bytes) -> None:
    text = start[:1024].removeprefix(_BOM).lstrip().lower()
    for mark, kind in _OTHER_CONTENT.items():
        if text.startswith(mark):
            raise UnsupportedFormatError(f"{name}: this is {kind}.", errors=[("file", kind)])


def _decode_blocks(name: str, chunks: Iterator[bytes]) -> Iterator[list[str]]:
    number = 1  # of the block's first line
    for block in _split_at_lines(name, chunks):
        try:
            text = (block.removeprefix(_BOM) if number == 1 else block).decode()
        except UnicodeDecodeError as error:
            line = number + error.object.count(b"\n", 0, error.start)
            raise _damaged(name, line, "is not UTF-8 text; save the file as CSV UTF-8.") from None
        if "\0" in text:
            line = number + text.count("\n", 0, text.index("\0"))
            raise _damaged(
                name,
                line,
                "holds a NUL byte; the file is damaged, or is text in UTF-16: save it as CSV UTF-8.",
            )
        # CRLF is one line end; a carriage return of its own (old Mac files) is one too.
        yield list(io.StringIO(text, newline=None))
        number += block.count(b"\n")


def _split_at_lines(name: str, chunks: Iterator[bytes]) -> Iterator[bytes]:
    # Whole lines, many at once: no byte of a longer UTF-8 character is a newline.
    rest, count = b"", 1
    for chunk in chunks:
        lines, newline, rest = (rest + chunk).rpartition(b"\n")
        if newline:
            yield lines + newline
            count += lines.count(newline) + 1
        if len(rest) > MAX_LINE:
            raise _damaged(name, count, "is over a million bytes long, which no chart's is.")
    if rest:
        yield rest
