"""Files in and out: TOML, CSV, atomic writes, data frames, row conditions."""
