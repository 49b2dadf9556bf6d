"""Operating characteristics of a scenario, from the sums over its trials under each truth."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from phase2sim.core.contracts import FAILURES, FALLBACKS
from phase2sim.core.decision import AT_TARGET, BELOW, CLASSES
from phase2sim.core.measured import Measured
from phase2sim.operating.closed_form import NORMAL_LOOKS, ClosedForm, arms_without_effect, twin
from phase2sim.operating.exact_safety import exact_stopping
from phase2sim.operating.measures import (
    ENDS,
    End,
    TrialSums,
    bias,
    coverage,
    ended_in_class,
    final_analysis,
    harm_before,
    mean_duration,
    mean_enrolled,
    mean_enrolled_in_arm,
    mean_missing,
    mean_overrun,
    missed_target,
    share_dropped,
    share_ending_in,
    share_failed_look,
    share_fallen_back,
    share_of_go,
    share_reversed,
    share_selected,
    share_stopped,
    share_stopped_for_harm,
    treated_patients,
    true_given_go,
)
from phase2sim.scenario.assembly.assemble import Assembled
from phase2sim.scenario.assembly.parts import BuiltScenario

type TruthError = Callable[[int, str], float]  # Monte Carlo error of an analysis's true value
type ClosedFormOf = Callable[
    [int, str], ClosedForm | None
]  # of an analysis, by its number, and a truth

# The share of go under each truth.
SHARE_NAMES = {
    "target": "power",
    "null": "type_i_error",
    "prior": "assurance",
    "sceptical": "assurance",
}
SHARE_TITLES = {"power": "power", "type_i_error": "type I error", "assurance": "assurance"}
COLUMNS = ("estimate", "mcse", "requested", "used", "failed", "low", "high", "exact", "approximate")

HARM = "safety"  # what stands for an analysis in rows about stopping for harm
_DRAWN = {"prior", "sceptical"}  # truths that differ from trial to trial


@dataclass(frozen=True, slots=True)
class Characteristic:
    """One operating characteristic under one truth.

    ``endpoint`` is the analysed endpoint, or the name of a verdict on several (``co_primary``).
    ``twin`` is the closed form, where theory gives the answer or nearly does.
    """

    # power, type_i_error, assurance, bias, coverage, missing, duration; with interim looks
    # stop_efficacy, stop_futility, failed_look, overrun_reversed, enrolled, overrun; of arms that
    # are dropped there dropped, selected, enrolled_in_arm, enrolled_in_control; with a safety rule
    # stopped_for_harm, treated_patients, harm_before, final_analysis; of a rule its ledger
    name: str
    endpoint: str
    analysis: str
    month: float | None
    truth: str  # target | null | prior | sceptical
    measured: Measured
    twin: ClosedForm | None = None
    look: int | None = None  # from 1, of what is said of one look

    @property
    def gap(self) -> float | None:
        """Simulated minus exact in Monte Carlo standard errors; None without an exact value."""
        if self.twin is None or not self.twin.is_exact or self.measured.used == 0:
            return None
        exact = self.twin.value
        se = math.sqrt(exact * (1 - exact) / self.measured.used)
        return (self.measured.estimate - exact) / se

    def row(self) -> dict[str, Any]:
        """Plain values, None for what nobody knows: what `phase2sim run --json` prints."""
        twin = self.twin
        return {
            "name": self.name,
            "endpoint": self.endpoint,
            "analysis": self.analysis,
            "month": self.month,
            "truth": self.truth,
            **measured_row(self.measured),
            "exact": twin.value if twin and twin.is_exact else None,
            "approximate": twin.value if twin and not twin.is_exact else None,
            "gap_in_se": self.gap,
            **({} if self.look is None else {"look": self.look}),
        }


def placed(rows: Sequence[Mapping[str, Any]]) -> tuple[list[Mapping[str, Any]], tuple[str, ...]]:
    """Rows, and the columns that say which number each is.

    With interim looks ``look`` is one of them, 0 for what is said of the trial as a whole.
    """
    if not any("look" in row for row in rows):
        return list(rows), ("name", "truth", "analysis")
    looked: list[Mapping[str, Any]] = [{**row, "look": row.get("look") or 0} for row in rows]
    return looked, ("name", "truth", "analysis", "look")


def measured_row(measured: Measured) -> dict[str, Any]:
    """Plain values of one number and how sure it is."""
    return {
        "estimate": _finite(measured.estimate),
        "mcse": _finite(measured.mcse),
        "requested": measured.requested,
        "used": measured.used,
        "failed": measured.failed,
        "low": _finite(measured.low),
        "high": _finite(measured.high),
    }


def _finite(number: float) -> float | None:
    """Return the number, or None, which JSON can hold, for nan."""
    return number if math.isfinite(number) else None


@dataclass(frozen=True, slots=True)
class FellBack:
    """How often a simpler model answered for an analysis whose own did not converge."""

    analysis: str
    truth: str
    to: str  # the simpler model
    measured: Measured  # share of the answered trials


def closed_forms(assembled: Assembled) -> ClosedFormOf:
    """Return what gives the closed form of an analysis under a truth, where there is one."""
    sources = {source.label: source for source in assembled.sources}
    return lambda number, truth: twin(assembled, number, sources[truth])


def truth_errors(assembled: Assembled) -> TruthError:
    """Return what gives the Monte Carlo error of the true value behind an analysis."""
    known = assembled.study.known
    return lambda number, truth: float(known[truth].mcse[number]) if truth in known else 0.0


def operating_characteristics(
    built: BuiltScenario,
    sums: Mapping[str, TrialSums],
    requested: int,
    closed_form: ClosedFormOf,
    truth_error: TruthError = lambda _number, _truth: 0.0,
) -> Iterator[Characteristic]:
    """Yield every operating characteristic; ``sums`` has one tally a truth."""
    for truth, tallied in sums.items():
        of_arms = _of_arms(built, truth)
        for number, verdict in enumerate(built.study.decision.labels(built.study.names)):
            alone = number < len(built.study.analyses)
            analysis = built.study.analyses[number] if alone else None
            yield Characteristic(
                name=SHARE_NAMES[truth],
                endpoint=analysis.endpoint if analysis else verdict,
                analysis=verdict,
                month=analysis.month if analysis else None,
                truth=truth,
                measured=share_of_go(tallied, number, requested),
                twin=of_arms.get(number) or (closed_form(number, truth) if alone else None),
            )
        yield from _ledger(built, truth, tallied, requested)
        yield from _harm(built, truth, tallied, requested)
        yield from _of_estimates(built, truth, tallied, requested, truth_error)
        takes_time = built.study.population.recruitment.takes_time
        if takes_time and not math.isnan(tallied.months):
            yield Characteristic("duration", "", "", None, truth, mean_duration(tallied, requested))
        if built.study.interim is not None:
            number = built.study.interim.rule.verdict
            theory = of_arms.get(number)
            if number < len(built.study.analyses):
                theory = closed_form(number, truth)
            yield from _of_looks(built, truth, tallied, requested, theory)
            yield from _each_arm(built, truth, tallied, requested)


def _of_estimates(
    built: BuiltScenario, truth: str, tallied: TrialSums, requested: int, truth_error: TruthError
) -> Iterator[Characteristic]:
    """Yield what is said of each analysis's estimates, and of the values that it misses."""
    for name in ("bias", "coverage", "missing"):
        for number, analysis in enumerate(built.study.analyses):
            error = truth_error(number, truth)
            if tallied.unknown[number] and name != "missing":
                continue  # nobody knows the true effect
            yield Characteristic(
                name=name,
                endpoint=analysis.endpoint,
                analysis=built.study.names[number],
                month=analysis.month,
                truth=truth,
                measured=_measured(name, tallied, number, requested, error),
            )


