"""Prediction of the final result of an ongoing trial."""
