"""Figures of priors, effects, influence and simulated trials, and pages of figures."""
