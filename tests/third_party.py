"""``python -m tests.third_party > docs/third-party.md``: the licences of what the serving image holds."""

from importlib.metadata import PackageMetadata, PackageNotFoundError, metadata

from app.config import ROOT
from tests.dependency_audit import read_pins

SHIPS = ROOT / "requirements-tracing.txt"
HEAD = """# Licences of what ships

The packages of the serving image (`requirements-tracing.txt`), by their own metadata. The texts are in the
image, in each package's `.dist-info`. `python -m tests.third_party` makes this list, and a test holds it.

| package | licence |
| --- | --- |
"""


def read_licence(package: PackageMetadata) -> str:
    """What a package says of its licence: an SPDX expression, else its classifiers."""
    if "License-Expression" in package:
        return package["License-Expression"]
    said = [line for line in package.get_all("Classifier", []) if line.startswith("License :: ")]
    words = [line.rpartition(" :: ")[2] for line in said] or package.get_all("License", [])
    return "; ".join(sorted(words)) or "says none"


def build_list() -> str:
    """The page. Packages that other systems alone get are not on it."""
    rows = []
    for name in sorted({pin.partition("==")[0].partition("[")[0] for pin in read_pins(SHIPS)}):
        try:
            rows.append(f"| {name} | {read_licence(metadata(name))} |\n")
        except PackageNotFoundError:
            continue
    return HEAD + "".join(rows)


if __name__ == "__main__":
    print(build_list(), end="")
