"""Operating characteristics of a scenario, from the sums over its trials under each truth."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from phase2sim.core.decision import AT_TARGET, BELOW, CLASSES
from phase2sim.core.measured import Measured, measured_row
from phase2sim.operating.closed_form import (
    NORMAL_LOOKS,
    ClosedForm,
    arms_without_effect,
    closed_form_power,
)
from phase2sim.operating.exact_safety import exact_stopping
from phase2sim.operating.measures import (
    ENDS,
    End,
    TrialSums,
    bias,
    coverage,
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
    share_ending_in_class,
    share_failed_look,
    share_of_go,
    share_of_go_if_fitted,
    share_reversed,
    share_selected,
    share_stopped,
    share_stopped_for_harm,
    treated_patients,
    true_given_go,
)
from phase2sim.prior.truth_sources import EXPECTED
from phase2sim.scenario.assembly.assemble import AssembledScenario
from phase2sim.scenario.assembly.parts import BuiltScenario

type TruthError = Callable[[int, str], float]  # Monte Carlo error of an analysis's true value
type ClosedFormLookup = Callable[
    [int, str], ClosedForm | None
]  # of an analysis, by its number, and a truth

# The share of go under each truth.
SHARE_NAMES = {
    "target": "power",
    EXPECTED: "expected_power",
    "null": "type_i_error",
    "prior": "assurance",
    "fitted": "assurance",
    "sceptical": "assurance",
}
SHARE_TITLES = {
    "power": "power",
    "expected_power": "expected power",
    "type_i_error": "type I error",
    "assurance": "assurance",
}
COLUMNS = ("estimate", "mcse", "draws_mcse", "requested", "used", "failed", "low", "high", "exact",
           "approximate")  # fmt: skip

HARM = "safety"  # what stands for an analysis in rows about stopping for harm
_ROUNDING = 1e-12  # of an exact power, in the formula that computes it
_RANDOM_TRUTHS = {"prior", "sceptical"}  # truths whose effect differs from trial to trial


@dataclass(frozen=True, slots=True)
class Characteristic:
    """One operating characteristic under one truth.

    ``endpoint`` is the analysed endpoint, or the name of a verdict on several (``co_primary``).
    ``closed_form`` is the power from theory, None where there is no formula.
    """

    # power, expected_power, type_i_error, assurance, bias, coverage, missing, duration; with
    # interim looks stop_efficacy, stop_futility, failed_look, overrun_reversed, enrolled, overrun;
    # of arms that are dropped there dropped, selected, enrolled_in_arm, enrolled_in_control; with a
    # safety rule stopped_for_harm, treated_patients, harm_before, final_analysis; of a rule its
    # ledger
    name: str
    endpoint: str
    analysis: str
    month: float | None
    # target | expected | null | prior | fitted, of the same trials as prior | sceptical
    truth: str
    measured: Measured
    closed_form: ClosedForm | None = None
    look: int | None = None  # from 1, for a characteristic of one look

    @property
    def gap(self) -> float | None:
        """Simulated minus exact in Monte Carlo standard errors; None without an exact value.

        An exact power of 0 or 1 has no standard error: it is taken to be as far from it as its
        rounding, so that one trial that contradicts it shows as a large gap.
        """
        if self.closed_form is None or not self.closed_form.is_exact or self.measured.used == 0:
            return None
        exact = min(max(self.closed_form.value, _ROUNDING), 1 - _ROUNDING)
        se = math.sqrt(exact * (1 - exact) / self.measured.used)
        return (self.measured.estimate - exact) / se

    def row(self) -> dict[str, Any]:
        """Plain values, None where unknown: what `phase2sim run --json` prints."""
        closed_form = self.closed_form
        return {
            "name": self.name,
            "endpoint": self.endpoint,
            "analysis": self.analysis,
            "month": self.month,
            "truth": self.truth,
            **measured_row(self.measured),
            "exact": closed_form.value if closed_form and closed_form.is_exact else None,
            "approximate": closed_form.value if closed_form and not closed_form.is_exact else None,
            "gap_in_se": self.gap,
            **({} if self.look is None else {"look": self.look}),
        }


def identify_rows(
    rows: Sequence[Mapping[str, Any]],
) -> tuple[list[Mapping[str, Any]], tuple[str, ...]]:
    """Rows, and the columns that identify each.

    With interim looks ``look`` is one of them, 0 for the trial as a whole.
    """
    if not any("look" in row for row in rows):
        return list(rows), ("name", "truth", "analysis")
    rows_with_look: list[Mapping[str, Any]] = [
        {**row, "look": row.get("look") or 0} for row in rows
    ]
    return rows_with_look, ("name", "truth", "analysis", "look")


def closed_forms(assembled: AssembledScenario) -> ClosedFormLookup:
    """Return a function that gives the closed form of an analysis under a truth, if any."""
    sources = {source.label: source for source in assembled.sources}
    return lambda number, truth: closed_form_power(assembled, number, sources[truth])


def truth_errors(assembled: AssembledScenario) -> TruthError:
    """Return a function that gives the Monte Carlo error of an analysis's true value."""
    known_values = assembled.study.known
    return lambda number, truth: (
        float(known_values[truth].mcse[number]) if truth in known_values else 0.0
    )


