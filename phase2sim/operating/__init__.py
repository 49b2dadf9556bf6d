"""One scenario simulated: operating characteristics with their errors, and closed forms."""
