"""Forecasts of up to 28 days, rolled: chosen on validation, scored on the test of every fold."""