def _of_looks(
    built: BuiltScenario, truth: str, sums: TrialSums, requested: int, theory: ClosedForm | None
) -> Iterator[Characteristic]:
    """Where trials stop and why, with theory's share beside it, and the patients they take."""
    interim = built.study.interim
    number = 0 if interim is None else interim.rule.verdict
    analyse_overrun = interim is not None and interim.schedule.analyse_overrun
    verdict = built.study.decision.labels(built.study.names)[number]
    alone = number < len(built.study.analyses)
    endpoint = built.study.analyses[number].endpoint if alone else verdict
    month = built.study.analyses[number].month if alone else None
    for look in range(len(built.design.schedule.looks)):
        row = partial(Characteristic, endpoint=endpoint, analysis=verdict, month=month,
                      truth=truth, look=look + 1)  # fmt: skip
        for reason, name in enumerate(("stop_efficacy", "stop_futility")):
            known = theory.stops[reason][look:] if theory is not None else ()
            twin = ClosedForm(known[0], theory.why) if known and theory is not None else None
            yield row(name=name, measured=share_stopped(sums, reason, look, requested), twin=twin)
        yield row(name="failed_look", measured=share_failed_look(sums, look, requested))
        if analyse_overrun and sums.looks.stops[0, look]:
            yield row(name="overrun_reversed", measured=share_reversed(sums, look, requested))
    for name, measured in (
        ("enrolled", mean_enrolled(sums, requested)),
        ("overrun", mean_overrun(sums, requested)),
    ):
        yield Characteristic(name, "", "", None, truth, measured)


