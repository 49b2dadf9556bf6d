"""A fixed number of patients, analysed once at the end."""

from dataclasses import dataclass
from typing import Any, ClassVar

from phase2sim.trial.designs.checks import check_arms, check_patients, check_visits
from phase2sim.trial.designs.design import Design


@dataclass(frozen=True, slots=True)
class Fixed(Design):
    """Two arms or more, control first, analysed once when the last patient had the last visit.

    Parameters
    ----------
    arms : tuple of str
        Names of the 2 to 20 arms, control first.
    patients : int
        Patients in all arms together, from 1 to 100,000; a multiple of the sum of ``allocation``.
    visits_months : tuple of float
        Months of the 2 to 100 visits since randomisation, rising from 0 (baseline) to at most 1200.
    allocation : tuple of int, default (1, 1)
        Ratio of the arms, one whole number from 1 for each arm.
    randomisation : str or dict, default "permuted_blocks"
        Method of randomisation, or its table: ``method`` and the keys of that method.
    block_size : int, optional
        Patients per block of permuted blocks, at most ``patients``. The method's own choice if
        omitted.

    Raises
    ------
    BadValue
        If a value lies outside its limits.

    Examples
    --------
    The same design with another number of patients, which must be a multiple of 3:

    >>> design = Fixed(("placebo", "drug"), 90, (0.0, 6.0, 12.0), allocation=(1, 2))
    >>> design.of_size(102).patients
    102
    >>> from phase2sim.core.errors import BadValue
    >>> try:
    ...     design.of_size(100)
    ... except BadValue as refusal:
    ...     print(refusal)
    patients is 100; it must be a multiple of 3 for 1:2 allocation. Use 102
    """

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