def operating_characteristics(
    built: BuiltScenario,
    sums: Mapping[str, TrialSums],
    requested: int,
    closed_form: ClosedFormLookup,
    truth_error: TruthError = lambda _number, _truth: 0.0,
) -> Iterator[Characteristic]:
    """Yield every operating characteristic; ``sums`` has one entry per truth."""
    for truth, truth_sums in sums.items():
        by_verdict = _closed_forms_by_verdict(built, truth)
        for number, row in enumerate(_verdict_rows(built, truth)):
            is_single = number < len(built.study.analyses)
            yield row(
                measured=share_of_go(truth_sums, number, requested),
                closed_form=by_verdict.get(number)
                or (closed_form(number, truth) if is_single else None),
            )
        if truth == EXPECTED:
            continue  # all else is as at the target
        yield from _fitted_rows(built, truth, truth_sums)
        yield from _ledger_rows(built, truth, truth_sums, requested)
        yield from _harm_rows(built, truth, truth_sums, requested)
        yield from _estimate_rows(built, truth, truth_sums, requested, truth_error)
        takes_time = built.study.population.recruitment.takes_time
        if takes_time and not math.isnan(truth_sums.months):
            yield Characteristic(
                "duration", "", "", None, truth, mean_duration(truth_sums, requested)
            )
        if built.study.interim is not None:
            number = built.study.interim.rule.verdict
            theory = by_verdict.get(number)
            if number < len(built.study.analyses):
                theory = closed_form(number, truth)
            yield from _look_rows(built, truth, truth_sums, requested, theory)
            yield from _arm_rows(built, truth, truth_sums, requested)


def _verdict_rows(built: BuiltScenario, truth: str) -> Iterator[Callable[..., Characteristic]]:
    """Yield the row of each verdict's share of go, without its numbers."""
    for number, verdict in enumerate(built.study.decision.labels(built.study.names)):
        analysis = built.study.analyses[number] if number < len(built.study.analyses) else None
        yield partial(
            Characteristic,
            name=SHARE_NAMES[truth],
            endpoint=analysis.endpoint if analysis else verdict,
            analysis=verdict,
            month=analysis.month if analysis else None,
            truth=truth,
        )


def _fitted_rows(built: BuiltScenario, truth: str, sums: TrialSums) -> Iterator[Characteristic]:
    """Yield the assurance under the fitted part of the mixture, from the trials that drew it."""
    if truth == "prior" and sums.fitted.sum():
        for number, row in enumerate(_verdict_rows(built, "fitted")):
            yield row(measured=share_of_go_if_fitted(sums, number))


