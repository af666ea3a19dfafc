"""The systems that the paper stands on, each scored on real charts: docs/systems.md."""
