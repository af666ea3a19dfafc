"""The systems that the paper stands on, each with its backtest: docs/systems.md tells what came of them."""
