"""What an upload changes in the charts that are stored: pure comparison, no store."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, repeat
from operator import attrgetter

from app.errors import ConflictError
from app.forecasting.market import chart_ratio
from app.ingest.rows import ChartColumns, Rejection
from app.repository.chart_change import NO_CHART, Chart, ChartChange, DayKey, Entry
from app.repository.charted_tracks import Naming
from app.repository.charts import Movements

MIN_SHARE = 90  # percent of a stored chart's rows that an upload of the day has at least
DAY = dt.timedelta(days=1)


@dataclass
class _Held:
    """What rejected rows name of one day: there the stored rows stay."""

    positions: set[int] = field(default_factory=set)
    tracks: set[str] = field(default_factory=set)
    everything: bool = False

    def holds(self, track_id: str, entry: Entry) -> bool:
        return self.everything or entry.position in self.positions or track_id in self.tracks


class RejectedRows:
    """Which stored rows the rejected rows of an upload protect from removal.

    A row whose region or day cannot be read may be of any; one that names neither a position nor a
    track may be any row of its day.
    """

    def __init__(self, rejections: Iterable[Rejection]) -> None:
        self._held: dict[tuple[str | None, dt.date | None], _Held] = {}
        for row in rejections:
            held = self._held.setdefault((row.region, row.date), _Held())
            held.positions.update(() if row.position is None else (row.position,))
            held.tracks.update(() if row.track_id is None else (row.track_id,))
            held.everything |= row.position is None and row.track_id is None

    def keep(self, key: DayKey, lacking: Mapping[str, Entry]) -> dict[str, Entry]:
        """Return those of the stored entries that the upload lacks and that stay all the same."""
        region, day = key
        reaches = ((region, day), (region, None), (None, day), (None, None))
        held = [self._held[reach] for reach in reaches if reach in self._held]
        return {t: entry for t, entry in lacking.items() if any(h.holds(t, entry) for h in held)}


def compare_charts(
    uploaded: Mapping[DayKey, Chart], stored: Mapping[DayKey, Chart], rejected: RejectedRows
) -> list[ChartChange]:
    """Return what each uploaded chart changes, by region and day."""
    return [_compare(key, uploaded[key], stored.get(key, NO_CHART), rejected) for key in sorted(uploaded)]


def _compare(key: DayKey, uploaded: Chart, stored: Chart, rejected: RejectedRows) -> ChartChange:
    if not stored:
        of_day = uploaded.streams.keys()
        return ChartChange(*key, after=uploaded, inserted=of_day, updated={}, removed={}, unchanged=0)
    lacking = {t: stored.entry(t) for t in stored.streams.keys() - uploaded.streams.keys()}
    kept = rejected.keep(key, lacking)
    inserted = uploaded.streams.keys() - stored.streams.keys()
    common = uploaded.streams.keys() - inserted
    updated = {t: old for t in common if (old := stored.entry(t)) != uploaded.entry(t)}
    return ChartChange(
        *key,
        after=_add(uploaded, kept),
        inserted=inserted,
        updated=updated,
        removed={track_id: entry for track_id, entry in lacking.items() if track_id not in kept},
        unchanged=len(uploaded) - len(inserted) - len(updated),
    )


def _add(chart: Chart, kept: Mapping[str, Entry]) -> Chart:
    positions = {track_id: entry.position for track_id, entry in kept.items()}
    streams = {track_id: entry.streams for track_id, entry in kept.items()}
    return Chart({**chart.positions, **positions}, {**chart.streams, **streams})


def refuse_shrunk_charts(changes: Iterable[ChartChange], stored: Mapping[DayKey, Chart]) -> None:
    """Hold an upload to having most of what is stored: it is taken for the whole chart of its days.

    Raises:
        ConflictError: it would leave a day under ``MIN_SHARE`` percent of its rows; names the days.
    """
    sizes = [(change, len(stored.get(change.key, NO_CHART))) for change in changes]
    shrunk = [(c, size) for c, size in sizes if len(c.after) * 100 < size * MIN_SHARE]
    if shrunk:
        days = "; ".join(f"{c.region} {c.date} from {size} rows to {len(c.after)}" for c, size in shrunk[:5])
        more = f" and {len(shrunk) - 5} days more" if len(shrunk) > 5 else ""
        raise ConflictError(
            f"An upload is the whole chart of a day, and this one would cut {days}{more}. Send whole "
            "charts, or replace=true where the shorter one is right."
        )


def measure_movements(changes: Iterable[ChartChange], charts: Mapping[DayKey, Chart]) -> Movements:
    """Return the movement of each changed day and of the day after it, where there is one.

    Args:
        changes: The days that change.
        charts: The charts as they are afterwards: of the changed days and of their neighbours.
    """
    changed = {change.key for change in changes}
    moved = changed | {(region, day + DAY) for region, day in changed}
    return {
        (region, day): chart_ratio(
            charts[region, day].streams, charts.get((region, day - DAY), NO_CHART).streams
        )
        for region, day in moved & charts.keys()
    }


def find_neighbours(days: Iterable[DayKey]) -> set[DayKey]:
    """Return the days before and after each of ``days``."""
    return {(region, day + step) for region, day in days for step in (-DAY, DAY)}


def choose_newest_names(charts: Sequence[ChartColumns]) -> dict[str, Naming]:
    """Return the newest name and artist that ``charts`` have for each track."""
    names: dict[str, Said] = {}
    artists: dict[str, Said] = {}
    for chart in sorted(charts, key=attrgetter("date", "region")):
        names.update(_say(chart, chart.track_names))
        artists.update(_say(chart, chart.artists))
    unsaid: Said = (None, dt.date.min)
    track_ids = chain.from_iterable(chart.track_ids for chart in charts)
    return {t: Naming(*names.get(t, unsaid), *artists.get(t, unsaid)) for t in dict.fromkeys(track_ids)}


Said = tuple[str | None, dt.date]  # what a track or its artist is called, and in the chart of which day


def _say(chart: ChartColumns, said: Sequence[str | None]) -> Iterable[tuple[str, Said]]:
    pairs = zip(chart.track_ids, zip(said, repeat(chart.date)), strict=True)
    return (pair for pair in pairs if pair[1][0] is not None) if None in said else pairs
