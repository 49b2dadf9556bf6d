"""What every design says."""

from typing import Any, ClassVar, Protocol

from phase2sim.trial.interim.schedule import Schedule


class Design(Protocol):
    """A part that says who gets what and when we look; its fields are read by the assembly."""

    title: ClassVar[str]
    nested: ClassVar[bool]  # whether the first n patients of a trial are the trial of size n

    @property
    def arms(self) -> tuple[str, ...]:
        """Names, control first."""
        ...

    @property
    def patients(self) -> int:
        """In all arms together."""
        ...

    @property
    def visits_months(self) -> tuple[float, ...]:
        """Months since randomisation, baseline (0) first."""
        ...

    @property
    def allocation(self) -> tuple[int, ...]:
        """Ratio of the arms."""
        ...

    @property
    def randomisation(self) -> str | dict[str, Any]:
        """Name of the method, or its table of keys."""
        ...

    @property
    def block_size(self) -> int | None:
        """Patients in a block; None for the method's own choice."""
        ...

    @property
    def schedule(self) -> Schedule:
        """Its interim looks; empty where there are none."""
        ...
