"""Results on disk: what was simulated, trial by trial, and what was measured from it."""
