"""Power and sample size in closed form: normal and t tests, and the mixed model."""

from phase2sim.theory.power.ancova_power import power_ancova
from phase2sim.theory.power.dropout_sizes import (
    average_over_sizes,
    binomial,
    sizes_after_allocation,
    sizes_after_dropout,
)
from phase2sim.theory.power.mmrm_power import power_mmrm
from phase2sim.theory.power.sample_size import patients_t, patients_z, whole_patients
from phase2sim.theory.power.t_and_z_power import (
    critical_difference,
    power_t,
    power_t_one_sample,
    power_t_two_sided,
    power_z,
    power_z_two_sided,
)
from phase2sim.theory.power.welch_power import power_welch

__all__ = [
    "average_over_sizes",
    "binomial",
    "critical_difference",
    "patients_t",
    "patients_z",
    "power_ancova",
    "power_mmrm",
    "power_t",
    "power_t_one_sample",
    "power_t_two_sided",
    "power_welch",
    "power_z",
    "power_z_two_sided",
    "sizes_after_allocation",
    "sizes_after_dropout",
    "whole_patients",
]
