"""Reports of studies under different care: a stated share, an unknown one, and none."""

from calibration.cases import STUDIES, case, of, visit
from calibration.simulated import Case
from support.reports import arm, entry, evidence

from phase2sim.evidence.reported import CareCovariate, CareEffect, Normal, UnknownShare

SENSOR = CareCovariate("sensor_share", 0.0, (CareEffect("hba1c", Normal(-0.6, 0.6)),), "made up")
SHARES = {"none": 0.0, "all": 1.0, "unknown": UnknownShare(0.4, 0.25)}


def care() -> list[Case]:
    """Three studies that enrol over the first months, two arms of the last under different care."""
    arms = tuple(
        arm(name, f"S {name}", months_since_diagnosis=(0.0, 4.0), care=(("sensor_share", share),))
        for name, share in SHARES.items()
    )
    arms += (arm("beside", "S unknown", months_since_diagnosis=(0.0, 4.0)),)
    entries = [
        entry("mean", 6.0, study=group.study, arm=group.arm, sd=1.0, number=number)
        for number, group in enumerate(arms, start=1)
    ]
    report = evidence(*entries, arms=arms, care={"sensor_share": SENSOR})
    # The unknown share is not ranked: as a study's level, a replicated arm draws its own.
    unknowns = {"effect of care": of("care_effect", 0)}
    return [case("means under different care", report, unknowns | visit(6.0) | STUDIES)]
