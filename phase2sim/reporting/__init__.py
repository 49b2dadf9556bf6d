"""Stored results and evidence to tables, figures and pages."""
