"""What is kept of a calibration is found again, and only where nothing has changed."""

from dataclasses import replace
from pathlib import Path

import pytest
from calibration import cases_of_trials as trials
from calibration import kept
from calibration.cases import LOW_DOSES
from calibration.simulated import Calibration, Case

FOUND = Calibration("median, hba1c", 320, 0, {})


def judged(_: Case) -> Calibration:
    return FOUND


def test_what_was_found_is_kept_until_the_case_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "KEPT", tmp_path / "here")
    monkeypatch.setattr(kept, "judge", judged)
    assert not kept.is_kept(FOUND.name)

    kept.calibrated(FOUND.name)

    assert kept.kept(FOUND.name)[1] == FOUND
    changed = replace(trials.CASES[FOUND.name], priors=LOW_DOSES)
    monkeypatch.setitem(trials.CASES, FOUND.name, changed)
    assert not kept.is_kept(FOUND.name)


def test_every_case_has_a_name_of_its_own() -> None:
    names = [one.name for group in trials.GROUPS for one in group()]

    assert sorted(names) == sorted(set(names))
    assert set(names) == set(trials.CASES)
