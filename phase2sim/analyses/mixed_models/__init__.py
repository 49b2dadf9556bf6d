"""Mixed models for repeated measures: covariance, likelihood, degrees of freedom."""
