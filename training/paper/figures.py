"""The figures of the remake, as PNG files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")  # files alone; no display is looked for

import matplotlib.dates as mdates
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from app.forecasting.history import Floats

COLORS = {
    "lstm": "#1f5fa8",
    "gru": "#d1732a",
    "single": "#2f8f5b",
    "shared": "#7a4fa3",
    "ours": "#b3243f",
    "naive": "#555555",
    "actual": "#222222",
}
STYLE: dict[Any, Any] = {
    "figure.dpi": 130,
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
}


def draw_all(results: dict[str, Any], folder: Path) -> dict[str, str]:
    """Write every figure into a folder.

    Returns:
        File name -> what it shows, in the order to show them.
    """
    figures: dict[str, tuple[str, Callable[[dict[str, Any]], Figure]]] = {
        "songs.png": ("One song, many songs, shared weights: the same cells", draw_songs),
        "lookback.png": ("Error by lookback", draw_lookback),
        "loss.png": ("Training and test loss", draw_loss),
        "predictions.png": ("Predictions over targets", draw_predictions),
    }
    for name, (_, draw) in figures.items():
        with mpl.rc_context(STYLE):
            figure = draw(results)
            figure.savefig(folder / name, bbox_inches="tight")
            plt.close(figure)
    return {name: title for name, (title, _) in figures.items()}


def draw_songs(results: dict[str, Any]) -> Figure:
    """MAE over naive of every way, on the cells of the few songs."""
    bars = [*_bars_of_remakes(results), *_bars_of_ours(results)]
    figure, axes = plt.subplots(figsize=(9, 0.34 * len(bars) + 1.2))
    labels, ratios, colors = zip(*bars, strict=True)
    axes.barh(labels, ratios, color=colors, height=0.7)
    for index, ratio in enumerate(ratios):
        axes.text(ratio, index, f" {ratio:.2f}", va="center", fontsize=9)
    axes.invert_yaxis()
    axes.axvline(1, color=COLORS["naive"], linestyle="--", linewidth=1)
    axes.grid(visible=False, axis="y")
    n_few = len(results["split"]["few"])
    axes.set_xlabel(f"MAE / naive MAE on the cells of the same {n_few} songs (dashed: naive)")
    axes.set_title("Songs forecast together, song by song, with shared weights, and ours")
    return figure


def _bars_of_remakes(results: dict[str, Any]) -> list[tuple[str, float, str]]:
    rows = [row for row in results["results"] if "scaler" not in row]
    bars = []
    for row in sorted(rows, key=lambda row: (row["method"] != "joint", -row["songs"])):
        what = f"joint, {row['songs']} songs" if row["method"] == "joint" else "one model a song"
        label = f"{row['kind'].upper()} {what}, {row['dates']} dates"
        bars.append((label, row["few"]["mae_to_naive"], COLORS[row["kind"]]))
    shared = [row for row in results["metadata"] if row["method"] == "shared"]
    mean = float(np.mean([row["few"]["mae_to_naive"] for row in shared]))
    return [*bars, (f"LSTM shared by {shared[0]['songs']} songs", mean, COLORS["shared"])]


def _bars_of_ours(results: dict[str, Any]) -> list[tuple[str, float, str]]:
    return [
        (f"ours: {row['method']}", row["few"]["mae_to_naive"], COLORS["ours"])
        if row["method"] in ("lstm", "gru", "multi_input")
        else (row["method"], row["few"]["mae_to_naive"], COLORS["naive"])
        for row in results["ours"]
    ]


def draw_lookback(results: dict[str, Any]) -> Figure:
    """MAE over naive by lookback: the joint matrices, then shared weights on a scale of their own."""
    rows = results["lookback"]
    sizes = sorted({row["songs"] for row in rows if row["method"] == "joint"})
    figure, all_axes = plt.subplots(1, len(sizes) + 1, figsize=(4.2 * (len(sizes) + 1), 3.8))
    for axes, songs in zip(all_axes, sizes, strict=False):
        of_size = [row for row in rows if row["method"] == "joint" and row["songs"] == songs]
        for kind in ("lstm", "gru"):
            _line(axes, [row for row in of_size if row["kind"] == kind], kind.upper(), COLORS[kind])
        axes.set_title(f"Joint matrix, {songs} songs")
    shared = [row for row in rows if row["method"] == "shared"]
    _line(all_axes[-1], shared, "LSTM, shared weights", COLORS["shared"])
    all_axes[-1].set_title(f"Shared weights, {shared[0]['songs']} songs")
    for axes in all_axes:
        axes.axhline(1, color=COLORS["naive"], linestyle="--", linewidth=1, label="naive")
        axes.set_xticks([1, 7, 14, 21, 28])
        axes.set_xlabel("lookback, days")
        axes.legend()
    all_axes[0].set_ylabel("MAE / naive MAE, same cells")
    figure.tight_layout()
    return figure


def _line(axes: Axes, rows: list[dict[str, Any]], label: str, color: str) -> None:
    ratios = [row["all"]["mae_to_naive"] for row in rows]
    axes.plot([row["lookback"] for row in rows], ratios, marker="o", markersize=4, color=color, label=label)


LOSS_TITLES = {
    "joint_lstm": "LSTM, joint matrix",
    "joint_gru": "GRU, joint matrix",
    "shared": "LSTM, shared weights",
    "joint": "Multi-input, trained jointly",
    "two_stage": "Multi-input, second stage",
}


def draw_loss(results: dict[str, Any]) -> Figure:
    """Squared error of scaled values on both parts, with that of naive on the test part."""
    figure, grid = plt.subplots(2, 3, figsize=(12, 7))
    for axes, (name, title) in zip(grid.flat, LOSS_TITLES.items(), strict=False):
        loss = results["loss"][name]
        axes.plot(loss["passes"], loss["training"], color=COLORS["lstm"], label="training part")
        axes.plot(loss["passes"], loss["test"], color=COLORS["gru"], label="test part")
        axes.axhline(
            loss["naive_test"], color=COLORS["naive"], linestyle="--", linewidth=1, label="naive, test part"
        )
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.set_title(title)
        axes.set_xlabel("passes over the training part")
    for axes in grid[:, 0]:
        axes.set_ylabel("mean squared error, min-max scaled")
    grid[1, 2].axis("off")
    handles, labels = grid[0, 0].get_legend_handles_labels()
    grid[1, 2].legend(handles, labels, loc="center", fontsize=12)
    figure.tight_layout()
    return figure


def draw_predictions(results: dict[str, Any], n_songs: int = 4, n_before: int = 60) -> Figure:
    """Targets and forecasts of some songs, from some days before the test part on."""
    predictions, test_days = results["predictions"], results["settings"]["test_days"]
    songs = predictions["songs"][:n_songs]
    shown = slice(max(0, len(predictions["days"]) - test_days - n_before), None)
    days = np.array(predictions["days"][shown], dtype="datetime64[D]")
    figure, all_axes = plt.subplots(len(songs), 1, figsize=(10, 2.7 * len(songs)), sharex=True, squeeze=False)
    for axes, song in zip(all_axes[:, 0], songs, strict=True):
        for name, label, color in (
            ("joint_lstm", "LSTM, joint matrix", COLORS["lstm"]),
            ("joint_gru", "GRU, joint matrix", COLORS["gru"]),
            ("single_lstm", "LSTM, this song alone", COLORS["single"]),
            ("ours_lstm", "our LSTM (test part)", COLORS["ours"]),
        ):
            axes.plot(days, _floats(song[name])[shown], color=color, linewidth=1.1, label=label)
        axes.plot(days, _floats(song["actual"])[shown], color=COLORS["actual"], linewidth=1.8, label="target")
        axes.axvline(np.datetime64(results["split"]["test_from"]), color=COLORS["naive"], linestyle=":")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / 1000:,.0f}k"))
        axes.set_title(f"track {song['track_id']}", loc="left")
        axes.set_ylabel("streams a day")
    locator = mdates.AutoDateLocator()  # type: ignore[no-untyped-call]
    all_axes[-1, 0].xaxis.set_major_locator(locator)
    all_axes[-1, 0].xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    handles, labels = all_axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, ncols=5, loc="upper center", bbox_to_anchor=(0.5, 1.03))
    figure.tight_layout()
    return figure


def _floats(values: list[float | None]) -> Floats:
    return np.array([np.nan if value is None else value for value in values])
