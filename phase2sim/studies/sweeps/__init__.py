"""Many scenarios at once: what a store does not hold is simulated, and all of it measured."""
