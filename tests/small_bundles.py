"""Bundles of a one-layer graph: made in no time, and each ``answer`` makes another model."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from app.forecasting.bundle import Bundle, save_bundle
from app.forecasting.bundle_files import Golden
from app.forecasting.forecaster import Batch, Run
from app.forecasting.residuals import Residuals
from app.forecasting.spec import ForecastSpec

SPEC = ForecastSpec()
OUTPUTS = (SPEC.horizon, len(SPEC.quantile_levels))


def build_small_bundle(
    name: str = "lstm", version: int = 1, answer: float = 0.5, spread: float = 0.0
) -> Bundle:
    """A bundle whose model answers ``answer`` plus the last step's first covariate, everywhere.

    ``spread`` is how far its outermost quantiles lie from that.
    """
    random = np.random.Generator(np.random.PCG64(version))
    shape = (4, SPEC.context_length, len(SPEC.covariates))
    inputs = {"covariates": random.normal(size=shape).astype(np.float32)}
    return Bundle(
        name=name,
        version=version,
        spec=SPEC,
        trained_through="2020-06-30",
        training={"epochs": 3, "validated_through": None},
        backtest={"regions": {}},
        golden=Golden(inputs, small_run(answer, spread)(inputs)),
        graph=build_small_graph(answer, spread),
    )


def _answers(answer: float, spread: float) -> NDArray[np.float32]:
    rising = answer + spread * np.linspace(-1, 1, OUTPUTS[1])
    return np.tile(rising, (OUTPUTS[0], 1)).astype(np.float32)


def small_run(answer: float, spread: float = 0.0) -> Run:
    """What the small graph does, in numpy."""

    def run(batch: Batch) -> NDArray[np.float32]:
        last = batch["covariates"][:, -1, 0]
        return (last[:, None, None] + _answers(answer, spread)).astype(np.float32)

    return run


def build_small_graph(answer: float, spread: float = 0.0) -> bytes:
    """A graph that adds ``answer`` to the first covariate of the last step."""
    constants = {
        "last": np.array(-1),
        "first": np.array([0]),
        "answer": _answers(answer, spread),
        "axis": np.array([2]),
    }
    nodes = [
        helper.make_node("Gather", ["covariates", "last"], ["step"], axis=1),
        helper.make_node("Gather", ["step", "first"], ["covariate"], axis=1),
        helper.make_node("Unsqueeze", ["covariate", "axis"], ["column"]),
        helper.make_node("Add", ["column", "answer"], ["log_ratios"]),
    ]
    sizes = {"covariates": [SPEC.context_length, len(SPEC.covariates)], "log_ratios": [*OUTPUTS]}
    source, target = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *size])
        for name, size in sizes.items()
    )
    initializers = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "small", [source], [target], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString()
    return content


def publish_small(
    models_dir: Path,
    name: str = "lstm",
    version: int = 1,
    answer: float = 0.5,
    spread: float = 0.0,
    residuals: Residuals | None = None,
) -> Path:
    """Write such a bundle where published ones are."""
    folder = models_dir / name / str(version)
    bundle = build_small_bundle(name, version, answer, spread)
    save_bundle(replace(bundle, residuals=residuals), folder, {})
    return folder
