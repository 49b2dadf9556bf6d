"""What a fit estimates, with priors: natural history, spreads, effects; and its settings."""
