"""Names become objects: a scenario file turns into a trial to simulate, and its truths."""
