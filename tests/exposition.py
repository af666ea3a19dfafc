"""Reading what ``GET /metrics`` answers, as Prometheus does."""

from collections.abc import Mapping
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


def parse(text: str) -> Series:
    """Every sample by its name and its labels; fails where a series comes twice."""
    found: Series = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = sample.name, frozenset(sample.labels.items())
            assert key not in found, f"{key} comes twice"
            found[key] = sample.value
    return found


def total(series: Series, name: str, **labels: Any) -> float:
    """The sum of a metric's samples with these labels, whatever the others; 0 where there is none."""
    return sum(values(series, name, **labels).values())


def values(series: Series, name: str, **labels: Any) -> Mapping[frozenset[tuple[str, str]], float]:
    """A metric's samples with these labels."""
    wanted = {(label, str(value)) for label, value in labels.items()}
    return {of: value for (metric, of), value in series.items() if metric == name and wanted <= of}
