"""The experiments, one after the other, and everything they found as one JSON object."""

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from app.forecasting.history import Floats, Ints
from app.forecasting.scaling import scale_features
from app.forecasting.spec import FEATURES
from training.data import fingerprint
from training.panel import Panel
from training.paper.cells import Cells, build_cells
from training.paper.matrix import SongMatrix, build_matrix, choose_few
from training.paper.ours import forecast_by_our_protocol
from training.paper.remakes import (
    Remade,
    build_task,
    naive_loss,
    remake_joint,
    remake_multi_input,
    remake_shared,
    remake_singles,
)
from training.paper.settings import KINDS, PaperSettings

Row = dict[str, Any]


@dataclass(frozen=True)
class Study:
    """What all experiments look at.

    Attributes:
        panel: The chart.
        settings: The numbers.
        main: The main matrix.
        others: The matrices of the other thresholds.
        few: Songs in all of them, with a matrix of their own.
        cells: Of the songs of each matrix, and of the few.
    """

    panel: Panel
    settings: PaperSettings
    main: SongMatrix
    others: list[SongMatrix]
    few: Ints

    @property
    def few_matrix(self) -> SongMatrix:
        """The main matrix's dates of the few songs."""
        return self.main.of(self.few)

    def score(self, tracks: Ints, forecasts: Floats) -> dict[str, Any]:
        """Forecasts (test dates, tracks) on all their cells, and on those of the few songs."""
        columns = [tracks.tolist().index(track) for track in self.few]
        return {
            "all": self.cells(tracks).score(forecasts),
            "few": self.cells(self.few).score(forecasts[:, columns]),
        }

    def cells(self, tracks: Ints) -> Cells:
        """The cells of some songs."""
        return build_cells(self.panel, tracks, self.settings.test_days)

    def row(self, method: str, kind: str, matrix: SongMatrix, made: Remade, **more: object) -> Row:
        """A line of the results table."""
        return {
            "method": method,
            "kind": kind,
            "songs": len(matrix.tracks),
            "dates": len(matrix.days),
            "lookback": self.settings.lookback,
            **more,
            **self.score(matrix.tracks, made.test(self.settings.test_days)),
        }


def build_study(panel: Panel, settings: PaperSettings) -> Study:
    """Make the matrices.

    Raises:
        ValueError: no song charted through one of them, or the test part leaves nothing to learn from.
    """
    matrices = [build_matrix(panel, n_days=t, min_share=settings.min_share) for t in settings.thresholds]
    n_training = min(settings.thresholds) - settings.test_days
    if n_training <= max(settings.lookbacks):
        raise ValueError(
            f"{n_training} training dates are too few for {max(settings.lookbacks)} days' windows"
        )
    few = choose_few(matrices, settings.n_few, settings.thresholds[0] - settings.test_days)
    if not len(few):
        raise ValueError("no song is in all the matrices")
    return Study(panel, settings, matrices[0], matrices[1:], few)


def run(panel: Panel, settings: PaperSettings) -> dict[str, Any]:
    """All experiments on one region's chart; the progress is printed.

    Returns:
        settings, data, split, matrices, lookback (curves), results and metadata (tables), loss (curves),
        ours (table under our protocol), predictions.
    """
    study = build_study(panel, settings)
    results, made = _results(study)
    metadata, metadata_loss = _metadata(study)
    ours = forecast_by_our_protocol(panel, study.main.tracks, settings)
    _say("our own models are fitted and scored")
    return {
        "settings": asdict(settings),
        "region": panel.region,
        "data": fingerprint([panel]),
        "split": _split(study),
        "matrices": [_describe(study, m) for m in (study.few_matrix, study.main, *study.others)],
        "results": [*results, *_singles(study, made), *_scalers(study)],
        "metadata": metadata,
        "loss": _losses(study, made) | metadata_loss,
        "lookback": [
            *_lookback_joint(study, study.few_matrix),
            *_lookback_joint(study, study.main),
            *_lookback_shared(study),
        ],
        "ours": [{"method": name, **study.score(study.main.tracks, f)} for name, f in ours.items()],
        "predictions": _predictions(study, made, ours["lstm"]),
    }


def _say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", flush=True)
    keras.backend.clear_session()  # or every model of the run stays in memory


def _split(study: Study) -> dict[str, Any]:
    days, n_test = study.panel.days, study.settings.test_days
    return {
        "train_through": str(days[-n_test - 1]),
        "test_from": str(days[-n_test]),
        "test_to": str(days[-1]),
        "few": [study.panel.track_ids[track] for track in study.few],
    }


def _describe(study: Study, matrix: SongMatrix) -> dict[str, Any]:
    n_dates, n_test = len(matrix.days), study.settings.test_days
    return {
        "songs": len(matrix.tracks),
        "dates": n_dates,
        "from": str(matrix.days[0]),
        "training_dates": n_dates - n_test,
        "test_share": n_test / n_dates,
        "filled": int((~matrix.observed).sum()),
        "cells": study.cells(matrix.tracks).score(study.cells(matrix.tracks).naive)["cells"],
    }