def _estimate_rows(
    built: BuiltScenario, truth: str, sums: TrialSums, requested: int, truth_error: TruthError
) -> Iterator[Characteristic]:
    """Yield bias, coverage and the share of missing values of each analysis."""
    for name in ("bias", "coverage", "missing"):
        for number, analysis in enumerate(built.study.analyses):
            error = truth_error(number, truth)
            if sums.unknown[number] and name != "missing":
                continue  # the true effect is unknown
            yield Characteristic(
                name=name,
                endpoint=analysis.endpoint,
                analysis=built.study.names[number],
                month=analysis.month,
                truth=truth,
                measured=_measure_estimates(name, sums, number, requested, error),
            )


def _look_rows(
    built: BuiltScenario, truth: str, sums: TrialSums, requested: int, theory: ClosedForm | None
) -> Iterator[Characteristic]:
    """Yield stopping probabilities by look, with their closed forms, and mean enrolment."""
    interim = built.study.interim
    number = 0 if interim is None else interim.rule.verdict
    analyse_overrun = interim is not None and interim.schedule.analyse_overrun
    verdict = built.study.decision.labels(built.study.names)[number]
    is_single = number < len(built.study.analyses)
    endpoint = built.study.analyses[number].endpoint if is_single else verdict
    month = built.study.analyses[number].month if is_single else None
    for look in range(len(built.design.schedule.looks)):
        row = partial(Characteristic, endpoint=endpoint, analysis=verdict, month=month,
                      truth=truth, look=look + 1)  # fmt: skip
        for reason, name in enumerate(("stop_efficacy", "stop_futility")):
            chances = theory.stops[reason][look:] if theory is not None else ()
            closed_form = (
                ClosedForm(chances[0], theory.why) if chances and theory is not None else None
            )
            yield row(
                name=name,
                measured=share_stopped(sums, reason, look, requested),
                closed_form=closed_form,
            )
        yield row(name="failed_look", measured=share_failed_look(sums, look, requested))
        if analyse_overrun and sums.looks.stops[0, look]:
            yield row(name="overrun_reversed", measured=share_reversed(sums, look, requested))
    for name, measured in (
        ("enrolled", mean_enrolled(sums, requested)),
        ("overrun", mean_overrun(sums, requested)),
    ):
        yield Characteristic(name, "", "", None, truth, measured)


def _closed_forms_by_verdict(built: BuiltScenario, truth: str) -> Mapping[int, ClosedForm]:
    """Closed-form share of go by verdict, where looks drop arms and no arm has an effect."""
    fates = arms_without_effect(built) if truth == "null" else None
    if fates is None:
        return {}
    stops = tuple(fates.efficacy[:-1].tolist()), tuple(fates.futility[:-1].tolist())
    shares = [*fates.crossed.sum(axis=1).tolist(), fates.any_go]
    return {number: ClosedForm(share, NORMAL_LOOKS, stops) for number, share in enumerate(shares)}


def _arm_rows(
    built: BuiltScenario, truth: str, sums: TrialSums, requested: int
) -> Iterator[Characteristic]:
    """Yield how often each arm is dropped at each look and selected, and its mean enrolment."""
    if not built.study.drops_arms:
        return
    fates = arms_without_effect(built) if truth == "null" else None
    for arm, (name, analysis) in enumerate(
        zip(built.study.names, built.study.analyses, strict=True)
    ):
        row = partial(Characteristic, endpoint=analysis.endpoint, analysis=name,
                      month=analysis.month, truth=truth)  # fmt: skip
        for look in range(len(built.study.looks)):
            closed_form = None
            if fates is not None:
                closed_form = ClosedForm(float(fates.dropped[arm, look]), NORMAL_LOOKS)
            share = share_dropped(sums, arm, look, requested)
            yield row(name="dropped", measured=share, closed_form=closed_form, look=look + 1)
        yield row(name="selected", measured=share_selected(sums, arm, requested))
        yield row(name="enrolled_in_arm", measured=mean_enrolled_in_arm(sums, arm, requested))
    control = mean_enrolled_in_arm(sums, len(built.study.names), requested)
    yield Characteristic("enrolled_in_control", "", "", None, truth, control)


