"""The files of a bundle: written whole or not at all, refused where they are not those that were published.

``spec.json`` names the hash of every other file, and the digest of what it says itself, so a bundle that is
truncated, edited or put together from two is refused. Reading one runs no code from it.
"""

import hashlib
import io
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Inputs = Mapping[str, NDArray[np.float32]]

FORMAT = 1
SPEC, GRAPH, BACKTEST, GOLDEN = "spec.json", "model.onnx", "backtest.json", "golden.npz"
DIGEST = "digest"  # in spec.json; bundles published before there was one lack it
# What reading raises where a file is absent, is no JSON or archive, or lacks something.
_UNREADABLE = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    EOFError,
    RecursionError,
    zipfile.BadZipFile,
)


class BadBundleError(Exception):
    """A bundle that is incomplete, damaged, or does not answer as it did when it was published."""


@dataclass(frozen=True)
class Golden:
    """Inputs and what the model answered to them when it was published."""

    inputs: dict[str, NDArray[np.float32]]
    outputs: NDArray[np.float32]

    def to_bytes(self) -> bytes:
        """An archive that ``read_golden`` takes back."""
        stream = io.BytesIO()
        np.savez_compressed(stream, outputs=self.outputs, **self.inputs)  # type: ignore[arg-type]
        return stream.getvalue()


def read_golden(content: bytes) -> Golden:
    """Read what ``to_bytes`` wrote."""
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return Golden({name: arrays[name] for name in arrays.files if name != "outputs"}, arrays["outputs"])


def write_files(folder: Path, described: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
    """Write a bundle to ``folder``, which must not exist: it appears whole or not at all.

    Args:
        folder: Its place.
        described: What ``spec.json`` is to say, beside its format and the hashes of ``files``.
        files: By name.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".staging-", dir=folder.parent))
    try:
        for name, content in files.items():
            (staging / name).write_bytes(content)
        hashes = {name: sha256(files[name]) for name in sorted(files)}
        full = {"format": FORMAT, **described, "files": hashes}
        (staging / SPEC).write_bytes(to_json(full | {DIGEST: digest_of(full)}))
        staging.chmod(0o755)
        os.rename(staging, folder)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise


def digest_of(described: Mapping[str, Any]) -> str:
    """What tells that ``spec.json`` was edited: covariates in another order would fit every other file."""
    return sha256(to_json({key: value for key, value in described.items() if key != DIGEST}))


@contextmanager
def reading(folder: Path) -> Iterator[None]:
    """Whatever goes wrong within is a bundle that cannot be read.

    Raises:
        BadBundleError: it does.
    """
    try:
        yield
    except _UNREADABLE as error:
        said = f"{type(error).__name__}: {error}"
        raise BadBundleError(f"{folder} cannot be read as a bundle: {said}") from error


def read_files(
    folder: Path, needed: Sequence[str], optional: Sequence[str] = ()
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """What ``spec.json`` says, and the files named, each as it was published. Within ``reading``.

    Args:
        folder: Of the bundle.
        needed: Files that every bundle of its kind has.
        optional: Those that it may lack.

    Raises:
        BadBundleError: a file is another than was published.
    """
    described = json.loads((folder / SPEC).read_bytes())
    if described["format"] != FORMAT:
        raise BadBundleError(f"{folder} has format {described['format']}, this release reads {FORMAT}")
    if described.pop(DIGEST, None) not in (None, digest_of(described)):
        raise BadBundleError(f"{folder / SPEC} is not the file that was published")
    names = [*needed, *(name for name in optional if name in described["files"])]
    contents = {name: (folder / name).read_bytes() for name in names}
    for name, content in contents.items():
        if sha256(content) != described["files"][name]:
            raise BadBundleError(f"{folder / name} is not the file that was published")
    return described, contents


def list_versions(root: Path) -> Iterator[tuple[str, int, Path]]:
    """Every ``<name>/<version>/`` under ``root``, by name and version."""
    for folder in sorted(root.glob("*/*/")):
        if folder.name.isdecimal() and not folder.parent.name.startswith("."):
            yield folder.parent.name, int(folder.name), folder


def replay(said: str, run: Callable[[Inputs], NDArray[np.float32]], golden: Golden, tolerance: float) -> None:
    """Check that ``run`` answers the golden inputs as the model did when it was published.

    Args:
        said: Its name and version.
        run: The model.
        golden: What it was.
        tolerance: How far off an answer may be.

    Raises:
        BadBundleError: it does not.
    """
    try:
        answer = run(golden.inputs)
    except Exception as error:  # whatever the runtime raises on a graph that is not for it
        raise BadBundleError(f"{said} fails on its golden windows: {error}") from error
    if answer.shape != golden.outputs.shape:
        raise BadBundleError(f"{said} answers in another shape than when published")
    worst = float(np.abs(answer - golden.outputs).max())
    if not worst <= tolerance:
        raise BadBundleError(f"{said} is off its golden windows by {worst:.2g}")


def sha256(content: bytes) -> str:
    """Of a file's content, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def to_json(content: Mapping[str, Any]) -> bytes:
    """As the files of a bundle are written, the same bytes for the same content."""
    return (json.dumps(content, indent=2, sort_keys=True) + "\n").encode()
