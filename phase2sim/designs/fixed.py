"""A fixed number of patients, analysed once at the end."""

from dataclasses import dataclass
from typing import Any, ClassVar

_MOST_ARMS = 20
_MOST_PATIENTS = 100_000
_MOST_VISITS = 100
_LAST_MONTH = 1200


@dataclass(frozen=True, slots=True)
class Fixed:
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
        self._check_arms()
        self._check_patients()
        self._check_visits()

    def _check_arms(self) -> None:
        if not 2 <= len(self.arms) <= _MOST_ARMS or len(set(self.arms)) != len(self.arms):  # noqa: PLR2004 - control and treatment
            raise ValueError(
                f"arms is {list(self.arms)}; name 2 to {_MOST_ARMS} different arms, control first"
            )
        if any(not arm.strip() or arm.strip().isdecimal() for arm in self.arms):
            raise ValueError(f"arms is {list(self.arms)}; give each arm a name in words")
        if len(self.allocation) != len(self.arms) or min(self.allocation) < 1:
            raise ValueError(
                f"allocation is {list(self.allocation)};"
                f" it must hold {len(self.arms)} whole numbers from 1, one an arm"
            )

    def _check_patients(self) -> None:
        total = sum(self.allocation)
        if not 1 <= self.patients <= _MOST_PATIENTS:
            raise ValueError(
                f"patients is {self.patients}; it must lie between 1 and {_MOST_PATIENTS:,}"
            )
        if self.patients % total:
            ratio = ":".join(map(str, self.allocation))
            more = self.patients + total - self.patients % total
            raise ValueError(
                f"patients is {self.patients}; it must be a multiple of {total}"
                f" for {ratio} allocation. Use {more}"
            )
        if self.block_size is not None and self.block_size > self.patients:
            raise ValueError(
                f"block_size is {self.block_size}; a block cannot hold more than all"
                f" {self.patients} patients. Lower it or leave it out"
            )

    def _check_visits(self) -> None:
        visits = list(self.visits_months)
        if len(visits) < 2 or visits[0] != 0 or visits != sorted(set(visits)):  # noqa: PLR2004 - baseline and one more
            raise ValueError(f"visits_months is {visits}; it must start with 0 (baseline) and rise")
        if len(visits) > _MOST_VISITS:
            raise ValueError(f"visits_months has {len(visits)} visits; at most {_MOST_VISITS}")
        if visits[-1] > _LAST_MONTH:
            raise ValueError(f"visits_months ends at {visits[-1]:g}; at most month {_LAST_MONTH}")
