"""How many patients, or how large an effect: the smallest step of a ladder that is enough."""
