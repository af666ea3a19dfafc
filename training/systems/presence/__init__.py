"""Whether a track will be on the chart: our head, and its rivals on the same cutoffs."""
