"""The service under a long mixed load: no error, no growth. ``make soak``."""
