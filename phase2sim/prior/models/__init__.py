"""The Bayesian models that fit evidence; the only code that imports PyMC."""
