"""An invented chart market, the same for the same seed: charts and metadata to try everything on.

Every track, artist and id in it is made up. What it takes from real charts are a few figures: the
rank-size curve, the size of a day's movements, how often tracks enter, how Christmas looks.
"""

import csv
import gzip
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np

from training.simulation.catalogue import Catalogue, build_catalogue
from training.simulation.draws import Ints
from training.simulation.features import COLUMNS, draw_metadata
from training.simulation.popularity import draw_popularity

CHART_SIZE = 200
TRACKS_POOL = 2_400  # tracks that could chart; most never do
CHART_COLUMNS = ("Position", "Track Name", "Artist", "Streams", "URL", "Date", "Region")


class ChartLine(NamedTuple):
    """One line of a chart file, in the order of ``CHART_COLUMNS``."""

    position: int
    track_name: str
    artist: str
    streams: int
    url: str
    date: date
    region: str


@dataclass(frozen=True)
class Simulation:
    """The charts of each region, by day and position, and metadata of tracks that are on one of them."""

    charts: dict[str, list[ChartLine]]
    metadata: list[tuple[str, ...]]


def simulate(
    *, regions: Sequence[str], days: int, end: date, seed: int, tracks_pool: int = TRACKS_POOL
) -> Simulation:
    """Invent the daily top 200 of ``regions`` on the ``days`` days up to ``end``.

    A region's chart depends on the seed, the days and the pool, not on the other regions. The days
    are drawn together: a run that ends a day later is another market.

    Raises:
        ValueError: the pool is too small to fill a chart.
    """
    if tracks_pool < 4 * CHART_SIZE:
        raise ValueError(f"a pool of {tracks_pool} tracks is too small; take {4 * CHART_SIZE} or more")
    catalogue = build_catalogue(seed, end, tracks_pool)
    chart_days = [end - timedelta(days=back) for back in range(days - 1, -1, -1)]
    charts: dict[str, list[ChartLine]] = {}
    charted: set[int] = set()
    for region in regions:
        popularity = draw_popularity(seed, region, catalogue, chart_days)
        streams = np.rint(np.exp(popularity)).astype(np.int64)
        tops = np.argsort(-streams, axis=0, kind="stable")[:CHART_SIZE]
        charts[region] = _write_charts(region, chart_days, catalogue, streams, tops)
        charted.update(tops.ravel().tolist())
    metadata = draw_metadata(seed, catalogue, end)
    return Simulation(charts, [row for track in sorted(charted) if (row := metadata[track]) is not None])


def _write_charts(
    region: str, days: list[date], catalogue: Catalogue, streams: Ints, tops: Ints
) -> list[ChartLine]:
    # streams: (tracks, days); tops: the tracks by position, (position, days)
    return [
        ChartLine(
            position=position,
            track_name=catalogue.track_names[track],
            artist=catalogue.artist_names[catalogue.artists[track]],
            streams=int(streams[track, i]),
            url=f"https://open.spotify.com/track/{catalogue.track_ids[track]}",
            date=day,
            region=region,
        )
        for i, day in enumerate(days)
        for position, track in enumerate(tops[:, i].tolist(), start=1)
    ]


def write_sample(
    out: Path,
    *,
    regions: Sequence[str],
    days: int,
    end: date,
    seed: int,
    tracks_pool: int = TRACKS_POOL,
) -> None:
    """Write ``charts/<region>.csv.gz`` and ``tracks.csv`` into the folder ``out``."""
    simulation = simulate(regions=regions, days=days, end=end, seed=seed, tracks_pool=tracks_pool)
    (out / "charts").mkdir(parents=True, exist_ok=True)
    for region, lines in simulation.charts.items():
        (out / "charts" / f"{region}.csv.gz").write_bytes(_pack(_write_csv(CHART_COLUMNS, lines)))
    (out / "tracks.csv").write_bytes(_write_csv(COLUMNS, simulation.metadata))


def _write_csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()


def _pack(data: bytes) -> bytes:
    # No time and no name in it: the same content packs to the same bytes.
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", fileobj=packed, mode="wb", compresslevel=9, mtime=0) as file:
        file.write(data)
    return packed.getvalue()