def _results(study: Study) -> tuple[list[Row], dict[str, Remade]]:
    """LSTM and GRU on the joint windows of every matrix."""
    rows, made = [], {}
    for matrix in (study.few_matrix, study.main, *study.others):
        task = build_task(matrix, study.settings, study.settings.lookback)
        for kind in KINDS:
            one = remake_joint(task, kind, study.settings, with_loss=matrix is study.main)
            if matrix is study.main:
                made[f"joint_{kind}"] = one
            rows.append(study.row("joint", kind, matrix, one))
            _say(f"joint {kind}, {len(matrix.tracks)} songs: {rows[-1]['all']['mae_to_naive']:.3f} of naive")
    return rows, made


def _singles(study: Study, made: dict[str, Remade]) -> Iterator[Row]:
    for kind in KINDS:
        made[f"single_{kind}"] = remake_singles(study.few_matrix, kind, study.settings)
        row = study.row("single", kind, study.few_matrix, made[f"single_{kind}"])
        _say(f"single-song {kind}: {row['all']['mae_to_naive']:.3f} of naive")
        yield row


def _scalers(study: Study) -> Iterator[Row]:
    """The joint models again, their scale fitted on what it should not see."""
    for fitted_on in ("everything", "each part"):
        task = build_task(study.main, study.settings, study.settings.lookback, fitted_on)
        for kind in KINDS:
            one = remake_joint(task, kind, study.settings)
            yield study.row("joint", kind, study.main, one, scaler=fitted_on)
        _say(f"scale fitted on {fitted_on}")


def _metadata(study: Study) -> tuple[list[Row], dict[str, Any]]:
    """An LSTM of shared weights without features, with them jointly, and in two stages; a row a seed."""
    task = build_task(study.main, study.settings, study.settings.lookback)
    features = _features(study.panel, study.main.tracks)
    naive = naive_loss([task.training, task.test])
    rows: list[Row] = []
    loss: dict[str, Any] = {}
    for seed in study.settings.seeds:
        made = remake_multi_input(task, features, "lstm", study.settings, seed)
        rows += [study.row(name, "lstm", study.main, one, seed=seed) for name, one in made.items()]
        if seed == study.settings.seeds[0]:
            loss = {name: _curve(one, naive) for name, one in made.items()}
        _say(f"metadata, seed {seed}")
    return rows, loss


def _features(panel: Panel, tracks: Ints) -> NDArray[np.float32]:
    """The songs' 13 features on the kernel's fixed scale; unknown ones in the middle. (songs, 13)"""
    return scale_features(panel.features[tracks])[:, : len(FEATURES)].astype(np.float32)


def _losses(study: Study, made: dict[str, Remade]) -> dict[str, Any]:
    task = build_task(study.main, study.settings, study.settings.lookback)
    naive = naive_loss([task.training, task.test])
    return {name: _curve(one, naive) for name, one in made.items() if name.startswith("joint_")}


def _curve(made: Remade, naive: list[float]) -> dict[str, Any]:
    assert made.loss is not None
    return asdict(made.loss) | {"naive_training": naive[0], "naive_test": naive[1]}


def _lookback_joint(study: Study, matrix: SongMatrix) -> Iterator[Row]:
    """The joint models of a matrix by the days that they see."""
    for lookback in study.settings.lookbacks:
        task = build_task(matrix, study.settings, lookback)
        for kind in KINDS:
            made = remake_joint(task, kind, study.settings)
            yield study.row("joint", kind, matrix, made, lookback=lookback)
        _say(f"{len(matrix.tracks)} songs, lookback {lookback}")


def _lookback_shared(study: Study) -> Iterator[Row]:
    """An LSTM of shared weights by the days that it sees."""
    for lookback in study.settings.pooled_lookbacks:
        task = build_task(study.main, study.settings, lookback)
        made = remake_shared(task, "lstm", study.settings, study.settings.seeds[0])
        yield study.row("shared", "lstm", study.main, made, lookback=lookback)
        _say(f"shared weights, lookback {lookback}")


def _predictions(study: Study, made: dict[str, Remade], ours: Floats) -> dict[str, Any]:
    """Targets and forecasts of the few songs by date, for the figure."""
    main, n_dates = study.main.tracks.tolist(), len(study.main.days)
    songs = []
    for index, track in enumerate(study.few):
        column = main.index(track)
        songs.append(
            {
                "track_id": study.panel.track_ids[track],
                "actual": _numbers(study.panel.streams[track, -n_dates:]),
                "joint_lstm": _numbers(made["joint_lstm"].forecasts[:, column]),
                "joint_gru": _numbers(made["joint_gru"].forecasts[:, column]),
                "single_lstm": _numbers(made["single_lstm"].forecasts[:, index]),
                "ours_lstm": _numbers(
                    np.pad(ours[:, column], (n_dates - len(ours), 0), constant_values=np.nan)
                ),
            }
        )
    return {"days": [str(day) for day in study.main.days], "songs": songs}


def _numbers(values: Floats) -> list[float | None]:
    return [None if np.isnan(value) else round(float(value), 1) for value in values]
