"""Backfills from folders: which files there are, and taking them in one by one."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from app.errors import ChartcastError, TooLargeError
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
    for path in paths:
        try:
            upload = _read_file(path, service.settings.max_body_bytes)
            yield path, service.with_default_region(region_of_folder(path)).ingest_files([upload], options)
        except (ChartcastError, OSError) as error:
            yield path, error if isinstance(error, ChartcastError) else ChartcastError(str(error))


def _read_file(path: Path, max_bytes: int) -> Upload:
    if path.stat().st_size > max_bytes:
        raise TooLargeError(
            f"{path.name}: over CHARTCAST_MAX_BODY_BYTES ({max_bytes}); split it, or raise it."
        )
    return Upload(path.name, path.read_bytes())
