"""A fixed number of patients, analysed once at the end."""

from dataclasses import dataclass
from typing import Any, ClassVar

from phase2sim.trial.designs.checks import check_arms, check_patients, check_visits
from phase2sim.trial.designs.design import Design


@dataclass(frozen=True, slots=True)
class Fixed(Design):
    """Two arms or more, control first, analysed once when the last patient had the last visit."""

    arms: tuple[str, ...]
    patients: int
    visits_months: tuple[float, ...]
    allocation: tuple[int, ...] = (1, 1)
    randomisation: str | dict[str, Any] = "permuted_blocks"
    block_size: int | None = None
    title: ClassVar[str] = "fixed sample size"
    nested: ClassVar[bool] = True  # the first n patients of a trial are the trial of size n

    def __post_init__(self) -> None:
        check_arms(self.arms, self.allocation)
        check_patients(self.patients, self.allocation, self.block_size)
        check_visits(self.visits_months)
