"""The page docs/methods/held-out.md: summaries of scores, and every number with its intervals."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np
from calibration.left_out import REPLICAS, LeftOut
from calibration.scores import (
    RESAMPLES,
    SD_LIMITS,
    SHARE_LIMITS,
    Share,
    Summary,
    independent_scores,
    is_calibrated,
    normal_score,
    summarise,
)

from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.evidence.reported import LOCATIONS, Evidence
from phase2sim.prior.storage import MODEL_VERSION

type Numbers = Mapping[str, Sequence[LeftOut]]  # by study

QUANTILES = (0.025, 0.25, 0.75, 0.975)
LEVEL, SPREAD, COURSE = "means, medians, counts", "SDs, quartile widths", "changes, correlations"
ALL = "all numbers"
COURSE_ROW = f"{COURSE}: all"
REST = f"all but {COURSE}"
COLUMNS = ("scores of", "numbers", "studies", "mean z", "SD about 0", "in 50 %", "in 95 %")
COLUMNS += ("given those before: SD about 0", "in 50 %", "in 95 %")
WORDS = """# Studies left out

Each study of `priors/t1d-natural-history.toml` was left out in turn and the model fitted to the
others. The report of the study was then simulated {replicas:,} times, with its number of patients,
window, visits and age, and with a new level, slope, SD and correlation.

The score z of a reported number is the normal quantile of its rank among the simulated ones
(probability integral transform, mid-rank for ties). If predictions are as wide as they should be, z
is standard normal: its SD about 0 is 1, and half of all numbers lie in their 50 % interval. With an
SD above 1 predictions are too narrow, below 1 too wide. The criterion is an SD about 0 between
{sd_limits} and {share_limits} of the numbers in their 50 % interval.

Numbers of one study share its level and its patients, so their scores are correlated: a study that
lies high lies high at every visit. The standard errors in brackets are from {resamples:,} resamples
of whole studies. On the right each score is standardised given those before it in its study, by the
correlations of the simulated reports: these scores are independent if the model is right. A level
that varies less than predicted narrows the left ones; a course or a second arm that departs more
from the first number than predicted widens the right ones alone.

{verdict}

{header}
|---|---|---|---|---|---|---|---|---|---|
{summaries}

## Every number

| study | number | reported | 50 % of a new study | 95 % of a new study | z |
|---|---|---|---|---|---|
{rows}

