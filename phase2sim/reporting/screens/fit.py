"""A fitted prior for the next trial: tables, and values for JSON."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from phase2sim.core.arrays import Floats
from phase2sim.core.endpoints import ENDPOINTS, EVENTS
from phase2sim.evidence.reported import EffectAssumption
from phase2sim.prior.draws import PriorDraws
from phase2sim.prior.entry import learned_entries
from phase2sim.reporting.plain_tables import number, plain_table
from phase2sim.theory.mixtures.analysis_prior import AnalysisPrior, mixture_json

_LIMITS = (0.025, 0.975)

type _Summary = dict[str, float]


def fit_json(prior: PriorDraws, priors: Sequence[AnalysisPrior]) -> dict[str, Any]:
    """Return the values of `phase2sim fit --json` and `phase2sim prior show --json`."""
    provenance = prior.provenance
    return {
        "evidence": _strings(provenance.get("evidence")),
        "digest": provenance.get("digest"),
        "draws": len(prior.effect),
        "endpoints": {name: _endpoint(prior, e) for e, name in enumerate(prior.endpoints)},
        "care": {name: _care(prior, row) for row, name in enumerate(prior.care_covariates)},
        "events": {name: _event(prior, e) for e, name in enumerate(prior.event_outcomes)},
        "learned_entry": [
            {"arm": learned.arm, "within": [learned.earliest, learned.latest]}
            | {"mean_months_since_diagnosis": _summary(learned.mean)}
            for learned in learned_entries(prior)
        ],
        "analysis_priors": [mixture_json(analysis_prior) for analysis_prior in priors],
        "diagnostics": provenance.get("diagnostics"),
        "versions": provenance.get("versions"),
        "seed": provenance.get("seed"),
        "elicited": elicited_lines(prior),
    }


def fit_screen(prior: PriorDraws, priors: Sequence[AnalysisPrior]) -> RenderableType:
    """Return tables of the untreated course, the effect and the effective sample sizes."""
    names = ", ".join(_strings(prior.provenance.get("evidence")))
    return Group(
        Text(f"Prior for the next trial, given {names}", style="bold"),
        Text(),
        _history_table(prior),
        Text(),
        _effect_table(prior),
        Text(),
        *_care_tables(prior),
        *_event_tables(prior),
        *_entry_lines(prior),
        _mixture_table(priors),
        Text(),
        *_notes(prior),
    )


def diagnostics_line(prior: PriorDraws) -> str:
    """Return the diagnostics of the sampling; empty for draws without a fit."""
    diagnostics = prior.provenance.get("diagnostics")
    if not isinstance(diagnostics, Mapping):
        return ""
    return (
        f"Diagnostics: R-hat {diagnostics['rhat']:.4f} at worst, bulk ESS"
        f" {diagnostics['ess_bulk']:,.0f}"
        f" and tail ESS {diagnostics['ess_tail']:,.0f} at least, {diagnostics['divergences']}"
        f" divergences; fitted in {diagnostics['seconds']:.0f} s."
    )


def elicited_lines(prior: PriorDraws) -> list[str]:
    """Return the elicited inputs of the prior."""
    return _strings(prior.provenance.get("elicited"))


def _endpoint(prior: PriorDraws, e: int) -> dict[str, Any]:
    name = prior.endpoints[e]
    effect = None
    if name in prior.effects:
        assumption = prior.effects[name]
        effect = {
            **_summary(prior.effect[:, e]),
            "month": assumption.month,
            "shape": assumption.shape,
            "sceptical_sd": assumption.sceptical_sd,
            "bias_sd": assumption.bias_sd,
        }
    return {
        "model_scale": ENDPOINTS[name].model_unit,
        "months_since_diagnosis": prior.knots_months.tolist(),
        "untreated_mean": [_summary(column) for column in prior.history[:, e].T],
        "sd_between_patients": [_summary(column) for column in prior.sd[:, e].T],
        "sd_between_studies": _summary(prior.level_sd[:, e]),
        "sd_between_studies_at_diagnosis": _summary_of_column(prior.diagnosis_sd, e),
        "sd_between_studies_per_month": _summary(prior.slope_sd[:, e]),
        "log_sd_between_studies": _summary_of_column(prior.spread_sd, e),
        "per_year_of_age": _summary_of_column(prior.age_slope, e),
        "effect": effect,
        "bias": _summary_of_column(prior.bias, e),
        "class_mean": _summary_of_column(prior.class_mean, e),
        "class_sd": _summary_of_column(prior.class_sd, e),
    }


def _care(prior: PriorDraws, row: int) -> dict[str, _Summary]:
    """Return what a covariate of care does, by endpoint."""
    return {
        name: _summary(prior.care_effect[:, row, e])
        for e, name in enumerate(prior.endpoints)
        if prior.care_effect[:, row, e].any()
    }


def _event(prior: PriorDraws, e: int) -> dict[str, Any]:
    untreated, treated = prior.event_rate[:, e].T
    return {
        "untreated_per_month": _summary(untreated),
        "treated_per_month": _summary(treated),
        "rate_ratio": _summary(treated / untreated),
        "dispersion": _summary_of_column(prior.event_dispersion, e),
    }


def _summary_of_column(draws: Floats, column: int) -> _Summary | None:
    """Return the summary of one column of (draw, endpoint); None if it is missing or nan."""
    if draws.shape[1] <= column or np.isnan(draws[:, column]).any():
        return None
    return _summary(draws[:, column])


def _summary(draws: Floats) -> _Summary:
    low, high = np.quantile(draws, _LIMITS)
    return {
        "mean": float(draws.mean()),
        "sd": float(draws.std(ddof=1)),
        "lower": float(low),
        "upper": float(high),
    }


def _history_table(prior: PriorDraws) -> Table:
    knots = [f"{month:g}" for month in prior.knots_months]
    table = plain_table((f"untreated patients, months since {prior.clock}",), knots)
    for e, name in enumerate(prior.endpoints):
        endpoint = ENDPOINTS[name]
        label = f"{endpoint.label}, {endpoint.model_unit}"
        table.add_row(f"{label}: mean", *map(_mean_and_sd, prior.history[:, e].T))
        table.add_row("  SD between patients", *map(_mean_and_sd, prior.sd[:, e].T))
    return table


def _effect_table(prior: PriorDraws) -> Table:
    table = plain_table(
        ("treatment effect", "at month", "mean", "95 % interval", "before the evidence"), ()
    )
    for e, name in enumerate(prior.endpoints):
        if name in prior.effects:
            assumption, size = prior.effects[name], _summary(prior.effect[:, e])
            table.add_row(
                f"{ENDPOINTS[name].label}, {ENDPOINTS[name].model_unit}",
                f"{assumption.month:g}",
                f"{size['mean']:+.3f}",
                f"{size['lower']:+.3f} to {size['upper']:+.3f}",
                _prior_of_effect(prior, e, assumption),
            )
    return table


def _prior_of_effect(prior: PriorDraws, e: int, assumption: EffectAssumption) -> str:
    """Return the prior of an effect: of its class, of its file, or sceptical."""
    bias = f"; bias N(0, {assumption.bias_sd:g})" if assumption.bias_sd else ""
    if assumption.prior is not None:
        return f"N({assumption.prior.mean:g}, {assumption.prior.sd:g}), as its file says{bias}"
    if class_mean := _summary_of_column(prior.class_mean, e):
        return f"its class: {class_mean['mean']:+.3f} (SD {class_mean['sd']:.3f}) on average{bias}"
    return f"N(0, {assumption.sceptical_sd:g}), sceptical{bias}"


def _care_tables(prior: PriorDraws) -> Iterator[RenderableType]:
    if not prior.care_covariates:
        return
    table = plain_table(("care, all patients against none", "mean", "95 % interval"), ())
    for row, covariate in enumerate(prior.care_covariates):
        for name, size in _care(prior, row).items():
            table.add_row(
                f"{covariate}: {ENDPOINTS[name].label}, {ENDPOINTS[name].model_unit}",
                f"{size['mean']:+.3f}",
                f"{size['lower']:+.3f} to {size['upper']:+.3f}",
            )
    yield table
    yield Text("The untreated patients above have 0 of it.")
    yield Text()


def _event_tables(prior: PriorDraws) -> Iterator[RenderableType]:
    if not prior.event_outcomes:
        return
    table = plain_table(
        ("events per patient-month",), ("untreated", "treated", "ratio", "95 % interval")
    )
    for e, name in enumerate(prior.event_outcomes):
        rates = _event(prior, e)
        ratio = rates["rate_ratio"]
        table.add_row(
            EVENTS.get(name, name),
            number(rates["untreated_per_month"]["mean"]),
            number(rates["treated_per_month"]["mean"]),
            f"{ratio['mean']:.2f}",
            f"{ratio['lower']:.2f} to {ratio['upper']:.2f}",
        )
    yield table
    yield Text()


def _entry_lines(prior: PriorDraws) -> Iterator[RenderableType]:
    """Return what was learned of when patients entered; nothing if no arm's entry is learned."""
    for learned in learned_entries(prior):
        mean = _summary(learned.mean)
        yield Text(
            f"{learned.arm}: entered {mean['mean']:.1f} months after diagnosis on average (95 %"
            f" {mean['lower']:.1f} to {mean['upper']:.1f}), learned from its numbers; an even"
            f" spread over {learned.earliest:g} to {learned.latest:g} would be"
            f" {(learned.earliest + learned.latest) / 2:g}"
        )
        yield Text()


