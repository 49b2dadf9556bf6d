"""What each command prints, one file per command: tables, and plain values for JSON."""