def _of_arms(built: BuiltScenario, truth: str) -> Mapping[int, ClosedForm]:
    """Theory's share of go by number of the verdict, where arms are dropped and none works."""
    fates = arms_without_effect(built) if truth == "null" else None
    if fates is None:
        return {}
    stops = tuple(fates.efficacy[:-1].tolist()), tuple(fates.futility[:-1].tolist())
    shares = [*fates.crossed.sum(axis=1).tolist(), fates.any_go]
    return {number: ClosedForm(share, NORMAL_LOOKS, stops) for number, share in enumerate(shares)}


def _each_arm(
    built: BuiltScenario, truth: str, sums: TrialSums, requested: int
) -> Iterator[Characteristic]:
    """How often each arm is dropped, at which look, and is the best; and the patients it takes."""
    if not built.study.drops_arms:
        return
    fates = arms_without_effect(built) if truth == "null" else None
    for arm, (name, analysis) in enumerate(
        zip(built.study.names, built.study.analyses, strict=True)
    ):
        row = partial(Characteristic, endpoint=analysis.endpoint, analysis=name,
                      month=analysis.month, truth=truth)  # fmt: skip
        for look in range(len(built.study.looks)):
            known = None
            if fates is not None:
                known = ClosedForm(float(fates.dropped[arm, look]), NORMAL_LOOKS)
            share = share_dropped(sums, arm, look, requested)
            yield row(name="dropped", measured=share, twin=known, look=look + 1)
        yield row(name="selected", measured=share_selected(sums, arm, requested))
        yield row(name="enrolled_in_arm", measured=mean_enrolled_in_arm(sums, arm, requested))
    control = mean_enrolled_in_arm(sums, len(built.study.names), requested)
    yield Characteristic("enrolled_in_control", "", "", None, truth, control)


def _harm(
    built: BuiltScenario, truth: str, sums: TrialSums, requested: int
) -> Iterator[Characteristic]:
    """Yield how often, when, and after how many treated patients a trial is stopped for harm."""
    rule = built.study.safety
    if rule is None or not sums.harm.stops.size:
        return
    # With interim looks a trial can end before harm is seen: then the exact chances are not its.
    exact = exact_stopping(built, truth) if built.study.interim is None else None
    row = partial(Characteristic, endpoint=rule.event, analysis=HARM, month=rule.by_month,
                  truth=truth)  # fmt: skip
    chances = None if exact is None else exact.at_look
    whole = None if chances is None else ClosedForm(float(chances.sum()))
    yield row(name="stopped_for_harm", measured=share_stopped_for_harm(sums, requested), twin=whole)
    for look, patients in enumerate(rule.looks):
        yield row(
            name=f"stopped_for_harm_at_{patients}",
            measured=share_stopped_for_harm(sums, requested, look),
            twin=None if chances is None else ClosedForm(float(chances[look])),
        )
    yield row(name="treated_patients", measured=treated_patients(sums, requested))
    if built.study.interim is not None:
        for look in range(len(sums.looks.harm)):
            measured = harm_before(sums, look, requested)
            yield row(name="harm_before", measured=measured, look=look + 1)
        yield row(name="final_analysis", measured=final_analysis(sums, requested))
    elif built.study.population.recruitment.takes_time:
        yield Characteristic("enrolled", "", "", None, truth, mean_enrolled(sums, requested))


