"""What a model takes and gives: written into its bundle, checked when it is loaded."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from typing import Any

FEATURES = (
    "danceability",
    "energy",
    "key",
    "loudness",
    "mode",
    "speechiness",
    "acousticness",
    "instrumentalness",
    "liveness",
    "valence",
    "tempo",
    "duration_ms",
    "time_signature",
)

PAST_COVARIATES = (
    "observed",
    "log_ratio",
    "ratio_known",
    "deviation",
    "level",
    "days_unobserved",
    "position",
    "age",
    "observed_days",
    "release_age",
    "release_known",
    "own_weekday_last",
    "own_weekday_median",
    "own_weekday_count",
    "market_movement",
    "market_known",
    "market_miss",
    "market_surprise",
)

KNOWN_FUTURE_COVARIATES = (
    "chart_weekday",
    "chart_weekday_last",
    "chart_weekday_mean",
    "chart_weekday_count",
    "market_forecast",
    "market_forecast_week",
    *(f"weekday_{name}" for name in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")),
    "holiday_today",
    *(f"holiday_{step}" for step in range(1, 8)),
    "holiday_memory",
    "holiday_memory_count",
    "last_year_miss",
    "last_year_known",
    "christmas_far",
    "christmas_near",
    "christmas_eve",
    "christmas_day",
    "christmas_past",
    "new_year_eve",
    "new_year_day",
    "month_end",
    "mid_month",
)

ARTIST_COVARIATES = ("artist_others", "artist_debuts")

QUANTILE_LEVELS = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)


@dataclass(frozen=True)
class ForecastSpec:
    """The contract between windows and a model.

    Attributes:
        context_length: Days the model sees, the last of them the cutoff.
        horizon: Days it forecasts.
        past_covariates: Channels known up to a step's own day, in order.
        known_future_covariates: Calendar and weekly-rhythm channels of the days after it, in order.
        static_covariates: Features of the track, each with its own mask; none: not a multi-input model.
        artist_covariates: What the artist has on the chart beside the track; none: not a multi-input model.
        quantile_levels: Levels the model gives, rising, 0.5 among them.
    """

    context_length: int = 28
    horizon: int = 7
    past_covariates: tuple[str, ...] = PAST_COVARIATES
    known_future_covariates: tuple[str, ...] = KNOWN_FUTURE_COVARIATES
    static_covariates: tuple[str, ...] = ()
    artist_covariates: tuple[str, ...] = ()
    quantile_levels: tuple[float, ...] = QUANTILE_LEVELS

    @cached_property
    def covariates(self) -> tuple[str, ...]:
        """All channels of a step, in the order of the model's input."""
        return self.past_covariates + self.known_future_covariates

    @cached_property
    def market_covariates(self) -> tuple[str, ...]:
        """The channels that all tracks of a region share."""
        shared = tuple(name for name in self.past_covariates if name.startswith("market_"))
        return shared + self.known_future_covariates

    @cached_property
    def levels(self) -> tuple[int, ...]:
        """The central interval levels, in percent, that pairs of quantile levels make."""
        known = {round(q, 6) for q in self.quantile_levels}
        pairs = [q for q in self.quantile_levels if q < 0.5 and round(1 - q, 6) in known]
        return tuple(sorted(round(100 * (1 - 2 * q)) for q in pairs))

    def with_metadata(self) -> "ForecastSpec":
        """The same with the 13 features of a track as static covariates, and its artist's other tracks."""
        return replace(self, static_covariates=FEATURES, artist_covariates=ARTIST_COVARIATES)

    def to_json(self) -> dict[str, Any]:
        """A JSON object that ``from_json`` takes back."""
        return asdict(self)

    @classmethod
    def from_json(cls, described: Mapping[str, Any]) -> "ForecastSpec":
        """Read what ``to_json`` wrote.

        Raises:
            TypeError: a field is missing or unknown.
            ValueError: a covariate is none that this release makes.
        """
        if missing := {field.name for field in fields(cls)}.difference(described):
            raise TypeError(f"the spec lacks {', '.join(sorted(missing))}")
        typed: dict[str, Any] = {
            name: tuple(v) if isinstance(v, list) else v for name, v in described.items()
        }
        spec = cls(**typed)
        if unknown := set(spec.covariates).difference(PAST_COVARIATES, KNOWN_FUTURE_COVARIATES):
            raise ValueError(f"this release makes no covariate {', '.join(sorted(unknown))}")
        return spec
