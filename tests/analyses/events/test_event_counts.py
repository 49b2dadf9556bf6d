"""Counted events: analysed from a data file, refused where they do not fit or not simulated."""

from pathlib import Path

import pytest
from support.readings import rows_of
from support.small_trials import assembled, one_endpoint, scenario

from phase2sim.core.errors import BadData, BadScenario
from phase2sim.scenario.assembly.assemble import build_scenario
from phase2sim.studies.real_data import analyse

C_PEPTIDE = {"endpoint": "c_peptide", "month": 12, "method": "ancova"}
ROWS = [row for row in rows_of("analysis.csv") if row["dataset"].startswith("c")]


def counting(method: str, **keys: object) -> dict[str, object]:
    return {"endpoint": "adverse_events", "month": 12, "method": method} | keys


def written(path: Path, rows: list[dict[str, str]]) -> Path:
    lines = [f"{r['id']},{r['arm']},{r['months']},{r['events']}" for r in rows]
    path.write_text("\n".join(["id,arm,time,y", *lines]), encoding="utf-8")
    return path


@pytest.mark.parametrize("dataset", sorted({row["dataset"] for row in ROWS}))
@pytest.mark.parametrize("method", ["poisson", "negative_binomial"])
def test_a_data_file_of_counts_is_analysed_as_by_r(
    dataset: str, method: str, tmp_path: Path
) -> None:
    built = build_scenario(scenario(one_endpoint(analysis=[C_PEPTIDE, counting(method)])))
    file = written(tmp_path / "events.csv", rows_of(f"analysis/{dataset}.csv"))

    (found,) = analyse(built, file, "adverse_events").findings

    expected = {
        row["quantity"]: float(row["value"])
        for row in ROWS
        if row["dataset"] == dataset and row["method"] == f"{method} log rate ratio"
    }
    assert found.effect == pytest.approx(expected["est"], rel=1e-6)
    assert found.se == pytest.approx(expected["se"], rel=1e-4)
    assert found.p_two_sided == pytest.approx(expected["p"], rel=5e-4)
    assert found.scale == "log rate ratio"


def test_counts_whose_rate_is_not_said_are_not_simulated() -> None:
    table = one_endpoint(analysis=[C_PEPTIDE, counting("poisson")])

    with pytest.raises(BadScenario, match=r"no such events: events\.adverse_events is missing"):
        assembled(table)


@pytest.mark.parametrize(
    ("analysis", "part"),
    [
        (C_PEPTIDE | {"method": "poisson"}, "c_peptide is measured. Use one of: ancova"),
        (counting("ancova"), "is counted. Use one of: negative_binomial, poisson"),
        (counting("poisson", lloq=0.1), "counts have no such limit"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_does(
    analysis: dict[str, object], part: str
) -> None:
    with pytest.raises(BadScenario, match=part):
        build_scenario(scenario(one_endpoint(analysis=[C_PEPTIDE | {"name": "main"}, analysis])))


@pytest.mark.parametrize(
    ("lines", "part"),
    [
        (["id,arm,y", "1,0,2"], "column 'time' is missing"),
        (["id,arm,y,time", "1,0,2.5,3"], "line 2: y is '2.5'"),
        (["id,arm,y,time", "1,0,-1,3"], "line 2: y is '-1'"),
        (["id,arm,y,time", "1,0,1,-3"], "line 2: time is '-3'"),
    ],
)
def test_a_file_that_holds_no_counts_is_refused(
    lines: list[str], part: str, tmp_path: Path
) -> None:
    built = build_scenario(scenario(one_endpoint(analysis=[C_PEPTIDE, counting("poisson")])))
    file = tmp_path / "events.csv"
    file.write_text("\n".join(lines), encoding="utf-8")

    with pytest.raises(BadData, match=part):
        analyse(built, file, "adverse_events")
