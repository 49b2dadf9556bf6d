"""Results on disk: estimates of every simulated trial, and the numbers measured from them."""
