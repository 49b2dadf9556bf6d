"""The report in a real browser: nothing is fetched, controls decide anew, every width, paper."""

import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import norm
from support.browser import Page, needs_chromium, opened
from support.small_reports import TRIALS

from phase2sim.reporting.report.full_report import full_report
from phase2sim.reporting.report.html_page import html_page
from phase2sim.studies.dossier.dossier import Dossier
from phase2sim.studies.dossier.embedded_record import read_record
from phase2sim.studies.store.results_folder import open_store
from phase2sim.studies.sweeps.results import Results

ROOT = Path(__file__).parents[3]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
# Set controls, by their id, and return the sentence that the page then says.
SET = """(values => {
  for (const [id, value] of Object.entries(values)) {
    const field = document.getElementById(id);
    field.value = value;
    field.dispatchEvent(new Event(field.tagName === "SELECT" ? "change" : "input"));
  }
  return document.getElementById("explorer-answer").textContent;
})"""
AS_OPENED = {
    "x-truth": "target", "x-axis-effect": "1", "x-axis-dropout": "0.1", "x-patients": "20",
    "x-alpha": "0.025", "x-lrv-0": "0", "x-tv-0": "0",
}  # fmt: skip

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def shown(page: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """Open the small report once for all tests."""
    with opened(page.as_uri(), tmp_path_factory.mktemp("profile")) as shown:
        shown.wait_until("document.querySelector('#explorer-chart svg') !== null")
        yield shown


def ask_explorer(page: Page, **controls: str) -> dict[str, float]:
    """Decision -> share of trials, as the page says it with these controls; others as opened."""
    controls_by_id = {"x-" + key.replace("_", "-"): value for key, value in controls.items()}
    answer = page.ask(f"{SET}({json.dumps(AS_OPENED | controls_by_id)})")
    assert f"{TRIALS} trials, none failed" in answer, answer
    return {name: float(share) for name, share in re.findall(r"(\w+) (\d\.\d+) ±", answer)}


def stored(dossier: Dossier, truth: str, **labels: object) -> Any:  # noqa: ANN401 - estimates of one analysis
    """Estimates of the cell at these labels, others as planned."""
    store = open_store(dossier.folder)
    results = Results(store, dossier.manifest)
    wanted = {**dossier.labels, **labels}
    for key in dossier.manifest.cells:
        cell = results.cell(key)
        if dict(cell.labels) == wanted and truth in cell.truths:
            return store.batch_results(cell.study, 0, TRIALS)[truth].estimates[0]
    raise AssertionError(wanted)


def test_it_opens_without_a_complaint_and_fetches_nothing(shown: Page, page: Path) -> None:
    assert shown.complaints == []
    assert shown.requests == [page.as_uri()]
    assert shown.ask("performance.getEntriesByType('resource').length") == 0


@pytest.mark.parametrize(
    ("controls", "truth", "labels"),
    [
        ({}, "target", {}),
        ({"alpha": "0.2"}, "target", {}),
        ({"patients": "40"}, "target", {"patients": 40}),
        ({"axis_effect": "1.5"}, "target", {"effect": 1.5}),
        ({"axis_dropout": "0.2"}, "target", {"dropout": 0.2}),
        ({"truth": "null", "alpha": "0.1"}, "null", {}),
    ],
    ids=str,
)
def test_moved_controls_decide_as_the_stored_trials_do(
    shown: Page,
    dossier: Dossier,
    controls: dict[str, str],
    truth: str,
    labels: dict[str, object],
) -> None:
    p = stored(dossier, truth, **labels).p

    go = ask_explorer(shown, **controls)["go"]

    alpha = float(controls.get("alpha", "0.025"))
    # A p-value is kept to 1 part in 4,000 of a standard error: one trial may be on the line.
    assert go == pytest.approx((p <= alpha).mean(), abs=1.0 / TRIALS + 0.0005)


def test_thresholds_decide_as_the_stored_trials_do(shown: Page, dossier: Dossier) -> None:
    lower, target, alpha = 0.05, 0.2, 0.1
    batch = stored(dossier, "target")
    beyond = (batch.effect - lower) / batch.se >= norm.isf(alpha)
    enough = batch.effect >= target

    shares = ask_explorer(shown, lrv_0=str(lower), tv_0=str(target), alpha=str(alpha))

    assert shares["go"] == pytest.approx((beyond & enough).mean(), abs=1.0 / TRIALS + 0.0005)
    assert shares["consider"] == pytest.approx((beyond ^ enough).mean(), abs=1.0 / TRIALS + 0.0005)
    assert sum(shares.values()) == pytest.approx(1.0, abs=0.002)  # three rounded shares


def test_moved_controls_redraw_the_curves(shown: Page) -> None:
    lines = "[...document.querySelectorAll('#explorer-chart path')].map(p => p.outerHTML).join()"
    ask_explorer(shown)
    shown.wait_until(f"window.before = {lines}")

    ask_explorer(shown, alpha="0.3")

    shown.wait_until(f"window.before !== {lines}")  # fails after its patience


@pytest.mark.parametrize("width", [1400, 400])
def test_nothing_scrolls_sideways_but_boxes_made_for_it(shown: Page, width: int) -> None:
    shown.resize(width)

    assert shown.ask("innerWidth") == width
    assert shown.ask("document.documentElement.scrollWidth") == width
    beyond = shown.ask(f"""[...document.querySelectorAll("main *")].filter(box =>
      !box.closest(".scroll, pre, #explorer-chart") &&
      box.getBoundingClientRect().right > {width} + 1).map(box => box.tagName)""")
    assert beyond == []


def test_figures_fit_a_telephone(shown: Page) -> None:
    shown.resize(400)

    wide = shown.ask("""[...document.querySelectorAll("figure .scroll")].filter(box =>
      box.scrollWidth > box.clientWidth + 1).map(box => box.getAttribute("aria-label"))""")
    # The reported table is one figure with three columns of words.
    assert [name for name in wide if "reported" not in name] == []


def test_it_prints_to_pages_whose_text_can_be_selected(shown: Page) -> None:
    printed = shown.printed()

    assert len(re.findall(rb"/Type /Page\b", printed)) > 3
    assert printed.count(b"/ToUnicode") > 0  # letters, not shapes
    streams = re.findall(rb"stream\r?\n(.*?)endstream", printed, re.DOTALL)
    streams_of_text = [zlib.decompress(stream) for stream in streams if stream.startswith(b"x")]
    assert sum(stream.count(b" Tj") for stream in streams_of_text) > 100


@pytest.mark.skipif(
    not AXE.is_file(), reason="no axe-core here: npm install --no-save --no-package-lock axe-core"
)
@pytest.mark.parametrize("width", [1400, 400])
def test_axe_finds_nothing_inaccessible(shown: Page, width: int) -> None:
    shown.resize(width)
    shown.ask(f"{AXE.read_text(encoding='utf-8')}; 1")

    violations = shown.ask(
        "axe.run(document).then(r => r.violations.map(v => [v.id, v.nodes.length]))"
    )

    assert violations == []


def test_any_title_is_only_text(tmp_path: Path, dossier: Dossier) -> None:
    title = "Alpha <!-- beta <script gamma </script> & ]]>"
    written = full_report(dossier)
    hostile = replace(written, title=title, record={**written.record, "command": title})
    path = tmp_path / "hostile.html"
    path.write_text(html_page(hostile), encoding="utf-8")

    with opened(path.as_uri(), tmp_path / "profile") as shown:
        shown.wait_until("document.querySelector('#explorer-chart svg') !== null")

        assert shown.complaints == []
        assert shown.ask("document.title") == title
        assert shown.ask("document.querySelector('h1').textContent") == title
        assert "trials" in shown.ask("document.querySelector('#explorer-answer').textContent")
    assert read_record(path)["command"] == title
