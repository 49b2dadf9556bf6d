"""Analyses that impute missing values: multiple and conditional mean imputation."""
