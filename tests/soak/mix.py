"""What clients ask in a soak: predictions mostly, batches, and uploads that add, correct and repeat."""

import datetime as dt
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from tests.bench.load import build_post
from tests.bench.stores import build_batch, build_predict
from tests.sample import LAST_DAY, Row, read_rows, to_csv

Kind = Literal["predict", "batch", "ingest"]
KINDS: tuple[Kind, ...] = ("predict", "batch", "ingest")
ROUND = 500  # requests: a second or two of them
BATCHES, IN_BATCH = 25, 20
REPEATED = 6  # uploads a round of a chart as it is stored
GROWING = "de"  # the region whose charts are new

Asked = tuple[Kind, bytes]


@dataclass(frozen=True)
class Mix:
    """Rounds of requests, each a pure function of its number.

    Attributes:
        region: That forecasts are asked of, and the last chart of which is corrected.
        chart: That chart.
    """

    region: str
    chart: Sequence[Row]

    @property
    def track_ids(self) -> list[str]:
        """The tracks that forecasts are asked of."""
        return [row.track_id for row in self.chart]

    def round(self, number: int) -> list[Asked]:
        """The requests of a round, mixed."""
        chance = random.Random(number)
        corrected = self.chart_of(number)
        asked: list[Asked] = [("ingest", _upload(corrected))]
        asked += [("ingest", _upload(_as_of_new_day(self.chart, number)))]
        asked += [("ingest", _upload(corrected))] * REPEATED
        asked += [("batch", self._batch(chance)) for _ in range(BATCHES)]
        asked += [("predict", self._predict(chance)) for _ in range(ROUND - len(asked))]
        chance.shuffle(asked)
        return asked

    def chart_of(self, number: int) -> list[Row]:
        """The last chart as a round corrects it: its last place has other streams each time."""
        *others, last = self.chart
        return [*others, replace(last, streams=last.streams - 1 - number % 100)]

    def _predict(self, chance: random.Random) -> bytes:
        return build_predict(chance.choice(self.chart).track_id, self.region)

    def _batch(self, chance: random.Random) -> bytes:
        return build_batch([row.track_id for row in chance.sample(self.chart, IN_BATCH)], self.region)


def build_mix(region: str) -> Mix:
    """The mix on the committed sample."""
    chart = [row for row in read_rows() if (row.region, row.date) == (region, LAST_DAY)]
    return Mix(region, sorted(chart, key=lambda row: row.position))


def _as_of_new_day(chart: Sequence[Row], number: int) -> list[Row]:
    day = dt.date(2015, 1, 1) + dt.timedelta(days=number)
    return [replace(row, region=GROWING, date=day) for row in chart]


def _upload(rows: Sequence[Row]) -> bytes:
    return build_post("/ingest", to_csv(list(rows)), "text/csv")
