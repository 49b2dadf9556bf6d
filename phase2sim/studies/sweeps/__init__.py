"""Many scenarios at once: missing trials are simulated, and all cells are measured."""
