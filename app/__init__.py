"""The Chartcast service: charts in, forecasts out."""

__version__ = "0.1.0"
