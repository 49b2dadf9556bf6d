"""Values of a report on a scenario, gathered from stored results; no figures."""
