"""The explorer: stored trials in the page, decided anew in the browser as controls move."""

import base64
import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from scipy.special import ndtri

from phase2sim.core.arrays import Floats
from phase2sim.core.contracts import MODEL_SCALE
from phase2sim.core.endpoints import MEASURES
from phase2sim.reporting.report.document import Playground
from phase2sim.reporting.report.explorer_script import SCRIPT
from phase2sim.studies.dossier.dossier import Dossier
from phase2sim.studies.store.folder import Store, open_store
from phase2sim.studies.sweeps.results import Results
from phase2sim.trial.batch_results import BatchResults

_LARGEST = 1_800_000  # bytes of trials; as text 2.4 MB of a page that is to stay below 5
_BYTES = 6  # of one analysis of one trial: z, effect and standard error
_MOST_TRIALS = 1_000  # of a cell
_MOST_CELLS = 400
_STEPS = 32_000  # of a quantised number, to either side of 0
_FAILED = -32_768
_Z_LIMIT = 8.0


def playground(dossier: Dossier) -> Playground | None:
    """Take the first trials of the explorer's cells; None where there are fewer than two.

    None with interim looks or a safety rule too: the page's script decides on the final analysis
    alone.
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
        answers = _first(store, results, key, trials)
        for truth, found in answers.items():
            packed = _packed(found)
            parts.append(packed.ravel())
            labels = dict(results.cell(key).labels)
            here = {"cell": key, "truth": truth, "trials": int(packed.shape[2]), "begin": begin}
            scales = {"effect": _scales(found, "effect"), "se": _scales(found, "se")}
            cells.append({"at": labels, **here, **scales})
            begin += packed.size
    return Playground(
        {
            "analyses": [_analysis(dossier, number) for number in range(len(names))],
            "alpha": dossier.assembled.built.study.decision.one_sided_alpha,
            "place": dict(dossier.place),
            "cells": cells,
            "trials": base64.b64encode(np.concatenate(parts).tobytes()).decode(),
            "spec": _spec(),
        }
    )


def explorer_html(play: Playground) -> str:
    """Return the controls and the place of the chart; the script fills them."""
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
    data = json.dumps(play.data, allow_nan=False).replace("</", "<\\/")
    return (
        f'<script type="module">{_library()}</script>\n'
        f'<script type="application/json" id="explorer-data">{data}</script>\n'
        f'<script type="module">{SCRIPT}</script>\n'
    )


@cache
def _library() -> str:
    """Return the drawing library as one script: always the same, and seconds to put together."""
    import vl_convert  # noqa: PLC0415 - large, and only a page needs it

    bundle: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return bundle.replace("</script", "<\\/script")


def _cells(dossier: Dossier, results: Results) -> list[str]:
    """Cells whose analyses are those of the planned trial, nothing but the axes moved."""
    place = dossier.place
    found = []
    for key in dossier.manifest.cells:
        labels = results.cell(key).labels
        if set(labels) != set(place) or results.cell(key).verdicts != dossier.main.verdicts:
            continue
        if labels.get("assumption") == place.get("assumption"):
            found.append(key)
    return found[:_MOST_CELLS]


def _first(store: Store, results: Results, key: str, trials: int) -> dict[str, BatchResults]:
    return store.answers(results.cell(key).study, 0, trials)


def _analysis(dossier: Dossier, number: int) -> dict[str, Any]:
    analysis = dossier.assembled.built.study.analyses[number]
    measured = analysis.scale == MODEL_SCALE and analysis.endpoint in MEASURES
    known = dossier.background[number]
    return {
        "name": dossier.assembled.built.study.names[number],
        "label": f"{known.label}, {known.when}",
        "sign": MEASURES[analysis.endpoint].benefit_sign if measured else 1,
        "unit": MEASURES[analysis.endpoint].model_unit if measured else analysis.scale,
        "target": known.target,
        "thresholds": measured,
    }


def _scales(answers: BatchResults, name: str) -> list[float]:
    """Largest absolute value of each analysis: what the largest whole number stands for."""
    found = []
    for estimates in answers.estimates:
        values = np.abs(getattr(estimates, name))
        known = values[np.isfinite(values)]
        found.append(float(known.max()) if known.size and known.max() > 0 else 1.0)
    return found


def _packed(answers: BatchResults) -> "np.ndarray[Any, np.dtype[np.int16]]":
    """Whole numbers (quantity, analysis, trial): z of the test, effect, standard error."""
    effect, se = _scales(answers, "effect"), _scales(answers, "se")
    rows = np.empty((3, len(answers.estimates), answers.missing.shape[1]), dtype="<i2")
    for number, estimates in enumerate(answers.estimates):
        with np.errstate(invalid="ignore"):
            z = np.clip(-ndtri(estimates.p), -_Z_LIMIT, _Z_LIMIT)
        for quantity, (values, largest) in enumerate(
            ((z, _Z_LIMIT), (estimates.effect, effect[number]), (estimates.se, se[number]))
        ):
            rows[quantity, number] = _quantised(values, largest)
    return rows


def _quantised(values: Floats, largest: float) -> Floats:
    steps = np.round(values / largest * _STEPS)
    return np.where(np.isfinite(steps), steps, _FAILED)


def _spec() -> dict[str, Any]:
    """Return the chart as Altair writes it; its rows come from the script."""
    import altair as alt  # noqa: PLC0415 - a second, and only a page needs it

    from phase2sim.reporting.figures.drawing import EVIDENCE, FAINT, TREATED, dressed  # noqa: PLC0415

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
    spec: dict[str, Any] = dressed(chart).to_dict()
    spec["autosize"] = {"type": "fit", "contains": "padding"}
    spec["datasets"] = dict(empty)
    return spec
