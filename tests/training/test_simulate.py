"""The invented market is always the same one, and looks like a chart."""

import csv
import gzip
import io
import re
from collections import defaultdict
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median

import pytest

from app.config import ROOT, Settings
from app.tracks.metadata import parse_metadata
from app.uploads import Upload
from training.simulate import CHART_SIZE, ChartLine, Simulation, simulate, write_sample

SAMPLE = ROOT / "data" / "sample"
END = date(2020, 12, 31)


@pytest.fixture(scope="module")
def market() -> Simulation:
    """The market of the committed sample."""
    return simulate(regions=["ph", "us"], days=90, end=END, seed=7)


def _streams_by_day(lines: list[ChartLine]) -> dict[date, dict[str, int]]:
    by_day: dict[date, dict[str, int]] = defaultdict(dict)
    for line in lines:
        by_day[line.date][line.url] = line.streams
    return by_day


def _movements(lines: list[ChartLine]) -> dict[date, float]:
    by_day = _streams_by_day(lines)
    return {
        day: median(by_day[day][url] / by_day[before][url] for url in by_day[day].keys() & by_day[before])
        for before, day in pairwise(by_day)
    }


def _unpacked(folder: Path) -> dict[str, bytes]:
    charts = {path.name: gzip.decompress(path.read_bytes()) for path in (folder / "charts").iterdir()}
    return charts | {"tracks.csv": (folder / "tracks.csv").read_bytes()}


def test_the_committed_sample_is_what_the_generator_makes(tmp_path: Path) -> None:
    write_sample(tmp_path, regions=["ph", "us"], days=90, end=END, seed=7)
    # Compared unpacked: compressors differ between builds of Python, what they pack does not.
    assert _unpacked(tmp_path) == _unpacked(SAMPLE)


def test_the_same_seed_makes_the_same_bytes_and_another_one_others(tmp_path: Path) -> None:
    files = []
    for name, seed in (("one", 3), ("two", 3), ("three", 4)):
        write_sample(tmp_path / name, regions=["ph"], days=3, end=END, seed=seed)
        files.append((tmp_path / name / "charts" / "ph.csv.gz").read_bytes())
    assert files[0] == files[1] != files[2]


def test_a_region_is_the_same_whichever_others_are_made(market: Simulation) -> None:
    assert simulate(regions=["us"], days=90, end=END, seed=7).charts["us"] == market.charts["us"]


@pytest.mark.parametrize("region", ["ph", "us"])
def test_every_day_has_two_hundred_tracks_whose_positions_follow_streams(
    market: Simulation, region: str
) -> None:
    by_day = defaultdict(list)
    for line in market.charts[region]:
        by_day[line.date].append(line)
    assert list(by_day) == [END - timedelta(days=back) for back in range(89, -1, -1)]
    for lines in by_day.values():
        assert [line.position for line in lines] == list(range(1, CHART_SIZE + 1))
        assert len({line.url for line in lines}) == CHART_SIZE
        streams = [line.streams for line in lines]
        assert streams == sorted(streams, reverse=True)
        assert streams[-1] > 0


def test_each_region_has_its_week(market: Simulation) -> None:
    def by_weekday(region: str) -> list[float]:
        movements = _movements(market.charts[region])
        return [median(m for day, m in movements.items() if day.weekday() == i) for i in range(7)]

    ph, us = by_weekday("ph"), by_weekday("us")
    assert max(range(7), key=ph.__getitem__) == 0  # up on Mondays, when the weekend is over
    assert max(range(7), key=us.__getitem__) == 4  # up on Fridays, with the new releases
    assert min(range(7), key=us.__getitem__) == 6


@pytest.mark.parametrize("region", ["ph", "us"])
def test_christmas_day_is_a_fall_and_new_years_eve_a_rise(market: Simulation, region: str) -> None:
    movements = _movements(market.charts[region])
    assert movements[date(2020, 12, 25)] == min(movements.values())
    assert movements[date(2020, 12, 31)] == max(movements.values())


@pytest.mark.parametrize("region", ["ph", "us"])
def test_sizes_and_turnover_are_those_of_a_real_chart(market: Simulation, region: str) -> None:
    by_day = _streams_by_day(market.charts[region])
    spread = median(max(chart.values()) / min(chart.values()) for chart in by_day.values())
    assert 8 < spread < 16  # real: about 10
    entries = [len(by_day[day].keys() - by_day[before]) / CHART_SIZE for before, day in pairwise(by_day)]
    assert 0.025 < sum(entries) / len(entries) < 0.045  # real: about 0.035
    fridays = [share for share, day in zip(entries, list(by_day)[1:], strict=True) if day.weekday() == 4]
    assert sum(fridays) / len(fridays) > sum(entries) / len(entries)


def test_regions_share_tracks_but_not_their_order(market: Simulation) -> None:
    ph, us = ({line.url for line in lines} for lines in market.charts.values())
    assert len(ph & us) > 0.4 * min(len(ph), len(us))
    assert ph - us
    assert us - ph


def test_most_tracks_have_metadata_that_the_service_takes(market: Simulation) -> None:
    upload = Upload("tracks.csv", (SAMPLE / "tracks.csv").read_bytes())
    file = parse_metadata(upload, Settings(_env_file=None))  # type: ignore[call-arg]
    assert file.rejected == 0
    assert all(len(values) == 16 for values in file.tracks.values())  # 13 features, date, two names
    charted = {line.url[-22:] for lines in market.charts.values() for line in lines}
    assert file.tracks.keys() < charted
    assert 0.8 < len(file.tracks) / len(charted) < 0.9


def test_ids_and_names_are_well_formed(market: Simulation) -> None:
    lines = [line for chart in market.charts.values() for line in chart]
    assert all(re.fullmatch(r"https://open\.spotify\.com/track/[0-7][0-9A-Za-z]{21}", x.url) for x in lines)
    assert all(re.fullmatch(r"[A-Z][a-z]+( [A-Z][a-z]+)*", x.track_name + " " + x.artist) for x in lines)
    names = {line.url: line.track_name for line in lines}
    assert len(set(names.values())) == len(names)


def test_a_pool_too_small_for_a_chart_is_refused() -> None:
    with pytest.raises(ValueError, match="too small"):
        simulate(regions=["ph"], days=1, end=END, seed=1, tracks_pool=100)


def test_the_sample_is_read_by_its_columns() -> None:
    text = gzip.decompress((SAMPLE / "charts" / "ph.csv.gz").read_bytes()).decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 90 * CHART_SIZE
    assert {row["Region"] for row in rows} == {"ph"}
