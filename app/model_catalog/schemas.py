"""What ``/models`` answers."""

from typing import Any

from pydantic import BaseModel, Field


class SpecSummary(BaseModel):
    """What a model takes and gives."""

    context_length: int = Field(description="Days of history it sees.")
    max_horizon: int = Field(description="Days it forecasts at the most.")
    direct_horizon: int = Field(
        description="Days of these that it can forecast at once; those beyond, from these alone."
    )
    levels: list[int] = Field(description="Interval levels in percent.")
    quantile_levels: list[float]
    past_covariates: list[str]
    known_future_covariates: list[str]
    static_covariates: list[str]


class ModelSummary(BaseModel):
    """A model being served."""

    name: str = Field(examples=["lstm"])
    version: int
    trained_through: str = Field(description="The last day its weights learned from, ISO.")
    spec: SpecSummary
    training: dict[str, Any] = Field(description="How it was trained.")
    backtest: dict[str, Any] = Field(
        description="Figures of models fitted the same way on earlier dates, scored on later ones."
    )


class RowModelSummary(BaseModel):
    """A model of rows being served: a flat row of numbers in, another out."""

    name: str = Field(examples=["presence"])
    version: int
    trained_through: str = Field(description="The last day its weights learned from, ISO.")
    inputs: list[str] = Field(description="What it takes, in order.")
    outputs: list[str] = Field(description="What it gives.")
    training: dict[str, Any] = Field(description="How it was trained.")
    backtest: dict[str, Any] = Field(
        description="Figures of models fitted the same way on earlier dates, scored on later ones."
    )


class ModelList(BaseModel):
    """The models being served, and the bundles that were refused."""

    items: list[ModelSummary]
    row_models: list[RowModelSummary] = Field(description="Those behind other answers than forecasts.")
    next_cursor: None = None
    refused: dict[str, str] = Field(
        description="What could not be served (bundles by name/version) and why; what served before goes on."
    )
    pinned: dict[str, int] = Field(
        description="Names that an operator holds to a version: no newer one is served."
    )
