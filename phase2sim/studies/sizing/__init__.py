"""Smallest sample size, or smallest effect, that reaches a power or an assurance."""
