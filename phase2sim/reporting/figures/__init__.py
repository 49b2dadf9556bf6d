"""Figures of priors, effects, influence and simulated trials, and pages that hold them."""