def _harm_rows(
    built: BuiltScenario, truth: str, sums: TrialSums, requested: int
) -> Iterator[Characteristic]:
    """Yield how often, when, and after how many treated patients a trial is stopped for harm."""
    rule = built.study.safety
    if rule is None or not sums.harm.stops.size:
        return
    # With interim looks a trial can end before harm is seen: the exact chances then do not apply.
    exact = exact_stopping(built, truth) if built.study.interim is None else None
    row = partial(Characteristic, endpoint=rule.event, analysis=HARM, month=rule.by_month,
                  truth=truth)  # fmt: skip
    chances = None if exact is None else exact.at_look
    total = None if chances is None else ClosedForm(float(chances.sum()))
    yield row(
        name="stopped_for_harm", measured=share_stopped_for_harm(sums, requested), closed_form=total
    )
    for look, patients in enumerate(rule.looks):
        yield row(
            name=f"stopped_for_harm_at_{patients}",
            measured=share_stopped_for_harm(sums, requested, look),
            closed_form=None if chances is None else ClosedForm(float(chances[look])),
        )
    yield row(name="treated_patients", measured=treated_patients(sums, requested))
    if built.study.interim is not None:
        for look in range(len(sums.looks.harm)):
            measured = harm_before(sums, look, requested)
            yield row(name="harm_before", measured=measured, look=look + 1)
        yield row(name="final_analysis", measured=final_analysis(sums, requested))
    elif built.study.population.recruitment.takes_time:
        yield Characteristic("enrolled", "", "", None, truth, mean_enrolled(sums, requested))


def _ledger_rows(
    built: BuiltScenario, truth: str, sums: TrialSums, requested: int
) -> Iterator[Characteristic]:
    """Yield the shares of each end by class of the truth, for a rule with reference values.

    For any rule, under a random truth: the share of goes with a true benefit.
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
        if truth in _RANDOM_TRUTHS and sums.by_class.size and sums.by_class[number, :, 0].sum():
            yield row(name="true_given_go", measured=true_given_go(sums, number, requested))
        if not by_reference:
            continue
        for end in ends[1:]:  # a go is power, type I error or assurance
            yield row(name=end, measured=share_ending_in(sums, end, number, requested))
        for truth_class, (name, trials) in enumerate(
            zip(CLASSES, sums.by_class[number].sum(axis=1), strict=True)
        ):
            for end in ends if trials else ():
                share = share_ending_in_class(sums, end, number, truth_class, requested)
                yield row(name=f"{end}_{name}", measured=share)
        for name, share in _error_rows(sums, number, requested):
            yield row(name=name, measured=share)


def _error_rows(sums: TrialSums, verdict: int, requested: int) -> Iterator[tuple[str, Measured]]:
    """Yield the error rates of a rule, each among the trials in which the error is possible."""
    trials = sums.by_class[verdict].sum(axis=1)
    if trials[BELOW]:
        yield (
            "false_go",
            share_ending_in_class(sums, "go", verdict, BELOW, requested, conditional=True),
        )
    if trials[AT_TARGET]:
        yield (
            "false_stop",
            share_ending_in_class(sums, "stop", verdict, AT_TARGET, requested, conditional=True),
        )
        yield "missed_target", missed_target(sums, verdict, requested)


def _measure_estimates(
    name: str, sums: TrialSums, number: int, requested: int, truth_error: float
) -> Measured:
    if name == "bias":
        return bias(sums, number, requested, truth_error)
    return (coverage if name == "coverage" else mean_missing)(sums, number, requested)
