"""``GET /models`` and ``POST /models/reload``."""

from fastapi import APIRouter

from app.access.rules import Rule, requires
from app.dependencies import ModelStoreDep
from app.forecasting.rolling import MAX_HORIZON
from app.model_catalog.schemas import ModelList, ModelSummary, RowModelSummary, SpecSummary
from app.model_store import ModelStore, RunningModel, RunningRowModel

router = APIRouter(prefix="/models", tags=["models"])


@router.get("", summary="List the models being served")
@requires(Rule.PREDICT)
def list_models(store: ModelStoreDep) -> ModelList:
    """Name, version, the day it was trained through, spec and backtest figures of each."""
    return _build_list(store)


@router.post("/reload", summary="Look for newly published bundles")
@requires(Rule.ADMIN)
def reload_models(store: ModelStoreDep) -> ModelList:
    """Load what is on disk now and swap it in in one step; a bundle that is damaged changes nothing.

    This process answers with the new models from here on, requests under way end on the old ones, and the
    other processes follow within two seconds; so do all of them without this call.
    """
    store.load()
    return _build_list(store)


def _build_list(store: ModelStore) -> ModelList:
    items = [_summarise(model) for model in store.models.values()]
    row_models = [_summarise_rows(model) for model in store.row_models.values()]
    return ModelList(items=items, row_models=row_models, refused=store.refused, pinned=store.pinned)


def _summarise(model: RunningModel) -> ModelSummary:
    bundle, spec = model.bundle, model.bundle.spec
    return ModelSummary(
        name=bundle.name,
        version=bundle.version,
        trained_through=bundle.trained_through,
        spec=SpecSummary(
            context_length=spec.context_length,
            max_horizon=MAX_HORIZON,
            direct_horizon=spec.horizon,
            levels=list(spec.levels),
            quantile_levels=list(spec.quantile_levels),
            past_covariates=list(spec.past_covariates),
            known_future_covariates=list(spec.known_future_covariates),
            static_covariates=list(spec.static_covariates),
        ),
        training=bundle.training,
        backtest=bundle.backtest,
    )


def _summarise_rows(model: RunningRowModel) -> RowModelSummary:
    bundle = model.bundle
    return RowModelSummary(
        name=bundle.name,
        version=bundle.version,
        trained_through=bundle.trained_through,
        inputs=list(bundle.inputs),
        outputs=list(bundle.outputs),
        training=bundle.training,
        backtest=bundle.backtest,
    )
