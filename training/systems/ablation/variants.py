"""What is turned off, one thing at a time."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

from app.forecasting.spec import ForecastSpec
from training.panel import Panel
from training.systems.ablation.panels import (
    with_gaps_interpolated,
    with_gaps_zero,
    without_artists,
    without_holidays,
    without_metadata,
    without_rhythm,
    without_sound,
)
from training.systems.ablation.recodings import MIN_MAX, PLAIN, UNSCALED, Recoding

_SPEC = ForecastSpec()


def _named(*beginnings: str) -> tuple[str, ...]:
    """The covariates whose names begin so."""
    return tuple(name for name in _SPEC.covariates if name.startswith(beginnings))


_REGRESSION = ("market_forecast", "market_forecast_week", "market_surprise")
_SEASON = ("last_year_", "christmas_", "new_year_", "month_end", "mid_month")
_ONE_HOTS = tuple(f"weekday_{day}" for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun"))


def _as_it_is(panel: Panel) -> Panel:
    return panel


@dataclass(frozen=True)
class Variant:
    """A model with something turned off.

    Attributes:
        name: Of its row.
        about: What it lacks, in a line.
        left_out: Covariates that neither part of the model sees.
        context_length: Days that the model sees.
        charts: What is done to the charts that it learns from and forecasts on.
        changes_market: Whether that changes what the market's part sees.
        recoding: How its numbers are written otherwise.
        least_observed: It learns from tracks that were observed on so many days.
        model: lstm, or multi_input: in two stages on the full model of the same seed.
        against: The name of what it is held against; empty: others are held against it.
        fitted_as: The name of the variant whose fit it is; empty: its own.
    """

    name: str
    about: str
    left_out: tuple[str, ...] = ()
    context_length: int = _SPEC.context_length
    charts: Callable[[Panel], Panel] = _as_it_is
    changes_market: bool = False
    recoding: Recoding | None = None
    least_observed: int = 1
    model: str = "lstm"
    against: str = "full"
    fitted_as: str = ""

    @property
    def fit(self) -> str:
        """The name of its fit."""
        return self.fitted_as or self.name

    @cached_property
    def inputs(self) -> ForecastSpec:
        """What the model sees."""
        past, future = (
            tuple(name for name in names if name not in self.left_out)
            for names in (_SPEC.past_covariates, _SPEC.known_future_covariates)
        )
        return replace(
            _SPEC,
            context_length=self.context_length,
            past_covariates=past,
            known_future_covariates=future,
        )

    @property
    def shares_market(self) -> bool:
        """Whether its market's part is the full model's, to the bit."""
        same = self.inputs.market_covariates == _SPEC.market_covariates
        return same and self.recoding is None and not self.changes_market


FULL = Variant("full", "the lstm, with everything", against="")
WITH_METADATA = Variant(
    "multi_input", "the multi_input, in two stages on it", model="multi_input", against=""
)

# In the order in which they are fitted: a run that is broken off has the first of them.
VARIANTS = (
    FULL,
    Variant("log", "plain ratios of streams in and out, instead of their logarithms", recoding=PLAIN),
    Variant("scales", "log-ratios, positions and counts as they are, by no fixed scale", recoding=UNSCALED),
    Variant(
        "market",
        "neither the whole chart's movement nor how the track differs from it",
        (*_named("market_"), "deviation"),
    ),
    Variant(
        "holidays",
        "no holiday, nor any memory of one",
        _named("holiday_"),
        charts=without_holidays,
        changes_market=True,
    ),
    Variant(
        "calendar",
        "no holiday, Christmas, end of a month or date of last year, nor the regression that knows them",
        (*_named("holiday_", *_SEASON), *_REGRESSION),
    ),
    Variant(
        "weekday",
        "no rhythm: neither the base that forecasts build on, nor weekdays, nor own past weekdays",
        (*_named("chart_weekday", "own_weekday_"), *_ONE_HOTS, "market_miss", *_REGRESSION),
        charts=without_rhythm,
        changes_market=True,
    ),
    WITH_METADATA,
    Variant("metadata", "no metadata: its recurrent part", against="multi_input", fitted_as="full"),
    Variant("gaps as zeros", "a day off the chart is one without streams", charts=with_gaps_zero),
    Variant("gaps interpolated", "gaps of up to a week are filled", charts=with_gaps_interpolated),
    Variant(
        "masks",
        "a gap looks like a day without a change",
        ("observed", "ratio_known", "days_unobserved"),
    ),
    Variant("365-day songs", "learns from tracks observed on 365 days or more", least_observed=365),
    Variant("7 days", "a context of 7 days instead of 28", context_length=7),
    Variant("14 days", "a context of 14 days", context_length=14),
    Variant("56 days", "a context of 56 days", context_length=56),
    Variant("position", "no chart position", ("position",)),
    Variant("level", "no level over the chart's smallest streams", ("level",)),
    Variant(
        "age",
        "no days since debut, observed or since the release",
        ("age", "observed_days", "release_age", "release_known"),
    ),
    Variant(
        "min-max", "series by their smallest and largest of 28 days, not a fixed scale", recoding=MIN_MAX
    ),
    Variant("weekday flags", "no flags of tomorrow's weekday", _ONE_HOTS),
    Variant("own weekdays", "no memory of the track's own past weekdays", _named("own_weekday_")),
    Variant("regression", "no forecast of the market's misses by regression", _REGRESSION),
    Variant(
        "unknown metadata",
        "multi_input that is told neither sound nor artist: its second stage sees the track's own channels",
        charts=without_metadata,
        model="multi_input",
        against="multi_input",
    ),
    Variant(
        "sound",
        "multi_input without the 13 audio features",
        charts=without_sound,
        model="multi_input",
        against="multi_input",
    ),
    Variant(
        "artist",
        "multi_input without the artist's other tracks",
        charts=without_artists,
        model="multi_input",
        against="multi_input",
    ),
)
