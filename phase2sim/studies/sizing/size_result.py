"""Result of a search for a sample size: the answer, and the power curve around it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from phase2sim.core.io.data_frames import dataset_of, frame_of
from phase2sim.core.io.views import MONTE_CARLO, View, Viewed, plus_minus
from phase2sim.core.measured import Measured
from phase2sim.scenario.scenario_file import Scenario
from phase2sim.studies.sizing.search import SearchPoint, SearchResult

if TYPE_CHECKING:
    from pandas import DataFrame
    from xarray import Dataset

type SizeCriterion = Literal["power", "assurance"]

LARGEST = 5_000  # largest number of patients searched by default
_MOST_LINES = 16


@dataclass(frozen=True, slots=True)
class Search:
    """Goal of a search: the fewest patients with this power or assurance of a verdict."""

    criterion: SizeCriterion = "power"
    target: float = 0.8
    confidence: float = 0.99  # that both claims hold, in view of Monte Carlo error
    tolerance: float = 0.01  # the step below is less than this above the target
    verdict: str | None = None  # by default the one on all analyses
    most: int = 1_000_000  # trials
    largest: int = LARGEST  # patients


@dataclass(frozen=True, slots=True)
class Theory:
    """Answer of a closed form: the lowest step that reaches the target."""

    step: float  # patients, or a multiple of the target's effect
    power: float  # at the step
    below: float | None  # power at the step below; None if there is none
    why: str = ""  # what keeps the closed form from being exact


@dataclass(frozen=True, slots=True, repr=False)
class SizeResult(Viewed):
    """Answer of a search for a sample size or a detectable effect, as ``size`` returns it.

    Parameters
    ----------
    scenario : Scenario
        Scenario that was sized.
    search : Search
        Target, confidence and tolerance of the search.
    verdict : str
        Analysis or overall verdict that was sized.
    search_result : SearchResult or None
        Searched sizes (or effects) with their probabilities of go; None if the ceiling is below the
        target.
    ceiling : Measured or None
        Probability of go that no number of patients exceeds; None if unknown.
    theory : Theory or None
        Answer by theory. If it is exact it is the answer, and the simulation only checks it.
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
    >>> result.patients, round(result.theory.power, 3), result.theory.why
    (64, 0.835, '')
    >>> list(result.frame())
    ['patients', 'estimate', 'mcse', 'draws_mcse', 'used', 'at_least', 'at_most']
    """

    scenario: Scenario
    search: Search
    verdict: str
    search_result: SearchResult | None  # None if the ceiling is below the target
    ceiling: Measured | None  # limit for endless patients; None if unknown
    theory: Theory | None = None
    by_effect: bool = False  # whether multiples of the target's effects were searched
    enrolled: Measured | None = None  # mean number enrolled at the answer, with looks
    effect: float | None = None  # of the answer then, model scale, where there is one endpoint

    @property
    def answer(self) -> SearchPoint | None:
        """The smallest size that reaches the target; None if none does."""
        return self.search_result.answer if self.search_result else None

    @property
    def patients(self) -> int | None:
        """Fewest patients that are enough, in all arms; None if the target is not reached."""
        return None if self.answer is None else round(self.answer.value)

    @property
    def is_exact(self) -> bool:
        """Whether the answer is that of an exact closed form."""
        return self.theory is not None and not self.theory.why

    @property
    def steps(self) -> str:
        """Unit of the sizes searched."""
        return "times the target" if self.by_effect else "patients"

    def frame(self) -> "DataFrame":
        """Every size searched, as a pandas data frame; the bounds hold at all looks together."""
        return frame_of([{self.steps.replace(" ", "_"): p.value, **p.row()} for p in self._curve])

    def dataset(self) -> "Dataset":
        """Return the same as an xarray dataset over the steps."""
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
            (self.steps, self.search.criterion, "at least", "at most", "trials"),
            tuple(
                (
                    f"{point.value:g}",
                    _measured_text(point.share),
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
        return self.search_result.curve if self.search_result else ()


def sentences(sized: SizeResult) -> Iterator[str]:
    """Yield the answer in words, the closed form and the ceiling."""
    goal, answer = sized.search, sized.answer
    quantity = f"{goal.criterion} of {sized.verdict}"
    confidence = f"{100 * goal.confidence:g} % Monte Carlo confidence"
    if answer is not None and answer.share.draws_mcse:
        confidence += " given the draws of the prior"
    if sized.search_result is None:
        if sized.ceiling is not None:  # else it was searched
            yield (
                f"No number of patients reaches {goal.target:g}: the {quantity} cannot exceed"
                f" {_measured_text(sized.ceiling)}, the chance that the effects are there at all."
            )
        return
    if answer is None:
        yield (
            f"Not reached: up to {_point_text(sized, sized.search_result.curve[-1])} the"
            f" {quantity} is not shown to be {goal.target:g}, after {sized.search_result.trials:,}"
            " trials. Raise --at-most or --trials."
        )
    elif sized.is_exact:
        yield from _exact_sentences(sized, answer, quantity)
    else:
        yield (
            f"{_point_text(sized, answer)}: {quantity} {goal.target:g} or more, {confidence},"
            f" {sized.search_result.trials:,} trials looked at."
        )
    if sized.enrolled is not None:
        mean = _measured_text(sized.enrolled)
        yield f"The looks leave {mean} of them enrolled at the end, on average."
    yield from _promise(sized, confidence)
    yield from _error_of_draws(sized)
    if sized.theory is not None and not sized.is_exact:
        yield f"Closed form: {_value_text(sized, sized.theory.step)}, about: {sized.theory.why}."
    if sized.ceiling is not None and goal.criterion == "assurance":
        yield f"Assurance cannot exceed {_measured_text(sized.ceiling)}, however many patients."


def _promise(sized: SizeResult, confidence: str) -> Iterator[str]:
    """Yield what a search promises of the step below its answer."""
    goal, search_result = sized.search, sized.search_result
    if search_result is None or search_result.answer is None or sized.is_exact:
        return
    step_below = search_result.below
    if step_below is None:
        return
    if search_result.settled:
        yield (
            f"The step below, {_point_text(sized, step_below)}, has less than"
            f" {goal.target + goal.tolerance:g} (in {step_below.share.used:,} trials"
            f" {_measured_text(step_below.share)}); both hold with {confidence}. A smaller step"
            f" may be enough if its {goal.criterion} lies between {goal.target:g} and"
            f" {goal.target + goal.tolerance:g}: a smaller --tolerance tells it apart."
        )
    else:
        yield "Fewer may do: the trials ran out before that could be told. Raise --trials."


def _error_of_draws(sized: SizeResult) -> Iterator[str]:
    """Yield how far the assurance at the answer depends on the draws of the prior."""
    answer = sized.answer
    if answer is None or not answer.share.draws_mcse:
        return
    share = answer.share
    yield (
        f"With other draws of the prior, the {sized.search.criterion} at"
        f" {_point_text(sized, answer)} would differ by about {share.draws_mcse:.4f} (one standard"
        " error). More trials do not reduce this; only more draws would."
    )


def _exact_sentences(sized: SizeResult, answer: SearchPoint, quantity: str) -> Iterator[str]:
    """Yield the answer of an exact closed form, the step below and the simulated check."""
    theory, used = sized.theory, answer.share.used
    if theory is None:
        return
    yield (
        f"{_point_text(sized, answer)}: {quantity} {theory.power:.4f} by the exact closed form,"
        f" {_measured_text(answer.share)} in {used:,} simulated trials."
    )
    if theory.below is not None and sized.search_result and sized.search_result.below:
        below = _point_text(sized, sized.search_result.below)
        yield f"The step below, {below}, has {theory.below:.4f}."
    if not answer.low <= theory.power <= answer.high:
        yield "The simulation contradicts the closed form: please report it."


def _point_text(sized: SizeResult, point: SearchPoint) -> str:
    """``120 patients (60 and 60)``, or the effect."""
    return _value_text(sized, point.value)


def _value_text(sized: SizeResult, value: float) -> str:
    if sized.by_effect:
        answer = sized.answer
        if sized.effect is None or answer is None:
            return f"{value:.4g} times the target's effects"
        return f"effect {sized.effect / answer.value * value:+.3g} ({value:.4g} times the target's)"
    arms = sized.scenario.design.get("allocation", (1, 1))
    units = int(value) // sum(arms)
    return f"{value:,.0f} patients ({' and '.join(str(units * share) for share in arms)})"


def _measured_text(measured: Measured) -> str:
    return plus_minus(measured.estimate, measured.mcse)
