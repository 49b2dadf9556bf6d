"""What a fit says about the next trial: as a table, and as plain values for JSON."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from phase2sim.contracts import Floats
from phase2sim.endpoints import ENDPOINTS
from phase2sim.knowledge import PriorDraws

_LIMITS = (0.025, 0.975)

type Summary = dict[str, float]


def fit_json(prior: PriorDraws) -> dict[str, Any]:
    """Plain values: what `phase2sim fit --json` prints."""
    return {
        "evidence": list(_strings(prior.provenance.get("evidence"))),
        "digest": prior.provenance.get("digest"),
        "draws": len(prior.effect),
        "endpoints": {name: _endpoint(prior, e) for e, name in enumerate(prior.endpoints)},
        "diagnostics": prior.provenance.get("diagnostics"),
        "versions": prior.provenance.get("versions"),
        "seed": prior.provenance.get("seed"),
        "elicited": list(_strings(prior.provenance.get("elicited"))),
    }


def fit_screen(prior: PriorDraws) -> RenderableType:
    """Return tables of the untreated course and of the effect, with the fit's diagnostics."""
    names = ", ".join(_strings(prior.provenance.get("evidence")))
    return Group(
        Text(f"Prior for the next trial, given {names}", style="bold"),
        Text(),
        _history_table(prior),
        Text(),
        _effect_table(prior),
        Text(),
        *_notes(prior),
    )


def _endpoint(prior: PriorDraws, e: int) -> dict[str, Any]:
    name = prior.endpoints[e]
    effect = None
    if name in prior.effects:
        assumed = prior.effects[name]
        effect = {
            **_summary(prior.effect[:, e]),
            "month": assumed.month,
            "shape": assumed.shape,
            "sceptical_sd": assumed.sceptical_sd,
            "bias_sd": assumed.bias_sd,
        }
    return {
        "model_scale": ENDPOINTS[name].model_unit,
        "months_since_diagnosis": prior.knots_months.tolist(),
        "untreated_mean": [_summary(column) for column in prior.history[:, e].T],
        "sd_between_patients": [_summary(column) for column in prior.sd[:, e].T],
        "sd_between_studies": _summary(prior.level_sd[:, e]),
        "sd_between_studies_per_month": _summary(prior.slope_sd[:, e]),
        "effect": effect,
    }


def _summary(draws: Floats) -> Summary:
    low, high = np.quantile(draws, _LIMITS)
    return {
        "mean": float(draws.mean()),
        "sd": float(draws.std(ddof=1)),
        "lower": float(low),
        "upper": float(high),
    }


def _history_table(prior: PriorDraws) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    table.add_column("untreated patients, months since diagnosis")
    for month in prior.knots_months:
        table.add_column(f"{month:g}", justify="right")
    for e, name in enumerate(prior.endpoints):
        endpoint = ENDPOINTS[name]
        label = f"{endpoint.label}, {endpoint.model_unit}"
        table.add_row(f"{label}: mean", *map(_mean_and_sd, prior.history[:, e].T))
        table.add_row("  SD between patients", *map(_mean_and_sd, prior.sd[:, e].T))
    return table


def _effect_table(prior: PriorDraws) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for column in ("treatment effect", "at month", "mean", "95 % interval", "before the evidence"):
        table.add_column(column)
    for e, name in enumerate(prior.endpoints):
        if name in prior.effects:
            assumed, size = prior.effects[name], _summary(prior.effect[:, e])
            table.add_row(
                f"{ENDPOINTS[name].label}, {ENDPOINTS[name].model_unit}",
                f"{assumed.month:g}",
                f"{size['mean']:+.3f}",
                f"{size['lower']:+.3f} to {size['upper']:+.3f}",
                f"N(0, {assumed.sceptical_sd:g}), sceptical; bias N(0, {assumed.bias_sd:g})",
            )
    return table


def _notes(prior: PriorDraws) -> list[Text]:
    notes = [Text("In brackets: posterior SD of the number before it.", style="dim")]
    said = prior.provenance.get("diagnostics")
    if isinstance(said, Mapping):
        notes.append(
            Text(
                f"Diagnostics: R-hat {said['rhat']:.4f} at worst, bulk ESS {said['ess_bulk']:,.0f}"
                f" and tail ESS {said['ess_tail']:,.0f} at least, {said['divergences']}"
                f" divergences; fitted in {said['seconds']:.0f} s."
            )
        )
    elicited = _strings(prior.provenance.get("elicited"))
    if elicited:
        notes.append(Text("Elicited inputs used (our judgement, not published):", style="yellow"))
        notes += [Text(f"  - {statement}", style="yellow") for statement in elicited]
    return notes


def _mean_and_sd(draws: Floats) -> str:
    sd = float(draws.std(ddof=1))
    digits = 2 if math.isclose(sd, 0.0) or sd >= 0.1 else 3  # noqa: PLR2004 - two digits of the SD
    return f"{draws.mean():.{digits}f} ({sd:.{digits}f})"


def _strings(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list | tuple) else []
