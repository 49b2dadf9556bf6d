"""What papers would report of simulated patients; knows no likelihood, so that it tests them."""
