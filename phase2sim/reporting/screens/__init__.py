"""Output of each command, one file per command: tables, and values for JSON."""
