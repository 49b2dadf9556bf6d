"""Power and sample size in closed form: normal and t tests, and the mixed model."""
