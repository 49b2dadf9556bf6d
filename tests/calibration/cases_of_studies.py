"""Reports of averages over several months, and of several studies that differ."""

from collections.abc import Mapping
from dataclasses import replace

from calibration.cases import SHARE, STUDIES, case, gap, of, visit
from calibration.simulated import Case, Draws, Floats, Quantity
from support.reports import arm, entry, evidence

from phase2sim.evidence.reported import Evidence, ReportedNumber

SPAN = (3.0, 12.0)
STUDY_NAMES = ("A", "B", "C", "D")
FEW = STUDY_NAMES[:3]  # where a fit of four takes seconds


def averaged(draws: Draws) -> Floats:
    """Mean curve averaged from month 3 to month 12; it is linear between months 3, 6 and 12."""
    third, sixth, twelfth = (draws["history"][:, 0, knot] for knot in (1, 2, 3))
    return (3.0 * (third + sixth) / 2.0 + 6.0 * (sixth + twelfth) / 2.0) / 9.0


AVERAGE: Mapping[str, Quantity] = {
    "average": lambda draws, _: averaged(draws),
    "change": lambda draws, _: draws["history"][:, 0, 3] - draws["history"][:, 0, 1],
}


def averages() -> list[Case]:
    """Means of patients' averages, alone and beside a visit of the same patients."""
    alone = evidence(entry("mean", SPAN, se=0.3))
    doses = evidence(entry("mean", SPAN, endpoint="insulin", se=0.05))
    beside = evidence(entry("mean", 3.0, sd=1.0), entry("mean", SPAN, se=0.3))
    distance = {"gap to the data": lambda draws, values: abs(averaged(draws) - values[0])}
    return [
        case("average over months, hba1c", alone, AVERAGE | STUDIES | distance),
        case("average over months, insulin", doses, AVERAGE | STUDIES),
        case("average beside a visit", beside, visit(3.0) | AVERAGE | SHARE | STUDIES),
    ]


def studies(*numbers: ReportedNumber, names: tuple[str, ...] = STUDY_NAMES) -> Evidence:
    """The same numbers reported by each of several studies."""
    own = [replace(number, study=name) for name in names for number in numbers]
    return evidence(*own, arms=tuple(arm(study=name) for name in names))


def remission_beside_means() -> list[Case]:
    """Studies whose means of HbA1c and insulin have their effects integrated out, and counts."""
    numbers = (
        entry("mean", n=40),
        entry("mean", endpoint="insulin", n=40),
        entry("count", endpoint="partial_remission", n=20),
    )
    ranked = visit(6.0, 0, "HbA1c ") | visit(6.0, 1, "insulin ") | STUDIES
    insulin = {"insulin between studies": of("level_sd", 1)}
    return [
        case("remission counts beside means", studies(*numbers, names=FEW[:2]), ranked | insulin)
    ]


def differing_studies() -> list[Case]:
    """Several studies whose means, SDs and permanent shares differ."""
    both = (3.0, 6.0)
    spread = {"between studies' SDs": of("spread_sd", 0)}
    shares = {"between studies' shares": of("share_sd", 0)}
    quartiles = entry("quartiles", bounds=(7.0, 9.0))
    change = entry("change", both, sd=1.0)
    remission = entry("count", endpoint="partial_remission")
    rooted = {"insulin between studies": of("level_sd", 1)}
    return [
        case(
            "SDs of several studies",
            studies(entry("mean", sd=1.0)),
            visit(6.0) | STUDIES | spread | gap("hba1c"),
        ),
        case(
            "quartiles of several studies",
            studies(entry("median"), quartiles),
            visit(6.0) | STUDIES | spread,
        ),
        case(
            "correlations of several studies", studies(entry("correlation", both)), SHARE | shares
        ),
        case(
            "residual SDs of several studies",
            studies(entry("residual_sd", both)),
            visit(6.0) | SHARE | spread | shares,
        ),
        case(
            "SDs of changes of several studies",
            studies(change, entry("mean", 3.0, sd=1.0)),
            visit(3.0) | SHARE | spread | shares,
        ),
        case(
            "remission counts of several studies",
            studies(remission, names=FEW),
            visit(6.0, 0, "HbA1c ") | visit(6.0, 1, "insulin ") | STUDIES | rooted,
        ),
    ]
