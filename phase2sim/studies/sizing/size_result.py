"""What a search for a size came to: the answer in words, as rows, and the curve around it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from phase2sim.core.io.data_frames import dataset_of, frame_of
from phase2sim.core.io.views import MONTE_CARLO, View, Viewed, plus_minus
from phase2sim.core.measured import Measured
from phase2sim.scenario.scenario_file import Scenario
from phase2sim.studies.sizing.search import Climbed, SearchPoint

if TYPE_CHECKING:
    from pandas import DataFrame
    from xarray import Dataset

type Of = Literal["power", "assurance"]

LARGEST = 5_000  # patients beyond which nobody searches unless told
_MOST_LINES = 16


@dataclass(frozen=True, slots=True)
class Search:
    """What is wanted: the fewest patients with this power or assurance of a verdict."""

    of: Of = "power"
    target: float = 0.8
    confidence: float = 0.99  # that both claims about the answer are true, for Monte Carlo error
    tolerance: float = 0.01  # the step below is less than this above the target
    verdict: str | None = None  # the one on all analyses, if not said
    most: int = 1_000_000  # trials
    largest: int = LARGEST  # patients


@dataclass(frozen=True, slots=True, repr=False)
class SizeResult(Viewed):
    """Answer of a search for a sample size or a detectable effect, as ``size`` returns it.

    Attributes
    ----------
    scenario : Scenario
        Scenario that was sized.
    search : Search
        Target, confidence and tolerance of the search.
    verdict : str
        Analysis or overall verdict that was sized.
    found : Climbed or None
        Searched sizes (or effects) with their probabilities of go; None if the ceiling is below the
        target.
    ceiling : Measured or None
        Probability of go that no number of patients exceeds; None if unknown.
    closed_form : float or None
        Answer by theory, in patients or multiples of the target effect; None without a theory.
    closed_form_why : str
        Reason why the closed form is approximate; empty if it is exact.
    by_effect : bool
        True if multiples of the target effect were searched instead of sizes.
    enrolled : Measured or None
        Mean number of patients enrolled with the answer, for designs with interim looks.
    effect : float or None
        Detectable effect on the model scale, if effects were searched and there is one endpoint.

    References
    ----------
    Robbins (1970), Statistical methods related to the law of the iterated logarithm, Annals of
    Mathematical Statistics 41:1397-1409: the bounds hold at all looks of the search together.

    Examples
    --------
    >>> import phase2sim
    >>> scenario = phase2sim.load_scenario("scenarios/meld-atg.toml")
    >>> result = phase2sim.size(scenario, power=0.8)
    >>> result.answer.low >= 0.8
    True
    >>> list(result.frame())
    ['patients', 'estimate', 'mcse', 'used', 'at_least', 'at_most']
    """

    scenario: Scenario
    search: Search
    verdict: str
    found: Climbed | None  # None if the ceiling is below the target
    ceiling: Measured | None  # what no number of patients exceeds; None if nobody knows
    closed_form: float | None = None  # the answer by theory
    closed_form_why: str = ""  # what keeps it from being exact
    by_effect: bool = False  # whether multiples of the target's effects were searched
    enrolled: Measured | None = None  # patients of the answer that come, on average, with looks
    effect: float | None = None  # of the answer then, model scale, where there is one endpoint

    @property
    def answer(self) -> SearchPoint | None:
        """The step that is enough."""
        return self.found.answer if self.found else None

    @property
    def patients(self) -> int | None:
        """Fewest patients that are enough, in all arms; None if the target is not reached."""
        return None if self.answer is None else round(self.answer.value)

    @property
    def steps(self) -> str:
        """What was searched, in words."""
        return "times the target" if self.by_effect else "patients"

    def frame(self) -> "DataFrame":
        """Every step that was looked at, as a pandas data frame; its bounds hold at all looks."""
        return frame_of([{self.steps.replace(" ", "_"): p.value, **p.row()} for p in self._curve])

    def dataset(self) -> "Dataset":
        """The same as an xarray dataset over the steps."""
        frame = self.frame()
        return dataset_of(frame.to_dict("records"), list(frame)[:1], list(frame)[1:])

    def view(self) -> View:
        """The answer, theory beside it, and the steps around the answer."""
        points = list(self._curve)
        if len(points) > _MOST_LINES:
            middle = self.answer.value if self.answer else points[-1].value
            nearest = sorted(points, key=lambda point: abs(point.value - middle))[:_MOST_LINES]
            points = sorted(nearest, key=lambda point: point.value)
        answer, *more = sentences(self)
        return View(
            answer,
            (self.steps, self.search.of, "at least", "at most", "trials"),
            tuple(
                (
                    f"{point.value:g}",
                    _shown(point.share),
                    f"{point.low:.3f}",
                    f"{point.high:.3f}",
                    f"{point.share.used:,}",
                )
                for point in points
            ),
            (*more, MONTE_CARLO),
        )

    @property
    def _curve(self) -> tuple[SearchPoint, ...]:
        return self.found.curve if self.found else ()


def sentences(sized: SizeResult) -> Iterator[str]:
    """Say what was found, and what theory and the ceiling say of it."""
    wanted, answer = sized.search, sized.answer
    what = f"{wanted.of} of {sized.verdict}"
    sure = f"{100 * wanted.confidence:g} % Monte Carlo confidence"
    if sized.found is None:
        if sized.ceiling is not None:  # else it was searched
            yield (
                f"No number of patients reaches {wanted.target:g}: the {what} cannot exceed"
                f" {_shown(sized.ceiling)}, the chance that the effects are there at all."
            )
        return
    if answer is None:
        yield (
            f"Not reached: up to {_name(sized, sized.found.curve[-1])} the {what} is not shown to"
            f" be {wanted.target:g}, after {sized.found.trials:,} trials. Raise --at-most or"
            " --trials."
        )
    else:
        yield (
            f"{_name(sized, answer)}: {what} {wanted.target:g} or more, {sure},"
            f" {sized.found.trials:,} trials looked at."
        )
    if sized.enrolled is not None:
        yield f"The looks leave {_shown(sized.enrolled)} of them enrolled at the end, on average."
    below = sized.found.below
    if answer is not None and below is not None:
        if sized.found.settled:
            yield (
                f"The step below, {_name(sized, below)}, has less than"
                f" {wanted.target + wanted.tolerance:g} (in {below.share.used:,} trials"
                f" {_shown(below.share)})."
            )
        else:
            yield "Fewer may do: the trials ran out before that could be told. Raise --trials."
    if sized.closed_form is not None:
        about = f", about: {sized.closed_form_why}" if sized.closed_form_why else ""
        yield f"Closed form: {_value(sized, sized.closed_form)}{about}."
    if sized.ceiling is not None and wanted.of == "assurance":
        yield f"Assurance cannot exceed {_shown(sized.ceiling)}, however many patients."


def _name(sized: SizeResult, point: SearchPoint) -> str:
    """``120 patients (60 and 60)``, or the effect."""
    return _value(sized, point.value)


def _value(sized: SizeResult, value: float) -> str:
    if sized.by_effect:
        answer = sized.answer
        if sized.effect is None or answer is None:
            return f"{value:.4g} times the target's effects"
        return f"effect {sized.effect / answer.value * value:+.3g} ({value:.4g} times the target's)"
    arms = sized.scenario.design.get("allocation", (1, 1))
    whole = int(value) // sum(arms)
    return f"{value:,.0f} patients ({' and '.join(str(whole * share) for share in arms)})"


def _shown(measured: Measured) -> str:
    return plus_minus(measured.estimate, measured.mcse)
