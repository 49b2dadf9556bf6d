"""What any design refuses: arms, numbers of patients and visits that cannot be."""

import re

from phase2sim.core.errors import BadValue

MOST_ARMS = 20
_LARGEST_RATIO = 20
# Names that only an untreated arm has.
_CONTROL = re.compile(
    r"(placebo|controls?|sham|untreated|vehicle|no treatment|soc|usual care|standard (of )?care)"
    r"([ _-](arm|group))?",
    re.IGNORECASE,
)
_MOST_PATIENTS = 100_000
MOST_VISITS = 100
_LAST_MONTH = 1200


def check_arms(arms: tuple[str, ...], allocation: tuple[int, ...]) -> None:
    """Raise ``ValueError`` unless there are two arms or more, each with its share."""
    if not 2 <= len(arms) <= MOST_ARMS or len(set(arms)) != len(arms):  # noqa: PLR2004 - control and treatment
        raise BadValue(
            "arms", f"is {list(arms)}; name 2 to {MOST_ARMS} different arms, control first"
        )
    if any(not arm.strip() or arm.strip().isdecimal() for arm in arms):
        raise BadValue("arms", f"is {list(arms)}; give each arm a name in words")
    first = next((arm for arm in arms if _CONTROL.fullmatch(arm.strip())), arms[0])
    if first != arms[0] and not _CONTROL.fullmatch(arms[0].strip()):
        order = [first, *(arm for arm in arms if arm != first)]
        raise BadValue(
            "arms", f"is {list(arms)}; control comes first. Write {order}, and allocation likewise"
        )
    if len(allocation) != len(arms) or min(allocation) < 1:
        raise BadValue(
            "allocation",
            f"is {list(allocation)}; it must hold {len(arms)} whole numbers from 1, one an arm",
        )


def _check_arm_sizes(allocation: tuple[int, ...]) -> None:
    """Raise ``ValueError`` for arms of sizes that no trial compares."""
    if max(allocation) > _LARGEST_RATIO * min(allocation):
        raise BadValue(
            "allocation",
            f"is {list(allocation)}; no arm may be more than {_LARGEST_RATIO} times as large as"
            " another",
        )


def check_patients(patients: int, allocation: tuple[int, ...], block_size: int | None) -> None:
    """Raise ``ValueError`` unless so many patients can be allocated in this ratio."""
    _check_arm_sizes(allocation)
    total = sum(allocation)
    if not 1 <= patients <= _MOST_PATIENTS:
        raise BadValue("patients", f"is {patients}; it must lie between 1 and {_MOST_PATIENTS:,}")
    if patients % total:
        ratio = ":".join(map(str, allocation))
        more = patients + total - patients % total
        raise BadValue(
            "patients",
            f"is {patients}; it must be a multiple of {total} for {ratio} allocation. Use {more}",
        )
    if block_size is not None and block_size > patients:
        raise BadValue(
            "block_size",
            f"is {block_size}; a block cannot hold more than all"
            f" {patients} patients. Lower it or leave it out",
        )


def check_visits(visits_months: tuple[float, ...]) -> None:
    """Raise ``ValueError`` unless visits begin at baseline and rise."""
    visits = list(visits_months)
    if len(visits) < 2 or visits[0] != 0 or visits != sorted(set(visits)):  # noqa: PLR2004 - baseline and one more
        raise BadValue("visits_months", f"is {visits}; it must start with 0 (baseline) and rise")
    if len(visits) > MOST_VISITS:
        raise BadValue("visits_months", f"has {len(visits)} visits; at most {MOST_VISITS}")
    if visits[-1] > _LAST_MONTH:
        raise BadValue("visits_months", f"ends at {visits[-1]:g}; at most month {_LAST_MONTH}")
