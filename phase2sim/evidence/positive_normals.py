"""Elicited normal distributions of quantities above 0: a mean weight, a mean age."""

from phase2sim.evidence.reported import Normal
from phase2sim.evidence.table_types import NormalTable
from phase2sim.evidence.tables import EvidenceFile, refuse

type _Limits = tuple[float, float, str]  # smallest and largest mean, and their unit


def positive_normal(
    file: EvidenceFile, key_path: str, given: NormalTable, quantity: str, limits: _Limits
) -> Normal:
    """Check mean and SD of a quantity; raises ``BadEvidence`` for impossible ones."""
    mean, sd = given.normal
    low, high, unit = limits
    if not low <= mean <= high:
        raise refuse(
            file.path,
            f"{key_path}.normal[1] is {mean:g}; a mean {quantity} lies between {low:g} and"
            f" {high:g} {unit}. Correct it.",
        )
    if not 0 < sd < mean / 2:
        raise refuse(
            file.path,
            f"{key_path}.normal[2] is {sd:g}; an SD must be above 0 and below half of the mean,"
            f" {mean / 2:g}. Correct it.",
        )
    return Normal(mean, sd)
