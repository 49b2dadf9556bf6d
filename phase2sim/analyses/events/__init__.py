"""Analyses of event counts: Poisson and negative binomial rate ratios."""
