"""Means of patients' averages over several months, with their correlation with other visits."""

from collections.abc import Sequence

import numpy as np

from phase2sim.core.arrays import Floats
from phase2sim.prior.replicates.patients import ArmPopulation, Visit


def standardised_mean(population: ArmPopulation, visits: Sequence[Visit], values: Floats) -> float:
    """Error of the mean of patients' averages over ``visits``, in standard errors.

    ``values`` (patient, visit) are theirs on the model scale. Over reports the error is standard
    normal; patients whose other visits are high have a high average too.
    """
    columns = [population.visits.index(visit) for visit in visits]
    mean, sd = (moment[:, columns] for moment in population.at_enrolment)
    correlation = population.correlation(population.enrolment)[:, columns][:, :, columns]
    within = np.mean(correlation * sd[:, :, None] * sd[:, None, :])
    variance = within + np.var(mean.mean(axis=1))  # patients differ in their time of entry too
    error = values.mean() - mean.mean()
    return float(error / np.sqrt(variance / len(values)))
