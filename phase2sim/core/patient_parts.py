"""Parts that say when patients enrol, in which arm, what befalls them and what is seen of them."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Protocol

from phase2sim.core.arrays import Arms, Bools, Floats, Ints
from phase2sim.core.contracts import Arrivals, Plan, Trials


class Randomisation(ABC):
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

    @abstractmethod
    def allocate(self, seed: int, first: int, factors: Ints) -> Arms:
        """Arm of every patient, (trial, patient); the first n patients do not depend on n.

        ``factors`` (factor, trial, patient) holds the level of each factor that ``over`` names, 0
        and up; without any its first axis is empty.

        Parameters
        ----------
        seed : int
            Seed of the scenario.
        first : int
            Number of the first trial, from 0.
        factors : ndarray of int, (factor, trial, patient)
            Level of each factor that ``over`` names, from 0.

        Returns
        -------
        ndarray of int, (trial, patient)
            Arm of each patient; 0 is control.
        """

    def treated_sizes(self, patients: int) -> list[tuple[int, float]]:
        """Sizes that the treated one of two arms may have, each with its probability.

        Parameters
        ----------
        patients : int
            Number of patients in both arms together.

        Returns
        -------
        list of tuple of (int, float)
            Number of treated patients and its probability; the probabilities have a sum of 1.
        """
        control, treated = self.ratio
        return [(round(patients * treated / (control + treated)), 1.0)]

    def keeps_ratio(self, patients: int) -> bool:
        """Whether the first ``patients`` of a trial are in the ratio whatever is drawn.

        Parameters
        ----------
        patients : int
            Number of patients, in the order of randomisation.

        Returns
        -------
        bool
            True if every allocation puts the planned numbers into the arms.
        """
        del patients
        return False


class Recruitment(ABC):
    """A part that says when patients enrol, and at which site."""

    __slots__ = ()
    title: ClassVar[str]
    takes_time: ClassVar[bool] = True  # patients enrol one after another

    @property
    def differs_by_site(self) -> bool:
        """Whether sites enrol each on its own, so that their number matters."""
        return False

    def expected_months(self, patients: int) -> float:
        """Months until so many patients have enrolled, about.

        Parameters
        ----------
        patients : int
            Number of patients in all arms.

        Returns
        -------
        float
            Months from the opening of the trial.
        """
        del patients
        return 0.0

    def check(self, plan: Plan) -> None:  # noqa: B027 - most processes fit any plan
        """Raise ``BadValue`` where the sites of a plan cannot enrol its patients.

        Parameters
        ----------
        plan : Plan
            Trial with its number of patients and of sites.

        Raises
        ------
        BadValue
            If the sites cannot enrol that many patients.
        """

    @abstractmethod
    def arrive(self, seed: int, first: int, shape: tuple[int, int], sites: int) -> Arrivals:
        """When and where the patients (trial, patient) enrol; the first n do not depend on n.

        Parameters
        ----------
        seed : int
            Seed of the scenario.
        first : int
            Number of the first trial, from 0.
        shape : tuple of (int, int)
            Numbers of trials and of patients per trial.
        sites : int
            Number of sites, 1 or more.

        Returns
        -------
        Arrivals
            Months from the opening of the trial to each enrolment, and its site, (trial, patient).
        """


type Untreated = Callable[[], "Trials"]  # many untreated patients, the same at every call


class Missingness(ABC):
    """A part that says which outcomes of complete trials are seen."""

    __slots__ = ()
    title: ClassVar[str]
    loses_nobody: ClassVar[bool] = False
    depends_on_outcome: ClassVar[bool] = True  # who is lost, or what is missed

    @property
    def endpoints(self) -> tuple[str, ...]:
        """What it reads."""
        return ()

    @abstractmethod
    def prepare(self, plan: Plan, untreated: Untreated) -> "Observer":
        """Return what observes, set so that untreated patients are lost at the stated rate.

        Parameters
        ----------
        plan : Plan
            Trial whose outcomes are observed.
        untreated : callable
            Function without arguments that returns a pilot sample of untreated patients.

        Returns
        -------
        Observer
            Missingness whose rates are calibrated on the pilot sample.
        """

    def share_staying(self, month: float, visits_months: tuple[float, ...]) -> tuple[float, float]:
        """Share of untreated, and of treated, patients who are still seen at a month.

        Parameters
        ----------
        month : float
            Months since randomisation.
        visits_months : tuple of float, (visit,)
            Months of the visits since randomisation, baseline first.

        Returns
        -------
        tuple of (float, float)
            Shares of untreated and of treated patients, each from 0 to 1.
        """
        del month, visits_months
        return 1.0, 1.0


class Observer(Protocol):
    """A missingness whose rates are set."""

    def observe(self, trials: Trials, plan: Plan) -> Bools:
        """Which values are seen, in the shape of ``trials.value``.

        Parameters
        ----------
        trials : Trials
            Complete trials.
        plan : Plan
            Trial that they follow.

        Returns
        -------
        ndarray of bool, (trial, endpoint, visit, patient)
            True where the value is seen.
        """
        ...


class Intercurrent(Protocol):
    """A part that says which event befalls a patient, and what it does to the values after it."""

    title: ClassVar[str]

    @property
    def endpoints(self) -> tuple[str, ...]:
        """What it reads or changes."""
        ...

    @property
    def watched_endpoints(self) -> tuple[str, ...]:
        """What decides whether the event comes."""
        ...

    def strike(self, trials: Trials, plan: Plan, gain: Floats) -> Ints:
        """Change ``trials.value`` in place; the first visit after the event, (trial, patient).

        Where none comes it is the number of visits. ``gain`` is what treatment added to each value.

        Parameters
        ----------
        trials : Trials
            Complete trials, whose values are changed in place.
        plan : Plan
            Trial that they follow.
        gain : ndarray of float, (trial, endpoint, visit, patient)
            Effect of treatment in each value, model scale.

        Returns
        -------
        ndarray of int, (trial, patient)
            Index of the first visit after the event; the number of visits where none comes.
        """
        ...
