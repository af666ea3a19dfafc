"""What goes wrong around the service, done to a real process: docs/reliability.md has the table."""
