"""Backfills from folders: which files there are, and taking them in one by one."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import repeat
from pathlib import Path

from app.errors import ChartcastError, TooLargeError
from app.ingest.rows import ParsedFile
from app.ingest.schemas import IngestReport
from app.ingest.service import IngestOptions, IngestService
from app.regions import parse_region
from app.uploads import Upload

PATTERNS = ("*.csv", "*.csv.gz")


def find_chart_files(paths: Iterable[Path]) -> list[Path]:
    """Return the files that ``paths`` name, those of folders at any depth by ``PATTERNS``; each once.

    Raises:
        FileNotFoundError: a path leads nowhere.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if not path.exists():
            raise FileNotFoundError(f"{path}: there is no such file or folder")
        inside = sorted(file for pattern in PATTERNS for file in path.rglob(pattern) if file.is_file())
        found.update(dict.fromkeys(inside if path.is_dir() else [path]))
    return list(found)


def region_of_folder(path: Path) -> str | None:
    """The region that a file's folder is named after (``ph/charts.csv``), for a file that doesn't say."""
    try:
        return parse_region(path.resolve().parent.name)
    except ValueError:
        return None


def ingest_paths(
    service: IngestService, paths: Iterable[Path], options: IngestOptions
) -> Iterator[tuple[Path, IngestReport | ChartcastError]]:
    """Take in each file as an upload of its own, one transaction each; yield what became of it."""
    # A second thread would only take turns with SQLite, which works in this process.
    alone = service.database.is_embedded
    for path, read in zip(paths, repeat(None)) if alone else _read_ahead(service, paths, options):
        try:
            yield path, service.store_files(read or _parse_file(service, path, options), options)
        except ChartcastError as error:
            yield path, error


def _read_ahead(
    service: IngestService, paths: Iterable[Path], options: IngestOptions
) -> Iterator[tuple[Path, Sequence[ParsedFile] | None]]:
    """Read each file while a database server stores the one before; None where its turn must come first."""
    with ThreadPoolExecutor(max_workers=1) as reader:
        ahead: deque[tuple[Path, Future[Sequence[ParsedFile] | None]]] = deque()
        for path in paths:
            ahead.append((path, reader.submit(_parse_ahead, service, path, options)))
            if len(ahead) > 1:
                path, read = ahead.popleft()
                yield path, read.result()
        for path, read in ahead:
            yield path, read.result()


def _parse_ahead(service: IngestService, path: Path, options: IngestOptions) -> Sequence[ParsedFile] | None:
    try:
        # The file before may bring the region that this one is of, or a second one: it is not asked for here.
        return _parse_file(replace(service, read_regions=lambda _: []), path, options)
    except ChartcastError:
        return None  # it comes again in its turn


def _parse_file(service: IngestService, path: Path, options: IngestOptions) -> Sequence[ParsedFile]:
    try:
        upload = _read_file(path, service.settings.max_body_bytes)
    except OSError as error:
        raise ChartcastError(str(error)) from error
    return service.with_default_region(region_of_folder(path)).parse_files([upload], options)


def _read_file(path: Path, max_bytes: int) -> Upload:
    if path.stat().st_size > max_bytes:
        raise TooLargeError(
            f"{path.name}: over CHARTCAST_MAX_BODY_BYTES ({max_bytes}); split it, or raise it."
        )
    return Upload(path.name, path.read_bytes())
