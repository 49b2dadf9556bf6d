"""Group sequential theory: boundaries, exit probabilities, conditional power; no simulation."""
