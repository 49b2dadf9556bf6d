"""Which density each kind of reported number has: means, SDs, quantiles, counts, events."""
