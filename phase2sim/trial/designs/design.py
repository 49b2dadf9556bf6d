"""What every design says."""

from dataclasses import replace
from typing import Any, ClassVar, Self

from phase2sim.trial.interim.schedule import Schedule


class Design:
    """A part that says who gets what and when we look; each kind is a subclass."""

    __slots__ = ()
    title: ClassVar[str]
    nested: ClassVar[bool]  # whether the first n patients of a trial are the trial of size n
    arms: tuple[str, ...]  # names, control first
    patients: int  # in all arms together
    visits_months: tuple[float, ...]  # since randomisation, baseline (0) first
    allocation: tuple[int, ...]  # ratio of the arms
    randomisation: str | dict[str, Any]  # name of the method, or its table of keys
    block_size: int | None  # patients in a block; None for the method's own choice
    reestimation: dict[str, Any] | None = None  # table of the part that sets the size at a look

    @property
    def randomisation_table(self) -> dict[str, Any]:
        """Method of randomisation and its keys, however the file has them."""
        match self.randomisation:
            case str(method):
                return {"method": method}
            case table:
                return dict(table)

    @property
    def schedule(self) -> Schedule:
        """Interim looks; empty where there are none."""
        return Schedule()

    @property
    def can_be_sized(self) -> bool:
        """Whether looks at another number of patients follow from that number alone."""
        return self.nested

    def of_size(self, patients: int) -> Self:
        """Return the same design with another number of patients; may raise ``BadValue``."""
        return replace(self, patients=patients)  # type: ignore[type-var]  # a part is a dataclass
