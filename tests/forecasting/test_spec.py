"""A spec survives being written down, and a spec that this release cannot serve is refused."""

import json

import pytest

from app.forecasting.spec import FEATURES, ForecastSpec


@pytest.mark.parametrize(
    "spec",
    [
        ForecastSpec(),
        ForecastSpec().with_metadata(),
        ForecastSpec(context_length=14, horizon=3, past_covariates=("observed",), quantile_levels=(0.5,)),
    ],
)
def test_a_spec_comes_back_from_json_as_it_went(spec: ForecastSpec) -> None:
    read = ForecastSpec.from_json(json.loads(json.dumps(spec.to_json())))
    assert read == spec
    assert hash(read) == hash(spec)


def test_levels_are_the_intervals_that_pairs_of_quantiles_make() -> None:
    assert ForecastSpec().levels == (50, 80, 95)
    assert ForecastSpec(quantile_levels=(0.05, 0.1, 0.5, 0.9)).levels == (80,)
    assert ForecastSpec(quantile_levels=(0.5,)).levels == ()


def test_past_covariates_come_first_and_the_order_is_kept() -> None:
    spec = ForecastSpec(past_covariates=("position", "age"), known_future_covariates=("mid_month",))
    assert spec.covariates == ("position", "age", "mid_month")


def test_metadata_are_the_thirteen_features() -> None:
    assert ForecastSpec().with_metadata().static_covariates == FEATURES
    assert len(FEATURES) == 13
    assert ForecastSpec().static_covariates == ()


def test_a_field_that_is_unknown_or_missing_is_named() -> None:
    fields = ForecastSpec().to_json()
    with pytest.raises(TypeError, match="lookback"):
        ForecastSpec.from_json({**fields, "lookback": 28})
    del fields["quantile_levels"]
    with pytest.raises(TypeError, match="quantile_levels"):
        ForecastSpec.from_json(fields)


def test_a_covariate_that_this_release_does_not_make_is_named() -> None:
    fields = ForecastSpec().to_json()
    with pytest.raises(ValueError, match="moon_phase"):
        ForecastSpec.from_json({**fields, "past_covariates": ["observed", "moon_phase"]})