Written by `uv run python tests/calibration/held_out.py` on {day}, evidence {digest}, version
{version} of the model. The fits are shorter than those that are kept: {fits}.
"""


def page(evidence: Evidence, numbers: Numbers, fits: str) -> str:
    """The page; ``fits`` says how good the fits were."""
    summaries = summaries_of(numbers)
    return WORDS.format(
        replicas=REPLICAS,
        resamples=RESAMPLES,
        sd_limits=" and ".join(map(str, SD_LIMITS)),
        share_limits=" to ".join(f"{share:.0%}" for share in SHARE_LIMITS).replace("%", " %"),
        verdict=_verdict(*summaries[ALL]) + _without_courses(summaries),
        header=f"| {' | '.join(COLUMNS)} |",
        summaries="\n".join(_summary_row(name, *of) for name, of in summaries.items()),
        rows="\n".join(_row(one) for of in numbers.values() for one in of),
        day=f"{datetime.now(tz=UTC):%Y-%m-%d}",
        digest=evidence.digest[:12],
        version=MODEL_VERSION,
        fits=fits,
    )


def summaries_of(numbers: Numbers) -> Mapping[str, tuple[Summary, Summary]]:
    """Summaries of scores, and of scores given those before them in the study.

    By kind and endpoint, by kind, by endpoint, and of all.
    """
    every = [one for of in numbers.values() for one in of]
    endpoints = sorted({one.entry.endpoint for one in every})
    groups = {
        f"{kind}: {_label(endpoint) if endpoint else 'all'}": (kind, endpoint)
        for kind in (LEVEL, SPREAD, COURSE)
        for endpoint in (*endpoints, "")
    }
    groups |= {f"all numbers: {_label(endpoint)}": ("", endpoint) for endpoint in endpoints}
    groups[REST] = REST, ""
    groups[ALL] = "", ""
    scores = _scores(numbers), {study: _given_before(of) for study, of in numbers.items()}
    found = {}
    for name, (kind, endpoint) in groups.items():
        chosen = [_chosen(numbers, of, kind, endpoint) for of in scores]
        if any(chosen[0].values()):
            alone, given_before = map(summarise, chosen)
            found[name] = alone, given_before
    return found


def kind_of(one: LeftOut) -> str:
    """Group of the summaries that a number belongs to."""
    if one.what in {*LOCATIONS, "count"}:
        return LEVEL
    widths = ("SD", "SD given the first visit", "quartile width", "width of the range")
    return SPREAD if one.what in widths else COURSE


def _chosen(
    numbers: Numbers, scores: Mapping[str, list[float]], kind: str, endpoint: str
) -> Mapping[str, list[float]]:
    """Scores of one kind and endpoint; "" is any."""
    return {
        study: [
            score
            for one, score in zip(of, scores[study], strict=True)
            if _is_of(kind_of(one), kind) and endpoint in {"", one.entry.endpoint}
        ]
        for study, of in numbers.items()
    }


def _is_of(own: str, kind: str) -> bool:
    return kind in {"", own} or (kind == REST and own != COURSE)


def _scores(numbers: Numbers) -> Mapping[str, list[float]]:
    return {
        study: [normal_score(one.reported, one.simulated) for one in of]
        for study, of in numbers.items()
    }


def _given_before(of: Sequence[LeftOut]) -> list[float]:
    reported = np.array([one.reported for one in of])
    simulated = np.column_stack([one.simulated for one in of])
    return [float(z) for z in independent_scores(reported, simulated)]


def _verdict(found: Summary, given_before: Summary) -> str:
    word = "is met" if is_calibrated(found) else "is not met"
    half, most = (_percent(share) for share in found.inside)
    return (
        f"**The criterion {word}**: of {found.numbers} numbers of {found.studies} studies the SD of"
        f" z about 0 is {found.about_zero.value:.2f} ({found.about_zero.se:.2f}); {half} lie in"
        f" their 50 % interval and {most} in their 95 % interval. Given the numbers before them the"
        f" SD is {given_before.about_zero.value:.2f} ({given_before.about_zero.se:.2f}), with"
        f" {_percent(given_before.inside[0])} in the 50 % interval."
    )


def _without_courses(summaries: Mapping[str, tuple[Summary, Summary]]) -> str:
    """Say whether the criterion is met by narrow predictions that make up for wide ones."""
    if REST not in summaries or COURSE_ROW not in summaries:
        return ""
    (courses, _), (rest, _) = summaries[COURSE_ROW], summaries[REST]
    word = "meet" if is_calibrated(rest) else "do not meet"
    return (
        f" The {courses.numbers} {COURSE}, of {courses.studies} studies, have an SD of"
        f" {courses.about_zero.value:.2f}; the other {rest.numbers} numbers alone {word} the"
        f" criterion, with an SD of {rest.about_zero.value:.2f} ({rest.about_zero.se:.2f}) and"
        f" {_percent(rest.inside[0])} in their 50 % interval."
    )


def _summary_row(name: str, of: Summary, given_before: Summary) -> str:
    cells = (
        name,
        str(of.numbers),
        str(of.studies),
        *(f"{share.value:.2f} ({share.se:.2f})" for share in (of.mean, of.about_zero)),
        *(_percent(share) for share in of.inside),
        f"{given_before.about_zero.value:.2f} ({given_before.about_zero.se:.2f})",
        *(_percent(share) for share in given_before.inside),
    )
    return f"| {' | '.join(cells).replace('nan', '-')} |"


def _percent(share: Share) -> str:
    return f"{100 * share.value:.0f} ({100 * share.se:.0f}) %"


def _row(one: LeftOut) -> str:
    entry = one.entry
    unit = "patients" if one.what == "count" else ""
    if entry.endpoint in ENDPOINTS and one.what != "correlation":
        endpoint = ENDPOINTS[entry.endpoint]
        unit = endpoint.model_unit if entry.on_model_scale else endpoint.unit
    months = " to ".join(f"{month:g}" for month in entry.months)
    clock = " from diagnosis" if entry.clock == "diagnosis" else ""
    size = f" (n = {entry.n})" if entry.n else ""
    low, lower, upper, high = np.quantile(one.simulated, QUANTILES)
    cells = (
        f"{entry.study}, {entry.arm}{size}",
        f"{_label(entry.endpoint)}, month {months}{clock}, {one.what}",
        f"{one.reported:.3g} {unit}".strip(),
        f"{lower:.3g} to {upper:.3g}",
        f"{low:.3g} to {high:.3g}",
        f"{normal_score(one.reported, one.simulated):+.2f}",
    )
    return f"| {' | '.join(cells)} |"


def _label(endpoint: str) -> str:
    return ENDPOINTS[endpoint].label if endpoint in ENDPOINTS else "partial remission"
