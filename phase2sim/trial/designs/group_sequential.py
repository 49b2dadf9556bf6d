"""Patients up to a planned number, analysed at interim looks that may stop the trial."""

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


@dataclass(frozen=True, slots=True)
class GroupSequential(Design):
    """As a fixed design, with interim looks at which the rule of ``[stopping]`` may stop it.

    Parameters
    ----------
    arms : tuple of str
        Names of the 2 to 20 arms, control first.
    patients : int
        Largest number of patients in all arms together, from 1 to 100,000; a multiple of the sum of
        ``allocation``.
    visits_months : tuple of float
        Months of the 2 to 100 visits since randomisation, rising from 0 (baseline) to at most 1200.
    looks : tuple of PlannedLook
        Interim looks, one or more, in the order of time; all after a number of patients, or all by
        calendar.
    allocation : tuple of int, default (1, 1)
        Ratio of the arms, one whole number from 1 for each arm.
    randomisation : str or dict, default "permuted_blocks"
        Method of randomisation, or its table: ``method`` and the keys of that method.
    block_size : int, optional
        Patients per block of permuted blocks, at most ``patients``. The method's own choice if
        omitted.
    months_to_decide : float, default 0
        Months from the data of a look to its decision, from 0 to 120; patients enrol meanwhile.
    analyse_overrun : bool, default False
        Whether a trial that stops is analysed again once all who had enrolled by the decision are
        followed; not with ``reestimation``.
    reestimation : dict, optional
        Table of the part that re-estimates the number of patients at the last look. Never if
        omitted.

    Raises
    ------
    BadValue
        If ``analyse_overrun`` is true beside ``reestimation``, or any other value lies outside its
        limits.

    Examples
    --------
    A look after half of the patients is planned with half of the information unless it says
    otherwise:

    >>> looks = (PlannedLook(month=6.0, share=0.5),)
    >>> design = GroupSequential(("placebo", "drug"), 80, (0.0, 6.0, 12.0), looks)
    >>> design.schedule.fractions.tolist()
    [0.5, 1.0]
    >>> design.can_be_sized
    True
    """

    arms: tuple[str, ...]
    patients: int
    visits_months: tuple[float, ...]
    looks: tuple[PlannedLook, ...]
    allocation: tuple[int, ...] = (1, 1)
    randomisation: str | dict[str, Any] = "permuted_blocks"
    block_size: int | None = None
    months_to_decide: float = 0.0
    analyse_overrun: bool = False
    reestimation: dict[str, Any] | None = None  # the part's table
    title: ClassVar[str] = "group sequential"
    nested: ClassVar[bool] = False  # a look after a share of the patients moves with their number

    def __post_init__(self) -> None:
        check_arms(self.arms, self.allocation)
        check_patients(self.patients, self.allocation, self.block_size)
        check_visits(self.visits_months)
        check_looks(self.looks, self.patients, self.visits_months)
        check_months_to_decide(self.months_to_decide)
        if self.analyse_overrun and self.reestimation is not None:
            raise BadValue("analyse_overrun", "is true beside reestimation. Leave one of them out")

    @property
    def can_be_sized(self) -> bool:
        """Unless the size is estimated again at a look."""
        return self.reestimation is None

    @property
    def schedule(self) -> Schedule:
        """Its interim looks."""
        ratio = (self.allocation[0], self.allocation[1])
        return Schedule(
            self.looks,
            self.months_to_decide,
            self.patients,
            ratio,
            analyse_overrun=self.analyse_overrun,
        )
