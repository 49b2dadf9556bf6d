"""Statistics without a scenario: group-sequential boundaries, normal mixtures, power formulas."""
