"""What counts as rounding in least squares on double precision."""

# What is left of a column's sum of squares below which the ones before it determine it.
DETERMINED = 1e-10
# Share of an outcome's sum of squares below which only rounding is left after the covariates.
EXPLAINED = 1e-12
# Variance against the mean square below which only rounding varies.
ROUNDING = 1e-24
