"""Several treated arms against one control, dropped one by one at interim looks."""

from dataclasses import dataclass
from typing import Any, ClassVar

from phase2sim.core.errors import BadValue
from phase2sim.trial.designs.checks import check_arms, check_patients, check_visits
from phase2sim.trial.designs.design import Design
from phase2sim.trial.interim.schedule import (
    PlannedLook,
    Schedule,
    check_looks,
    check_months_to_decide,
)

_FEWEST_ARMS = 3


@dataclass(frozen=True, slots=True)
class MultiArmMultiStage(Design):
    """Several treated arms and control, with looks at which ``[stopping]`` may drop arms.

    Parameters
    ----------
    arms : tuple of str
        Names of the 3 to 20 arms, control first.
    patients : int
        Largest number of patients in all arms together, from 1 to 100,000; a multiple of the sum of
        ``allocation``.
    visits_months : tuple of float
        Months of the 2 to 100 visits since randomisation, rising from 0 (baseline) to at most 1200.
    looks : tuple of PlannedLook
        Interim looks, one or more, in the order of time; all after a number of patients, or all by
        calendar.
    allocation : tuple of int
        Ratio of the arms, one whole number from 1 for each arm.
    randomisation : str or dict, default "permuted_blocks"
        Method of randomisation, or its table: ``method`` and the keys of that method; not
        minimisation.
    block_size : int, optional
        Patients per block of permuted blocks, at most ``patients``. The method's own choice if
        omitted.
    months_to_decide : float, default 0
        Months from the data of a look to its decision, from 0 to 120; patients enrol meanwhile.

    Raises
    ------
    BadValue
        If there are fewer than three arms, if ``randomisation`` is minimisation, or if any other
        value lies outside its limits.

    Examples
    --------
    Two doses against placebo, with a look after a third of the 90 patients:

    >>> looks = (PlannedLook(month=6.0, patients=30),)
    >>> arms = ("placebo", "low", "high")
    >>> design = MultiArmMultiStage(arms, 90, (0.0, 6.0, 12.0), looks, allocation=(1, 1, 1))
    >>> design.schedule.fractions.round(6).tolist(), design.schedule.drops_arms
    ([0.333333, 1.0], True)
    """

    arms: tuple[str, ...]
    patients: int
    visits_months: tuple[float, ...]
    looks: tuple[PlannedLook, ...]
    allocation: tuple[int, ...]
    randomisation: str | dict[str, Any] = "permuted_blocks"
    block_size: int | None = None
    months_to_decide: float = 0.0
    title: ClassVar[str] = "several arms, dropped at interim looks (MAMS)"
    nested: ClassVar[bool] = False  # a look after a share of the patients moves with their number

    def __post_init__(self) -> None:
        check_arms(self.arms, self.allocation)
        if len(self.arms) < _FEWEST_ARMS:
            raise BadValue(
                "arms",
                f"is {list(self.arms)}; there must be two treated arms or more. For one use"
                " kind = 'group_sequential'",
            )
        check_patients(self.patients, self.allocation, self.block_size)
        check_visits(self.visits_months)
        check_looks(self.looks, self.patients, self.visits_months)
        check_months_to_decide(self.months_to_decide)
        if self.randomisation_table.get("method") == "minimisation":
            raise BadValue(
                "randomisation",
                "is 'minimisation', which would go on to balance over the patients"
                " whom a dropped arm no longer has. Use 'permuted_blocks', which may be stratified",
            )

    @property
    def schedule(self) -> Schedule:
        """Its interim looks."""
        ratio = (self.allocation[0], self.allocation[1])
        return Schedule(self.looks, self.months_to_decide, self.patients, ratio, drops_arms=True)
