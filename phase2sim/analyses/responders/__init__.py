"""Analyses of responders: exact, score, stratified and standardised comparisons of rates."""