def _mixture_table(priors: Sequence[AnalysisPrior]) -> Table:
    table = plain_table(
        ("prior of an analysis", "as a mixture of normals"),
        ("patients (moment)", "patients (ELIR)"),
    )
    for prior in priors:
        values = mixture_json(prior)
        signed = "+" if prior.of == "effect" else ""
        parts = [
            f"{weight:.2f} N({mean:{signed}.3f}, {sd:.3f})"
            for weight, mean, sd in zip(prior.weights, prior.means, prior.sds, strict=True)
        ]
        table.add_row(
            f"{ENDPOINTS[prior.endpoint].label}, month {prior.month:g}: {prior.of}",
            " + ".join(parts),
            f"{values['ess_moment_patients']:.1f}",
            f"{values['ess_elir_patients']:.1f}",
        )
    return table


def _notes(prior: PriorDraws) -> Iterator[Text]:
    yield Text("In brackets: posterior SD of the number before it.", style="dim")
    yield Text(
        "Patients: how many would tell as much; for an effect in two equal arms together.",
        style="dim",
    )
    if line := diagnostics_line(prior):
        yield Text(line)
    if elicited := elicited_lines(prior):
        yield Text("Elicited inputs used (our judgement, not published):", style="yellow")
        yield from (Text(f"  - {statement}", style="yellow") for statement in elicited)


def _mean_and_sd(draws: Floats) -> str:
    sd = float(draws.std(ddof=1))
    digits = 2 if math.isclose(sd, 0.0) or sd >= 0.1 else 3  # noqa: PLR2004 - two digits of the SD
    return f"{draws.mean():.{digits}f} ({sd:.{digits}f})"


def _strings(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list | tuple) else []
