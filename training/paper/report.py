"""What the remake found, as JSON, Markdown and one HTML page that holds its figures."""

import base64
import html
import json
from pathlib import Path
from typing import Any

import numpy as np

from training.paper.figures import draw_all

Table = list[list[str]]  # the first row is the header

# RMSE and MAE as the authors report them: unstated songs, the scale refitted on the test part.
REPORTED = {"LSTM": (3460, 2369), "GRU": (3959, 2777), "multi-input": (7742, 7159)}

_ERRORS = ["cells", "RMSE", "MAE", "naive RMSE", "naive MAE", "MAE / naive"]
_TRAININGS = {
    "shared": "without metadata",
    "joint": "13 features, jointly",
    "two_stage": "13 features, two stages",
}


def write_report(results: dict[str, Any], out: Path) -> None:
    """Write results.json, tables.md, the figures and index.html into a folder."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "results.json").write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
    (out / "tables.md").write_text(to_markdown(results) + "\n")
    figures = draw_all(results, out)
    (out / "index.html").write_text(_page(results, figures, out), encoding="utf-8")


def build_tables(results: dict[str, Any]) -> dict[str, Table]:
    """Every table by its title."""
    few = len(results["split"]["few"])
    return {
        "The matrices": _matrices(results),
        "The paper's results table, filled": _results(results),
        f"The same on the {few} songs that are in every matrix": _few(results),
        "Metadata: the same LSTM with shared weights, mean over seeds": _metadata(results),
        "The scale fitted on what it should not see": _scalers(results),
        "The same cells under our protocol": _ours(results),
        "MAE / naive by lookback": _lookback(results),
        "What the authors report: unstated songs, scale refitted on the test part, no naive": _reported(),
    }


def to_markdown(results: dict[str, Any]) -> str:
    """All tables, under a line that says what they are of."""
    parts = [_headline(results)]
    for title, (header, *rows) in build_tables(results).items():
        lines = ["| " + " | ".join(row) + " |" for row in (header, ["---"] * len(header), *rows)]
        parts += [f"## {title}", "\n".join(lines)]
    return "\n\n".join(parts)


def _headline(results: dict[str, Any]) -> str:
    split, settings = results["split"], results["settings"]
    return (
        f"Region {results['region']}. Trained through {split['train_through']}, tested on "
        f"{split['test_from']} to {split['test_to']} ({settings['test_days']} dates), next day, lookback "
        f"{settings['lookback']} where none is given. A cell is a song on a test date, if it charted on that "
        "date and the day before; naive is its value of the day before, on the same cells."
    )


def _score(score: dict[str, float]) -> list[str]:
    names = ("cells", "rmse", "mae", "naive_rmse", "naive_mae")
    return [*(f"{score[name]:,.0f}" for name in names), f"{score['mae_to_naive']:.3f}"]


def _name(row: dict[str, Any]) -> str:
    return f"{row['kind'].upper()}, {'all songs jointly' if row['method'] == 'joint' else 'a model a song'}"


def _matrices(results: dict[str, Any]) -> Table:
    rows = [["songs", "dates", "from", "for training", "filled days", "test cells"]]
    for m in results["matrices"]:
        numbers = [
            f"{m['dates']:,}",
            m["from"],
            str(m["training_dates"]),
            str(m["filled"]),
            f"{m['cells']:,}",
        ]
        rows.append([str(m["songs"]), *numbers])
    return rows


def _results(results: dict[str, Any]) -> Table:
    rows = [["model", "songs", "dates", *_ERRORS]]
    for row in results["results"]:
        if "scaler" not in row:
            rows.append([_name(row), str(row["songs"]), str(row["dates"]), *_score(row["all"])])
    for training, mean in _metadata_means(results, "all").items():
        songs, dates = (str(results["metadata"][0][name]) for name in ("songs", "dates"))
        rows.append([f"LSTM, shared weights, {_TRAININGS[training]}", songs, dates, *_score(mean)])
    return rows


def _few(results: dict[str, Any]) -> Table:
    rows = [["model", "songs forecast together", "dates", *_ERRORS]]
    for row in results["results"]:
        if "scaler" not in row:
            songs = str(row["songs"]) if row["method"] == "joint" else "1"
            rows.append([_name(row), songs, str(row["dates"]), *_score(row["few"])])
    for training, mean in _metadata_means(results, "few").items():
        dates = str(results["metadata"][0]["dates"])
        rows.append([f"LSTM, shared weights, {_TRAININGS[training]}", "1", dates, *_score(mean)])
    return rows


def _metadata_means(results: dict[str, Any], cells: str) -> dict[str, dict[str, float]]:
    """By training, every figure's mean over the seeds."""
    means = {}
    for training in _TRAININGS:
        scores = [row[cells] for row in results["metadata"] if row["method"] == training]
        means[training] = {name: float(np.mean([score[name] for score in scores])) for name in scores[0]}
    return means


