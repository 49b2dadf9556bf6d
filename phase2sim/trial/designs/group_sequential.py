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
    """As a fixed design, with interim looks at which the rule of ``[stopping]`` may stop it."""

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
