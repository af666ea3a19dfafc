"""Coverage and widths, by hand."""

import numpy as np
import pandas as pd
import pytest

from training.coverage import summarise_intervals

BOUNDS = {"0.025": 50.0, "0.1": 80.0, "0.25": 90.0, "0.75": 110.0, "0.9": 120.0, "0.975": 150.0}
CELLS = pd.DataFrame(
    {"actual": [100.0, 85.0, 151.0, np.nan], "naive": [100.0, 200.0, 100.0, 1.0], "other": 1.0}
    | {f"calibrated@{level}": bound for level, bound in BOUNDS.items()}
)


def test_coverage_and_width_over_todays_streams_are_of_the_cells_with_a_known_target() -> None:
    found = summarise_intervals(CELLS, ["calibrated"])
    assert found["cells"] == 3
    levels = found["methods"]["calibrated"]
    coverages = [levels[level]["coverage"] for level in ("50", "80", "95")]
    assert coverages == pytest.approx([100 / 3, 200 / 3, 200 / 3])
    assert levels["80"]["width"] == pytest.approx((0.4 + 0.2 + 0.4) / 3)
