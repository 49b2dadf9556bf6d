"""Mean age of an arm: printed, elicited as a distribution, or the default distribution."""

from collections.abc import Iterator
from dataclasses import replace

from phase2sim.evidence.positive_normals import positive_normal
from phase2sim.evidence.reported import REFERENCE_AGE, Evidence, Normal, StudyArm
from phase2sim.evidence.table_types import OLDEST_YEARS, YOUNGEST_YEARS, NormalTable
from phase2sim.evidence.tables import EvidenceFile, StudyTable, refuse

DEFAULT_AGE = Normal(REFERENCE_AGE, 3.0)
DEFAULT_AGE_WHY = (
    "the printed mean ages of 14 shipped studies of recent onset have mean 12.2 and SD 3.4 years"
)


def age_distribution(arm: StudyArm) -> Normal:
    """Distribution of an arm's mean age; its SD is 0 if the age is printed."""
    match arm.age_years:
        case None:
            return DEFAULT_AGE
        case Normal():
            return arm.age_years
        case printed:
            return Normal(printed, 0.0)


def with_reference_age(evidence: Evidence) -> tuple[StudyArm, ...]:
    """Arms of endpoints that do not ship, where one without an age has that of the others.

    The default distribution is of recent-onset type 1 diabetes.
    """
    age = evidence.reference_age
    if age == REFERENCE_AGE:
        return evidence.arms
    why = "not reported: the average of the other arms"
    return tuple(
        replace(arm, age_years=Normal(age, 0.0), age_why=why) if arm.age_years is None else arm
        for arm in evidence.arms
    )


def age_words(arm: StudyArm) -> str:
    """Describe the mean age of an arm."""
    match arm.age_years:
        case None:
            return "mean age not reported"
        case Normal(mean, sd):
            return f"elicited mean age N({mean:.12g}, {sd:.12g}) years"
        case printed:
            return f"mean age {printed:g} years"


def arms_of_unknown_age(evidence: Evidence) -> Iterator[StudyArm]:
    """Arms without a printed mean age whose measured values a fit reads."""
    read = {
        (entry.study, arm)
        for entry in evidence.reported
        if entry.measured and not entry.unused
        for arm in (entry.arm, entry.versus)
    } | {(data.study, data.arm) for data in evidence.individuals}
    for arm in evidence.arms:
        if (arm.study, arm.arm) in read and age_distribution(arm).sd:
            yield arm


def read_age(file: EvidenceFile, key_path: str, table: StudyTable) -> float | Normal | None:
    """Mean age of one arm; raises ``BadEvidence`` for a distribution without a reason."""
    match table.age_years:
        case NormalTable():
            return _elicited_age(file, key_path, table.age_years, table.age_why)
        case printed if table.age_why:
            raise refuse(
                file.path,
                f"{key_path}.age_why comes without a distribution of age_years. Write age_years ="
                " { normal = [mean, sd] }, or remove the why.",
            )
        case printed:
            return printed


def _elicited_age(file: EvidenceFile, key_path: str, age: NormalTable, why: str | None) -> Normal:
    """Distribution of a mean age; raises ``BadEvidence`` for an impossible one."""
    if not why:
        raise refuse(
            file.path,
            f"{key_path}.age_why is missing. The distribution is ours: say why you believe it.",
        )
    limits = YOUNGEST_YEARS, OLDEST_YEARS, "years"
    return positive_normal(file, f"{key_path}.age_years", age, "age", limits)
