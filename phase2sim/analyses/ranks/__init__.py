"""Rank analyses: Wilcoxon, van Elteren, and analysis of covariance on ranks."""
