"""``make fuzz``: requests made from the OpenAPI document, for as long as wanted, on SQLite.

python -m tests.fuzz --seconds 600 --seed 7
"""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.fuzz.running import fill_store, fuzz, serve_store


def main() -> int:
    """Fill a store with the sample, serve it, fuzz it; the exit code is Schemathesis' own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument(
        "--seed", type=int, help="For the same requests again; else a new one, which is told."
    )
    asked = parser.parse_args()
    seed = [] if asked.seed is None else ["--seed", str(asked.seed)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        url = f"sqlite:///{folder / 'fuzz.db'}"
        key = fill_store(url)
        with serve_store(url, folder) as address:
            found = fuzz(address, key, folder, "--max-time", str(asked.seconds), *seed)
    print(found.stdout, found.stderr, sep="\n")
    return found.returncode


if __name__ == "__main__":
    sys.exit(main())
