"""What an operator sees of the service: its log lines, its metrics, its traces."""