def _metadata(results: dict[str, Any]) -> Table:
    seeds = sorted({row["seed"] for row in results["metadata"]})
    maes = {
        training: [row["all"]["mae"] for row in results["metadata"] if row["method"] == training]
        for training in _TRAININGS
    }
    rows = [["training", "MAE", "over that without metadata", *(f"seed {seed}" for seed in seeds)]]
    for training, values in maes.items():
        ratios = np.array(values) / np.array(maes["shared"])
        by_seed = [f"{ratio:.3f}" for ratio in ratios]
        rows.append([_TRAININGS[training], f"{np.mean(values):,.0f}", f"{ratios.mean():.3f}", *by_seed])
    return rows


def _scalers(results: dict[str, Any]) -> Table:
    rows = [["model", "scale fitted on", *_ERRORS]]
    songs, dates = (results["metadata"][0][name] for name in ("songs", "dates"))
    for row in results["results"]:
        if row["method"] == "joint" and (row["songs"], row["dates"]) == (songs, dates):
            rows.append([row["kind"].upper(), row.get("scaler", "training part"), *_score(row["all"])])
    return rows


def _ours(results: dict[str, Any]) -> Table:
    rows = [["method", *_ERRORS, "MAE / naive, few songs"]]
    for row in results["ours"]:
        rows.append([row["method"], *_score(row["all"]), f"{row['few']['mae_to_naive']:.3f}"])
    return rows


def _lookback(results: dict[str, Any]) -> Table:
    lookbacks = sorted({row["lookback"] for row in results["lookback"]})
    curves: dict[str, dict[int, float]] = {}
    for row in results["lookback"]:
        name = f"{row['kind'].upper()}, {row['method']}, {row['songs']} songs"
        curves.setdefault(name, {})[row["lookback"]] = row["all"]["mae_to_naive"]
    rows = [["model", *(str(lookback) for lookback in lookbacks)]]
    for name, curve in curves.items():
        rows.append([name, *(f"{curve[lb]:.2f}" if lb in curve else "" for lb in lookbacks)])
    return rows


def _reported() -> Table:
    rows = [["model", "RMSE", "MAE"]]
    return rows + [[name, f"{rmse:,}", f"{mae:,}"] for name, (rmse, mae) in REPORTED.items()]


def _page(results: dict[str, Any], figures: dict[str, str], folder: Path) -> str:
    parts = [_html_table(title, table) for title, table in build_tables(results).items()]
    images = [_html_image(title, folder / name) for name, title in figures.items()]
    return _PAGE.format(
        headline=html.escape(_headline(results)), figures="".join(images), tables="".join(parts)
    )


def _html_table(title: str, table: Table) -> str:
    header, *rows = ([html.escape(cell) for cell in row] for row in table)
    head = "".join(f"<th>{cell}</th>" for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<h2>{html.escape(title)}</h2><div class=wide><table><tr>{head}</tr>{body}</table></div>"


def _html_image(title: str, path: Path) -> str:
    content = base64.b64encode(path.read_bytes()).decode()
    text = html.escape(title)
    return f'<h2>{text}</h2><img alt="{text}" src="data:image/png;base64,{content}">'


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The paper, remade</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; color: #222 }}
body {{ max-width: 1100px; margin: 2rem auto; padding: 0 1rem }}
h1 {{ font-size: 1.7rem }} h2 {{ font-size: 1.15rem; margin-top: 2.2rem }}
img {{ max-width: 100% }} .wide {{ overflow-x: auto }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums }}
th, td {{ padding: .3rem .7rem; border-bottom: 1px solid #ddd; text-align: right; white-space: nowrap }}
th {{ background: #f4f4f4 }} th:first-child, td:first-child {{ text-align: left }}
tr:hover td {{ background: #fafafa }}
</style></head><body>
<h1>The paper, remade</h1><p>{headline}</p>
{figures}{tables}
</body></html>
"""
