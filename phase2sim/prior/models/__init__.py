"""Bayesian models in PyMC: evidence in, prior draws out. Nothing else imports pymc."""
