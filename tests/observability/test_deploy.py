"""The dashboard, the alert rules and the documentation go by metrics that a running service has."""

import json
import re
import shutil
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.access import rules
from app.config import ROOT
from tests.exposition import Series, parse, values
from tests.observability.promql import groupings, selectors
from tests.predict.tracks import charting
from tests.sample import Sample
from tests.serving import predict, serve

DASHBOARD = ROOT / "deploy" / "grafana-dashboard.json"
ALERTS = ROOT / "deploy" / "alerts.yml"
DOCUMENTATION = ROOT / "docs" / "observability.md"
PROMETHEUS_OWN = {"up"}
ADDED_BY_PROMETHEUS = {"job", "instance"}
OF_SEVERAL_WORKERS = {"pid"}
WANTED = {
    "ChartcastDown", "ChartcastErrors", "ChartcastSlow", "ChartcastDataStale", "ChartcastNoUpload",
    "ChartcastRowsRejected", "ChartcastModelNotLoaded", "ChartcastBundleRefused", "ChartcastPoolExhausted",
    "ChartcastForecastsDegraded", "ChartcastDatabaseDown",
}  # fmt: skip

Rule = dict[str, Any]


def _read_rules() -> list[Rule]:
    groups = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def _read_panels() -> list[dict[str, Any]]:
    panels: list[dict[str, Any]] = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    return panels


def _expressions() -> dict[str, str]:
    """Every expression by where it stands."""
    found = {rule["alert"]: rule["expr"] for rule in _read_rules()}
    for panel in _read_panels():
        found |= {f"{panel['title']} {t['refId']}": t["expr"] for t in panel.get("targets", ())}
    return found


@pytest.fixture(scope="module")
def series(
    sqlite_sample: Path, published_bundles: Path, sample: Sample, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Series]:
    """What a service that has answered a prediction and failed once tells."""
    store = shutil.copy(sqlite_sample, tmp_path_factory.mktemp("deploy") / "sample.db")
    with serve(f"sqlite:///{store}", published_bundles) as client:

        @client.app.get("/broken")  # type: ignore[attr-defined,untyped-decorator]
        @rules.requires(rules.Rule.PUBLIC)
        def fail() -> None:
            raise ZeroDivisionError

        predict(client, charting(sample))
        client.get("/broken")
        yield parse(client.get("/metrics").text)


@pytest.mark.parametrize("expression", _expressions().values(), ids=_expressions().keys())
def test_every_series_that_is_asked_for_is_there(expression: str, series: Series) -> None:
    for name, matchers in selectors(expression):
        if name in PROMETHEUS_OWN:
            continue
        found = [dict(labels) for labels in values(series, name)]
        assert found, f"there is no {name}"
        given = [matcher for matcher in matchers if matcher.label not in ADDED_BY_PROMETHEUS]
        assert any(all(m.label in labels and m.takes(labels[m.label]) for m in given) for labels in found), (
            f"{name} has no series with {given}"
        )


@pytest.mark.parametrize("expression", _expressions().values(), ids=_expressions().keys())
def test_what_is_grouped_by_is_a_label_of_the_series(expression: str, series: Series) -> None:
    labels = {
        label
        for selector in selectors(expression)
        for found in values(series, selector.name)
        for label, _ in found
    }
    assert groupings(expression) <= labels | ADDED_BY_PROMETHEUS | OF_SEVERAL_WORKERS


@pytest.mark.parametrize("rule", _read_rules(), ids=lambda rule: rule["alert"])
def test_a_rule_is_whole(rule: Rule) -> None:
    assert rule.keys() <= {"alert", "expr", "for", "labels", "annotations"}
    assert re.fullmatch(r"Chartcast[A-Z]\w+", rule["alert"])
    assert re.fullmatch(r"\d+[smhd]", rule.get("for", "0s"))
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert all(rule["annotations"][part].strip() for part in ("summary", "description"))
    assert re.search(r"==|>|>=|absent", rule["expr"])


def test_there_is_a_rule_for_everything_that_was_wanted() -> None:
    names = [rule["alert"] for rule in _read_rules()]
    assert len(names) == len(set(names))
    assert set(names) == WANTED


def test_the_panels_of_the_dashboard_are_whole_and_none_lies_on_another() -> None:
    panels = _read_panels()
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        assert panel["title"]
        assert panel["type"] == "row" or panel["targets"]
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
    for a, b in combinations([panel["gridPos"] for panel in panels], 2):
        beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
        below = a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
        assert beside or below


def test_every_metric_of_ours_is_on_the_dashboard(series: Series) -> None:
    ours = {name for name, _ in series if name.startswith("chartcast_")}
    shown = {
        s.name for panel in _read_panels() for t in panel.get("targets", ()) for s in selectors(t["expr"])
    }
    assert ours <= shown


def test_the_documentation_names_every_metric_and_every_alert(series: Series) -> None:
    text = DOCUMENTATION.read_text(encoding="utf-8")
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name, _ in series if name.startswith("chart")}
    assert not [name for name in sorted(families | WANTED) if f"`{name}`" not in text]


@pytest.mark.parametrize(
    "broken", ["sum(rate(a[5m])", "median(a)", "a{b>1}", 'sum(a{status="5xx})'], ids=lambda text: text
)
def test_an_expression_that_is_none_does_not_pass(broken: str) -> None:
    with pytest.raises(ValueError, match=r"parentheses|no function|no matcher"):
        list(selectors(broken))
