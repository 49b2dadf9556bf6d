"""Analyses of means: t tests, analyses of covariance, Tobit, a posterior with borrowing."""
