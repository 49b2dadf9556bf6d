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
    """Several treated arms and control, with looks at which ``[stopping]`` may drop arms."""

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
