"""Several workers, one set of metrics: the folder in which they keep what they count."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client's own, read when it is imported


@contextmanager
def shared_metrics(workers: int) -> Iterator[None]:
    """A folder for the metrics of workers that are started meanwhile; it goes when the block ends.

    A single worker keeps them in memory. A folder that the environment names already is left as it is.
    """
    if workers == 1 or os.environ.get(VARIABLE):
        yield
        return
    with tempfile.TemporaryDirectory(prefix="chartcast-metrics-") as folder:
        os.environ[VARIABLE] = folder
        try:
            yield
        finally:
            del os.environ[VARIABLE]
