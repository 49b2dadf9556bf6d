"""Questions put to many simulations: compare, size, sweep, calibrate, predict, verify."""
