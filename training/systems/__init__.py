"""The systems that the paper stands on, each scored beside a base rate: docs/systems.md."""
