"""One batch of simulated trials: patients, randomisation, visits, looks, safety, verdicts."""
