"""Checks that results are reproducible and that the installation computes correctly."""
