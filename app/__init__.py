"""The Chartcast service: charts in, forecasts out."""

import gc

__version__ = "0.1.0"

# Importing makes a quarter of a million objects and hardly any garbage. Looking through them for cycles every
# 700, as Python would, takes a sixth of a start.
gc.set_threshold(50_000, 20, 20)