def _ledger(
    built: BuiltScenario, truth: str, sums: TrialSums, requested: int
) -> Iterator[Characteristic]:
    """Yield how trials end, by the class of what is true, for a rule with limits of its own.

    For any rule, under a truth that is drawn: how many of the goes are of a true benefit.
    """
    by_reference = built.study.decision.has_reference
    ends: tuple[End, ...] = ("go", "stop")
    if built.study.decision.considers:
        ends = ENDS
    for number, verdict in enumerate(built.study.decision.labels(built.study.names)):
        analysis = built.study.analyses[number] if number < len(built.study.analyses) else None
        row = partial(
            Characteristic,
            endpoint=analysis.endpoint if analysis else verdict,
            analysis=verdict,
            month=analysis.month if analysis else None,
            truth=truth,
        )
        if truth in _DRAWN and sums.by_class.size and sums.by_class[number, :, 0].sum():
            yield row(name="true_given_go", measured=true_given_go(sums, number, requested))
        if not by_reference:
            continue
        for end in ends[1:]:  # a go is power, type I error or assurance
            yield row(name=end, measured=share_ending_in(sums, end, number, requested))
        for place, (name, trials) in enumerate(
            zip(CLASSES, sums.by_class[number].sum(axis=1), strict=True)
        ):
            for end in ends if trials else ():
                share = ended_in_class(sums, end, number, place, requested)
                yield row(name=f"{end}_{name}", measured=share)
        for name, share in _errors(sums, number, requested):
            yield row(name=name, measured=share)


def _errors(sums: TrialSums, verdict: int, requested: int) -> Iterator[tuple[str, Measured]]:
    """Yield the errors of a rule: shares of the trials in which it could make them."""
    trials = sums.by_class[verdict].sum(axis=1)
    if trials[BELOW]:
        yield "false_go", ended_in_class(sums, "go", verdict, BELOW, requested, given=True)
    if trials[AT_TARGET]:
        yield "false_stop", ended_in_class(sums, "stop", verdict, AT_TARGET, requested, given=True)
        yield "missed_target", missed_target(sums, verdict, requested)


def _measured(
    name: str, sums: TrialSums, number: int, requested: int, truth_error: float
) -> Measured:
    if name == "bias":
        return bias(sums, number, requested, truth_error)
    return (coverage if name == "coverage" else mean_missing)(sums, number, requested)


def fallbacks(
    built: BuiltScenario, sums: Mapping[str, TrialSums], requested: int
) -> Iterator[FellBack]:
    """Yield how often each simpler model answered, for those that did."""
    for truth, tallied in sums.items():
        for number, name in enumerate(built.study.names):
            for code, to in enumerate(FALLBACKS[1:], start=1):
                if tallied.fallbacks[number, code]:
                    share = share_fallen_back(tallied, number, code, requested)
                    yield FellBack(name, truth, to, share)


def failed_too_often(
    built: BuiltScenario, sums: Mapping[str, TrialSums]
) -> Iterator[tuple[str, str]]:
    """Yield truths under which more analyses failed than the scenario allows, and a message.

    The rest is not the trial that was asked for: its numbers are not to be used.
    """
    allowed = built.scenario.failures_allowed
    for truth, tallied in sums.items():
        for name, counts in zip(built.study.names, tallied.reasons, strict=True):
            failed = int(counts[1:].sum())
            if failed > allowed * tallied.trials:
                worst = FAILURES[1 + int(counts[1:].argmax())]
                why = (
                    f"{built.path}: the analysis of {name} failed in {failed:,} of"
                    f" {tallied.trials:,} trials under truth {truth!r}, mostly for"
                    f" {worst!r}; failures_allowed is {allowed:g}. Change the design or the"
                    " analysis, or raise failures_allowed."
                )
                yield truth, why
