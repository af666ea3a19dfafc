"""Forecasts of whole artists: sums of their tracks, coherent with each track and with the chart."""
