"""The explorer: stored trials in the page, decided again in the browser."""

import base64
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from scipy.special import ndtri

from phase2sim.core.arrays import Floats
from phase2sim.core.contracts import MODEL_SCALE
from phase2sim.core.endpoints import MEASURES
from phase2sim.core.io.json_text import json_script
from phase2sim.reporting.report.document import Playground
from phase2sim.reporting.report.explorer_script import SCRIPT
from phase2sim.studies.dossier.dossier import Dossier
from phase2sim.studies.store.results_folder import Store, open_store
from phase2sim.studies.sweeps.results import Results
from phase2sim.trial.batch_results import BatchResults

_LARGEST = 1_800_000  # bytes of trials; as text 2.4 MB of a page that is to stay below 5
_BYTES = 6  # of one analysis of one trial: z, effect and standard error
_MOST_TRIALS = 1_000  # of a cell
_MOST_CELLS = 400
_STEPS = 32_000  # of a quantised number, to either side of 0
_FAILED = -32_768
_Z_LIMIT = 8.0


def explorer_data(dossier: Dossier) -> Playground | None:
    """Return the first trials of the explorer's cells; None if there are fewer than two cells.

    Also None with interim looks or a safety rule: the script of the page uses the final analysis
    only.
    """
    if dossier.main.built.study.interim is not None or dossier.main.built.study.safety is not None:
        return None
    store = open_store(dossier.folder)
    results = Results(store, dossier.manifest)
    keys = _cells(dossier, results)
    if len(keys) < 2:  # noqa: PLR2004 - one cell has nothing to explore
        return None
    names = dossier.assembled.built.study.names
    truths = sum(len(results.cell(key).truths) for key in keys)
    trials = min(_MOST_TRIALS, _LARGEST // (truths * len(names) * _BYTES))
    parts, cells, begin = [], [], 0
    for key in keys:
        batches = _first_trials(store, results, key, trials)
        for truth, batch in batches.items():
            packed = _pack(batch)
            parts.append(packed.ravel())
            labels = dict(results.cell(key).labels)
            location = {"cell": key, "truth": truth, "trials": int(packed.shape[2]), "begin": begin}
            scales = {"effect": _scales(batch, "effect"), "se": _scales(batch, "se")}
            cells.append({"at": labels, **location, **scales})
            begin += packed.size
    return Playground(
        {
            "analyses": [_analysis(dossier, number) for number in range(len(names))],
            "alpha": dossier.assembled.built.study.decision.one_sided_alpha,
            "place": dict(dossier.labels),
            "cells": cells,
            "trials": base64.b64encode(np.concatenate(parts).tobytes()).decode(),
            "spec": _spec(),
        }
    )


def explorer_html(play: Playground) -> str:
    """Return the HTML of the controls and of the chart, which the script fills."""
    del play
    return (
        '<form id="explorer" onsubmit="return false"><fieldset><legend>Choose</legend>'
        '<div id="explorer-controls" style="display:contents"></div></fieldset></form>'
        '<p class="answer" id="explorer-answer" aria-live="polite"></p>'
        '<div id="explorer-chart" role="img" aria-label="Shares of go and stop over the number of'
        ' patients, for the values chosen above; the sentence above says them for one size"></div>'
        '<p class="about" id="explorer-note"></p>'
    )


def explorer_scripts(play: Playground) -> str:
    """Return the drawing library, the data and the script, all in the page."""
    return (
        f'<script type="module">{_library()}</script>\n'
        f"{json_script(play.data, 'explorer-data')}\n"
        f'<script type="module">{SCRIPT}</script>\n'
    )


@cache
def _library() -> str:
    """Return the drawing library as one script, cached because bundling takes seconds."""
    import vl_convert  # noqa: PLC0415 - large, and only a page needs it

    bundle: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return bundle.replace("</script", "<\\/script")


def _cells(dossier: Dossier, results: Results) -> list[str]:
    """Return the cells that differ from the planned trial only on the axes."""
    planned_cell = dossier.labels
    keys = []
    for key in dossier.manifest.cells:
        labels = results.cell(key).labels
        if set(labels) != set(planned_cell) or results.cell(key).verdicts != dossier.main.verdicts:
            continue
        if labels.get("assumption") == planned_cell.get("assumption"):
            keys.append(key)
    return keys[:_MOST_CELLS]


def _first_trials(store: Store, results: Results, key: str, trials: int) -> dict[str, BatchResults]:
    return store.batch_results(results.cell(key).study, 0, trials)


def _analysis(dossier: Dossier, number: int) -> dict[str, Any]:
    analysis = dossier.assembled.built.study.analyses[number]
    measured = analysis.scale == MODEL_SCALE and analysis.endpoint in MEASURES
    background = dossier.background[number]
    return {
        "name": dossier.assembled.built.study.names[number],
        "label": f"{background.label}, {background.when}",
        "sign": MEASURES[analysis.endpoint].benefit_sign if measured else 1,
        "unit": MEASURES[analysis.endpoint].model_unit if measured else analysis.scale,
        "target": background.target,
        "thresholds": measured,
    }


def _scales(answers: BatchResults, name: str) -> list[float]:
    """Return the largest absolute value of each analysis, which maps to the largest integer."""
    largest = []
    for estimates in answers.estimates:
        values = np.abs(getattr(estimates, name))
        finite = values[np.isfinite(values)]
        largest.append(float(finite.max()) if finite.size and finite.max() > 0 else 1.0)
    return largest


def _pack(answers: BatchResults) -> "np.ndarray[Any, np.dtype[np.int16]]":
    """Return integers (quantity, analysis, trial): z of the test, effect, standard error."""
    effect, se = _scales(answers, "effect"), _scales(answers, "se")
    rows = np.empty((3, len(answers.estimates), answers.missing.shape[1]), dtype="<i2")
    for number, estimates in enumerate(answers.estimates):
        with np.errstate(invalid="ignore"):
            z = np.clip(-ndtri(estimates.p), -_Z_LIMIT, _Z_LIMIT)
        for quantity, (values, largest) in enumerate(
            ((z, _Z_LIMIT), (estimates.effect, effect[number]), (estimates.se, se[number]))
        ):
            rows[quantity, number] = _quantise(values, largest)
    return rows


def _quantise(values: Floats, largest: float) -> Floats:
    steps = np.round(np.clip(values, -largest, largest) / largest * _STEPS)  # inf to the largest
    return np.where(np.isfinite(steps), steps, _FAILED)


def _spec() -> dict[str, Any]:
    """Return the Vega-Lite chart; the script supplies its rows."""
    import altair as alt  # noqa: PLC0415 - a second, and only a page needs it

    from phase2sim.reporting.figures.drawing import (  # noqa: PLC0415
        EVIDENCE,
        FAINT,
        TREATED,
        styled_chart,
    )

    order = ["go", "consider", "stop"]
    colour = alt.Color(
        "decision:N", title=None, legend=alt.Legend(orient="top"),
        scale=alt.Scale(domain=order, range=[EVIDENCE, "#a16207", TREATED]),
    )  # fmt: skip
    x = alt.X(
        "patients:Q", title="patients in all arms", axis=alt.Axis(tickCount=8),
        scale=alt.Scale(zero=False, nice=False),
    )  # fmt: skip
    y = alt.Y("share:Q", title="share of trials", scale=alt.Scale(domain=[0, 1]))
    base = alt.Chart(alt.NamedData("points")).encode(x=x, color=colour)
    tips: Sequence[str] = ("patients:Q", "decision:N", "share:Q", "low:Q", "high:Q")
    layers = (
        alt.Chart(alt.NamedData("chosen"))
        .mark_rule(color=FAINT, strokeDash=[3, 3])
        .encode(x="patients:Q"),
        base.mark_area(opacity=0.2).encode(y=alt.Y("low:Q"), y2="high:Q"),
        base.mark_line(strokeWidth=2).encode(y=y),
        base.mark_point(filled=True, size=45, opacity=1).encode(y=y, tooltip=list(tips)),
    )
    chart = alt.layer(*layers).properties(width="container", height=300)
    empty: Mapping[str, list[Any]] = {"points": [], "chosen": []}
    spec: dict[str, Any] = styled_chart(chart).to_dict()
    spec["autosize"] = {"type": "fit", "contains": "padding"}
    spec["datasets"] = dict(empty)
    return spec
