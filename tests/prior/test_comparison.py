"""Sets of evidence side by side, and the pages and figures of checks."""

import json
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from scipy import stats
from support.commands import phase2sim, printed
from support.kept_prior import NAMES, UNTREATED, draws_for, keep, shipped_evidence

from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.prior.check import check_prior
from phase2sim.prior.comparison import compare_fitted
from phase2sim.prior.draws import PriorDraws
from phase2sim.reporting.figures.history_figures import published_points
from phase2sim.reporting.figures.pages import write_figures

PAGE = Path(__file__).parents[2] / "docs" / "guide" / "cli.md"
SETS = (" ".join(NAMES), " ".join(UNTREATED))
FETCHES = re.compile(r"<script|<link|<img|@import|url\(\s*['\"]?http|xlink:href=.http")


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for names in (NAMES, UNTREATED):
        keep(tmp_path, names)
    monkeypatch.setenv("PHASE2SIM_CACHE", str(tmp_path))
    return tmp_path


def with_effect(mean: float, sd: float) -> PriorDraws:
    """Draws whose effect on HbA1c is a normal, without sampling error."""
    prior = draws_for(shipped_evidence())
    quantiles = stats.norm.ppf((np.arange(len(prior.effect)) + 0.5) / len(prior.effect))
    effect = prior.effect.copy()
    effect[:, prior.endpoints.index("hba1c")] = mean + sd * quantiles
    return replace(prior, effect=effect)


def test_effects_of_each_set_stand_side_by_side() -> None:
    evidence = shipped_evidence()

    rows = compare_fitted([evidence, evidence], [with_effect(-0.5, 0.25), with_effect(0.3, 0.25)])

    hba1c = next(row for row in rows if row.endpoint == "hba1c")
    first, second = (side.effect for side in hba1c.sides)
    assert first is not None
    assert second is not None
    assert (first.mean, second.mean) == (pytest.approx(-0.5), pytest.approx(0.3))
    # 50 quantiles: a share is known to a hundredth.
    assert first.benefit is not None
    assert first.benefit.estimate == pytest.approx(stats.norm.cdf(2.0), abs=0.01)
    assert second.benefit is not None
    assert second.benefit.estimate == pytest.approx(stats.norm.cdf(-1.2), abs=0.01)
    assert first.benefit.mcse > 0


def test_more_benefit_is_up_where_higher_is_better() -> None:
    evidence = shipped_evidence()
    prior = draws_for(evidence)

    rows = compare_fitted([evidence, evidence], [prior, prior])

    for row in rows:
        effect = row.sides[0].effect
        draws = prior.effect[:, prior.endpoints.index(row.endpoint)]
        better = draws < 0 if ENDPOINTS[row.endpoint].lower_is_better else draws > 0
        assert effect is not None
        assert effect.benefit is not None
        assert effect.benefit.estimate == pytest.approx(better.mean())


@pytest.mark.usefixtures("kept")
def test_evidence_without_a_treated_arm_has_a_control_and_no_effect() -> None:
    rows = printed("prior", "compare", *SETS)

    for row in rows:
        treated, untreated = row["sets"]
        assert treated["effect"]["benefit_mcse"] > 0
        assert untreated["effect"] is None
        # The made-up draws of both are alike but for the effect.
        assert untreated["control"]["sd"] == pytest.approx(treated["control"]["sd"], rel=0.5)
    assert [row["endpoint"] for row in rows] == list(ENDPOINTS)


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize(
    "command", [("compare", *SETS), ("check", *NAMES), ("show", *NAMES)], ids=lambda c: c[0]
)
def test_every_field_is_in_the_guide(command: tuple[str, ...]) -> None:
    text = phase2sim("prior", *command, "--json").stdout

    outcomes = {"adverse_events", "serious_adverse_events"}
    fields = set(re.findall(r'^\s*"(\w+)":', text, re.MULTILINE)) - set(ENDPOINTS) - outcomes
    assert json.loads(text)
    for field in fields:
        assert f"`{field}`" in PAGE.read_text(encoding="utf-8"), field


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize("sets", [("gxipc1",), ("gxipc1", " ")])
def test_one_set_is_nothing_to_compare(sets: tuple[str, ...]) -> None:
    result = phase2sim("prior", "compare", *sets)

    assert result.exit_code == 2
    assert "needs two sets" in result.stderr


def test_a_page_holds_its_figures_and_fetches_nothing(kept: Path) -> None:
    page, compared_page = kept / "check.html", kept / "compare.html"

    first = phase2sim("prior", "check", *NAMES, "--out", page)
    second = phase2sim("prior", "compare", *SETS, "--out", compared_page)

    assert (first.exit_code, second.exit_code) == (0, 0), first.stderr + second.stderr
    text = page.read_text(encoding="utf-8")
    assert text.count("<svg") == len(ENDPOINTS) * 2 + 1  # effects, courses, the replica
    assert FETCHES.search(text + compared_page.read_text(encoding="utf-8")) is None
    assert "the effect under each set of evidence" in compared_page.read_text(encoding="utf-8")


def test_pictures_are_drawn_into_a_folder(tmp_path: Path) -> None:
    evidence = shipped_evidence()

    write_figures(check_prior(evidence, draws_for(evidence)), tmp_path / "figures")

    for path in (tmp_path / "figures").iterdir():
        assert ET.fromstring(path.read_text(encoding="utf-8")).tag.endswith("svg")  # noqa: S314 - ours
    drawn = (tmp_path / "figures" / "effect-hba1c.svg").read_text(encoding="utf-8")
    assert "month 6: median 8.27 %" in drawn
    replica = (tmp_path / "figures" / "replica.svg").read_text(encoding="utf-8")
    assert "GXIPC1 phase 1, GXIPC1, month 3: HbA1c, median" in replica


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize("out", ["check.png", "check.pdf"])
def test_another_kind_of_picture_is_refused(tmp_path: Path, out: str) -> None:
    result = phase2sim("prior", "check", *NAMES, "--out", tmp_path / out)

    assert result.exit_code == 2
    assert "check.html" in result.stderr


@pytest.mark.usefixtures("kept")
def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    folder = phase2sim("prior", "check", *NAMES, "--out", tmp_path / "file" / "figures")
    page = phase2sim("prior", "check", *NAMES, "--out", tmp_path / "nowhere" / "a.html")

    assert (folder.exit_code, page.exit_code) == (2, 2)
    assert "hoose another" in folder.stderr
    assert "hoose another" in page.stderr


def test_published_points_stand_at_the_middle_of_their_window() -> None:
    points = published_points(shipped_evidence(), "hba1c")

    # PDC NeOn, from diagnosis: 7.3 % at month 6 (n = 857). GXIPC1, 0 to 12 months: month 3 is 9.
    assert any((p.month, p.value, p.patients) == (6.0, 7.3, 857) for p in points)
    assert any((p.month, p.value, p.treated) == (9.0, 7.41, True) for p in points)
    assert sum(p.treated for p in points) == 2
