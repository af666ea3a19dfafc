"""Every model fitted once, for a few steps on a small invented chart, for all tests to look at."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow is imported: its start is chatty

from training.ensemble import average_candidates
from training.fit import FitSettings
from training.golden import build_golden_panel
from training.panel import Panel
from training.recipes import Plan, fit_candidate

TRAINED, VALIDATED = 68, 74  # indices of days of the golden panel
SETTINGS = FitSettings(batch_size=8, max_epochs=2)


@pytest.fixture(scope="session", autouse=True)
def _runs_elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Records of runs go to a folder of the tests' own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHARTCAST_RUNS_DIR", str(tmp_path_factory.mktemp("runs")))
        yield


@pytest.fixture(scope="session")
def panel() -> Panel:
    """The chart that the candidates are fitted on."""
    return build_golden_panel()


def plan_of(panel: Panel, name: str, recurrent: Path | None = None) -> Plan:
    """Two epochs, or for the GRU the better of one and two."""
    chosen = name == "gru"
    return Plan(
        name=name,
        train_through=panel.days[TRAINED],
        validate_through=panel.days[VALIDATED] if chosen else None,
        epochs=None if chosen else 2,
        recurrent=recurrent,
        settings=SETTINGS,
        market_settings=replace(SETTINGS, batch_size=2),
        second_stage_settings=SETTINGS,
    )


@pytest.fixture(scope="session")
def candidates(panel: Panel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of candidates: lstm, gru, two_stage (on the gru), joint, and an ensemble of two LSTMs.

    Not to be written to.
    """
    folder = tmp_path_factory.mktemp("candidates")
    plans = {
        "lstm": plan_of(panel, "lstm"),
        "gru": plan_of(panel, "gru"),
        "two_stage": plan_of(panel, "multi_input", folder / "gru"),
        "joint": plan_of(panel, "multi_input"),
        "lstm_2": replace(plan_of(panel, "lstm"), settings=replace(SETTINGS, seed=2)),
    }
    for name, plan in plans.items():
        fit_candidate(plan, [panel], folder / name)
    average_candidates([folder / "lstm", folder / "lstm_2"], folder / "ensemble")
    return folder


@pytest.fixture
def every_pair(panel: Panel) -> tuple[np.ndarray, np.ndarray]:
    """Tracks and cutoffs of all that charted in the panel's last 15 days: more than one chunk."""
    tracks, days = np.nonzero(np.isfinite(panel.streams[:, -15:]))
    return tracks, days + len(panel.days) - 15
