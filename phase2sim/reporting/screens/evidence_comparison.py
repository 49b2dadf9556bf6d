"""Comparison of sets of evidence: tables, and values for JSON."""

from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.prior.comparison import Belief, ComparisonRow, Side
from phase2sim.reporting.plain_tables import number, plain_table
from phase2sim.theory.mixtures.analysis_prior import mixture_json


def evidence_comparison_json(rows: Sequence[ComparisonRow]) -> list[dict[str, Any]]:
    """Return the values of `phase2sim prior compare --json`."""
    return [
        {
            "endpoint": row.endpoint,
            "scale": ENDPOINTS[row.endpoint].model_unit,
            "month": row.month,
            "months_since_diagnosis": [row.entry.earliest, row.entry.latest],
            "sets": [_side_json(side) for side in row.sides],
        }
        for row in rows
    ]


def evidence_comparison_screen(rows: Sequence[ComparisonRow]) -> RenderableType:
    """Return one table per endpoint, with one line per set of evidence."""
    parts: list[RenderableType] = []
    for row in rows:
        endpoint = ENDPOINTS[row.endpoint]
        parts += [
            Text(
                f"{endpoint.label} at month {row.month:g} ({endpoint.model_unit}), enrolled"
                f" {row.entry.words} months after diagnosis",
                style="bold",
            ),
            _table(row),
            Text(),
        ]
    shared = ", ".join(shared_evidence(rows[0])) if rows else ""
    if shared:
        parts.insert(0, Text(f"Every set holds {shared}; beside it:\n"))
    benefit_note = (
        "Benefit: chance that the effect is in the patient's favour, +- its Monte Carlo error."
    )
    patients_note = (
        "Patients: what the prior is worth (ELIR), in both arms of the effect, in the control."
    )
    return Group(*parts, Text(f"{benefit_note}\n{patients_note}", style="dim"))


def shared_evidence(row: ComparisonRow) -> tuple[str, ...]:
    """Return the names of the evidence that all sets share."""
    first, *other_sets = (side.evidence for side in row.sides)
    return tuple(name for name in first if all(name in evidence for evidence in other_sets))


def set_label(row: ComparisonRow, side: Side) -> str:
    """Name a set by the evidence that not all sets share."""
    names = [name for name in side.evidence if name not in shared_evidence(row)]
    return ", ".join(names) or "nothing else"


def _table(row: ComparisonRow) -> Table:
    table = plain_table(
        ("evidence",),
        ("effect", "95 % interval", "benefit", "patients", "untreated mean", "95 % interval",
         "patients"),
    )  # fmt: skip
    for column in table.columns:
        column.no_wrap = True
    for side in row.sides:
        benefit = side.effect.benefit if side.effect else None
        table.add_row(
            set_label(row, side),
            *_cells(side.effect, "+"),
            f"{benefit.estimate:.2f} +- {benefit.mcse:.2f}" if benefit else "-",
            _patients(side.effect),
            *_cells(side.control, ""),
            _patients(side.control),
        )
    return table


def _cells(belief: Belief | None, sign: str) -> tuple[str, str]:
    if belief is None:
        return "-", "-"
    digits = 2 if belief.sd >= 0.1 else 3  # noqa: PLR2004 - two digits of the SD
    form = f"{sign}.{digits}f"
    return (
        f"{belief.mean:{form}} (SD {belief.sd:.{digits}f})",
        f"{belief.lower:{form}} to {belief.upper:{form}}",
    )


def _patients(belief: Belief | None) -> str:
    return "-" if belief is None else number(mixture_json(belief.prior)["ess_elir_patients"])


def _side_json(side: Side) -> dict[str, Any]:
    return {
        "evidence": list(side.evidence),
        "effect": _belief_json(side.effect),
        "control": _belief_json(side.control),
    }


def _belief_json(belief: Belief | None) -> dict[str, Any] | None:
    if belief is None:
        return None
    values = mixture_json(belief.prior)
    summary = {
        "mean": belief.mean,
        "sd": belief.sd,
        "lower": belief.lower,
        "upper": belief.upper,
        "ess_moment_patients": values["ess_moment_patients"],
        "ess_elir_patients": values["ess_elir_patients"],
    }
    if belief.benefit is None:
        return summary
    chance = {"benefit": belief.benefit.estimate, "benefit_mcse": belief.benefit.mcse}
    return summary | chance
