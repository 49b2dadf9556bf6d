"""Reports of ratios of two arms, and of numbers that were read off a figure."""

from collections.abc import Mapping
from dataclasses import replace

from calibration.cases import REALISTIC, SHARE, STUDIES, case, gap, of, visit
from calibration.simulated import Case, Quantity
from support.reports import arm, entry, evidence

from phase2sim.evidence.reported import RANDOMISED, ClassEffect

ONSET = {"half_time_months": 1.5}
# Arms without C-peptide have no ratio.
FAR_FROM_NONE = dict(REALISTIC) | {
    "c_peptide": replace(
        REALISTIC["c_peptide"], mean_step=(0.2, 0.1), mean_per_root_month=0.02, level_scale=0.05
    )
}
OF_CLASS: Mapping[str, Quantity] = {
    "class mean": of("class_mean", 0),
    "class SD": of("class_sd", 0),
}


def ratio(endpoint: str, scale: float) -> Case:
    """A ratio of two arms, whose log depends on where the control arm is, beside its median."""
    course = ClassEffect(endpoint, 6.0, "onset", ONSET, 2.0 * scale, scale, "made up")
    arms = (arm(design=RANDOMISED), arm("cells", design=RANDOMISED, treated=True))
    report = evidence(
        entry("ratio", endpoint=endpoint, arm="cells", versus="control", se=0.1, n=0),
        entry("median", endpoint=endpoint),
        arms=arms,
        classes={endpoint: course},
    )
    ranked = dict(OF_CLASS) | visit(6.0) | STUDIES
    return Case(f"ratio of arms, {endpoint}", report, ranked, FAR_FROM_NONE)


def ratios() -> list[Case]:
    """Ratios of two arms; on a log scale they are differences of means."""
    return [ratio("c_peptide", 0.05), ratio("insulin", 0.05)]


def readings() -> list[Case]:
    """Means and medians with an error of reading about as large as that of sampling."""
    numbers = {
        "mean read off a figure, insulin": entry(
            "mean", endpoint="insulin", sd=0.2, reading_sd=0.08
        ),
        # Its error on the model scale is that at the compiled value, the prior's middle.
        "median read off a figure, c_peptide": entry(
            "median", value=0.65, endpoint="c_peptide", reading_sd=0.15
        ),
    }
    alone = [
        case(name, evidence(number), visit(6.0) | STUDIES | gap(number.endpoint))
        for name, number in numbers.items()
    ]
    both = (entry("mean", month, sd=1.0, reading_sd=0.4) for month in (3.0, 6.0))
    ranked = visit(3.0) | visit(6.0) | SHARE
    return [*alone, case("means of two visits read off a figure", evidence(*both), ranked)]
