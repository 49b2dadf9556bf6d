"""Parts that say when patients enrol, in which arm, what befalls them and what is seen of them."""

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Protocol

from phase2sim.core.arrays import Arms, Bools, Floats, Ints
from phase2sim.core.contracts import Arrivals, Plan, Trials


class Randomisation:
    """A part that puts patients into arms, in the order they come."""

    __slots__ = ()
    title: ClassVar[str]
    ratio: tuple[int, ...]  # of the arms, control first

    if TYPE_CHECKING:  # a property here would be the default of a subclass's field

        @property
        def over(self) -> tuple[str, ...]:
            """Names of the factors over which it balances."""

    @property
    def has_known_sizes(self) -> bool:
        """Whether ``treated_sizes`` is exact; else it is the plan."""
        return False

    def allocate(self, seed: int, first: int, factors: Ints) -> Arms:
        """Arm of every patient, (trial, patient); the first n patients do not depend on n.

        ``factors`` (factor, trial, patient) holds the level of each factor that ``over`` names, 0
        and up; without any its first axis is empty.
        """
        raise NotImplementedError

    def treated_sizes(self, patients: int) -> list[tuple[int, float]]:
        """Sizes that the treated one of two arms may have, each with its probability."""
        control, treated = self.ratio
        return [(round(patients * treated / (control + treated)), 1.0)]

    def keeps_ratio(self, patients: int) -> bool:
        """Whether the first ``patients`` of a trial are in the ratio whatever is drawn."""
        del patients
        return False


class Recruitment:
    """A part that says when patients enrol, and at which site."""

    __slots__ = ()
    title: ClassVar[str]
    takes_time: ClassVar[bool] = True  # patients enrol one after another

    def check(self, plan: Plan) -> None:
        """Raise ``BadValue`` where the sites of a plan cannot enrol its patients."""

    def arrive(self, seed: int, first: int, shape: tuple[int, int], sites: int) -> Arrivals:
        """When and where the patients (trial, patient) enrol; the first n do not depend on n."""
        raise NotImplementedError


type Untreated = Callable[[], "Trials"]  # many untreated patients, the same at every call


class Missingness:
    """A part that says which outcomes of complete trials are seen."""

    __slots__ = ()
    title: ClassVar[str]
    loses_nobody: ClassVar[bool] = False
    depends_on_outcome: ClassVar[bool] = True  # who is lost, or what is missed

    @property
    def endpoints(self) -> tuple[str, ...]:
        """What it reads."""
        return ()

    def prepare(self, plan: Plan, untreated: Untreated) -> "Observer":
        """Return what observes, set so that untreated patients are lost at the stated rate."""
        raise NotImplementedError

    def share_staying(self, month: float, visits_months: tuple[float, ...]) -> tuple[float, float]:
        """Share of untreated, and of treated, patients who are still seen at a month."""
        del month, visits_months
        return 1.0, 1.0


class Observer(Protocol):
    """A missingness whose rates are set."""

    def observe(self, trials: Trials, plan: Plan) -> Bools:
        """Which values are seen, in the shape of ``trials.value``."""
        ...


class Intercurrent(Protocol):
    """A part that says which event befalls a patient, and what it does to the values after it."""

    title: ClassVar[str]

    @property
    def endpoints(self) -> tuple[str, ...]:
        """What it reads or changes."""
        ...

    def strike(self, trials: Trials, plan: Plan, gain: Floats) -> Ints:
        """Change ``trials.value`` in place; the first visit after the event, (trial, patient).

        Where none comes it is the number of visits. ``gain`` is what treatment added to each value.
        """
        ...
