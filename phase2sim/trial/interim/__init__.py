"""Interim looks in simulated trials: when they are due, what they see, and when they stop."""
