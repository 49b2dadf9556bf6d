"""Likelihood of each kind of reported number: means, SDs, quantiles, counts, events."""
