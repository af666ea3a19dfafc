"""Which versions of a model there are on disk, which of them is pinned, and what tells that one changed.

A pin is an operator's word that no version above it is to be served: ``serving.json`` beside the bundles,
``{"multi_input": 3}``. It is a file, so it holds for every process that reads the folder, and for the next.
"""

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from app.forecasting.bundle_files import list_versions

PINS = "serving.json"
# Of every file: name, inode, when it last changed (which no copy can bring along, as it can mtime), size.
Stamp = tuple[tuple[str, int, int, int], ...]


class BadPinsError(Exception):
    """A ``serving.json`` that cannot be read as pins; the message says what is wrong."""


def find_versions(roots: Sequence[Path], name: str, pins: Mapping[str, int]) -> list[Path]:
    """The folders of a model's versions, newest first, none above its pin.

    Args:
        roots: Folders of bundles; of the same version in two, the later folder's counts.
        name: lstm, gru or multi_input.
        pins: As ``read_pins`` gives them.
    """
    folders = {v: path for root in roots for n, v, path in list_versions(root) if n == name}
    newest_first = sorted(folders, reverse=True)
    return [folders[version] for version in newest_first if version <= pins.get(name, version)]


def read_pins(roots: Sequence[Path]) -> dict[str, int]:
    """The version that each pinned name is held to; a later folder's pins count.

    Raises:
        BadPinsError: a ``serving.json`` is not one JSON object of names and versions.
    """
    pins: dict[str, int] = {}
    for root in roots:
        try:
            found = json.loads((root / PINS).read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, ValueError, RecursionError) as error:
            raise BadPinsError(f"{root / PINS} cannot be read: {error}") from error
        if not isinstance(found, dict) or not all(type(version) is int for version in found.values()):
            raise BadPinsError(f'{root / PINS} is not of the form {{"multi_input": 3}}')
        pins |= found
    return pins


def write_pin(root: Path, name: str, version: int | None) -> None:
    """Hold ``name`` to ``version``, or (None) let its newest be served again. Whole or not at all.

    Raises:
        BadPinsError: what is there cannot be read; take it away first.
    """
    pins = read_pins([root])
    pins.pop(name, None)
    if version is not None:
        pins[name] = version
    root.mkdir(parents=True, exist_ok=True)
    handle, staging = tempfile.mkstemp(prefix=f".{PINS}-", dir=root)
    try:
        with os.fdopen(handle, "w") as stream:
            stream.write(json.dumps(pins, sort_keys=True) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(staging, 0o644)
        os.replace(staging, root / PINS)
    except BaseException:
        os.unlink(staging)
        raise


def read_stamp(folder: Path) -> Stamp:
    """What changes whenever a file of ``folder`` does; empty where there is none."""
    try:
        with os.scandir(folder) as entries:
            return tuple(sorted(_stamp_file(entry.name, entry.stat()) for entry in entries))
    except OSError:  # it went away while it was looked at: the next look sees what there is then
        return ()


def read_stamps(roots: Sequence[Path]) -> dict[Path, Stamp]:
    """The stamps of every version, and of the pins."""
    stamps = {path: read_stamp(path) for root in roots for _, _, path in list_versions(root)}
    for root in roots:
        if (pins := root / PINS).is_file():
            stamps[pins] = (_stamp_file(PINS, pins.stat()),)
    return stamps


def _stamp_file(name: str, status: os.stat_result) -> tuple[str, int, int, int]:
    return name, status.st_ino, status.st_ctime_ns, status.st_size
