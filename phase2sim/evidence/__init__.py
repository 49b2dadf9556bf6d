"""Published numbers: evidence files read, checked and converted to model units."""
