"""Reports of arms of which something is unknown: the mean age, or when its patients entered."""

from collections.abc import Mapping
from dataclasses import replace

from calibration.cases import REALISTIC, SHARE, STUDIES, case, of, visit
from calibration.simulated import Case, Draws, Floats, Quantity
from support.reports import arm, entry, evidence

from phase2sim.core.entry_times import EntryTime, entry_of_moments, mean_position
from phase2sim.evidence.reported import Normal, ReportedNumber

# A slope that a study's patients can tell; of known sign, else two mirror images would fit.
BY_AGE = {"hba1c": replace(REALISTIC["hba1c"], per_year_of_age=(0.15, 0.1))}
ELICITED = Normal(17.0, 4.0)
WINDOW = (0.0, 12.0)
LEARNED = EntryTime(*WINDOW, learned=True)
EARLY = entry_of_moments(3.0, 2.5, WINDOW)


def ages() -> list[Case]:
    """Arms of printed, elicited and unreported age; two of one study are older together."""
    arms = (
        arm(study="printed", age_years=18.0),
        arm(study="reference", age_years=12.0),
        arm(study="elicited", age_years=ELICITED),
        arm(study="not reported"),
        arm("older", "not reported", age_years=ELICITED),
    )
    means = (entry("mean", sd=1.0, study=of_arm.study, arm=of_arm.arm, n=20) for of_arm in arms)
    ranked: dict[str, Quantity] = {
        "change per year of age": of("age_slope", 0),
        "elicited age": of("study_age", 0),
        "unreported age": of("study_age", 1),
    }
    report = evidence(*means, arms=arms)
    return [Case("means of arms of unknown age", report, ranked | visit(6.0), BY_AGE)]


def mean_entry(draws: Draws, _: Floats) -> Floats:
    """Mean place of the first learned entry in its window, from -1 to 1."""
    return mean_position(draws["entry_tilt"][:, 0])


def after_diagnosis(
    name: str, entered: EntryTime, ranked: Mapping[str, Quantity], *numbers: ReportedNumber
) -> Case:
    """Numbers of an arm that entered later, beside one that was followed from diagnosis."""
    followed = [entry("mean", month, sd=1.0, n=40) for month in (0.0, 3.0, 6.0)]
    own = [replace(number, study="later", n=20) for number in numbers]
    arms = (arm(), arm(study="later", months_since_diagnosis=entered))
    at_diagnosis = {"mean at diagnosis": of("history", 0, 0)}
    ranked = dict(ranked) | at_diagnosis | visit(6.0) | STUDIES
    return case(name, evidence(*followed, *own, arms=arms), ranked)


def entries() -> list[Case]:
    """Arms that entered over months, by a learned spread and by one of known mean and SD."""
    means = entry("mean", 0.0), entry("mean", 3.0, sd=1.0)
    fall = entry("count", 3.0, beyond="below_baseline")
    learned = {"mean entry": mean_entry}
    return [
        after_diagnosis("means of a learned entry", LEARNED, learned, *means),
        after_diagnosis("fall of a learned entry", LEARNED, learned | SHARE, means[0], fall),
        after_diagnosis("means of an entry of known mean and SD", EARLY, {}, *means),
    ]
