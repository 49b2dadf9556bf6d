"""What a fit reads beside means and counts: quantiles, doses by weight, events, arms, effects."""

import re
from math import nan
from pathlib import Path

import numpy as np
import pytest
from support.evidence_text import (
    CLASS,
    CONTROL,
    DIFFERENCE,
    EFFECT,
    OWN,
    PRIOR,
    RANDOMISED,
    ROWS,
    SHARED,
    SINGLE,
    entry,
    load,
    load_own,
)

from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.evidence.reported import Normal, ReportedNumber

ROOT = Path(__file__).parents[2]
HBA1C = 'endpoint = "hba1c"\nmonth = 6\nunit = "%"\n'
WEIGHT = 'weight_kg = { normal = [35, 10] }\nweight_why = "a guess"\n'


def only(folder: Path, keys: str, study: str = CONTROL) -> ReportedNumber:
    (reported,) = load(folder, study + entry(keys)).reported
    return reported


def test_all_four_endpoints_are_modelled() -> None:
    assert set(ENDPOINTS) == {"hba1c", "c_peptide", "insulin", "glucose"}


def test_quartiles_become_the_endpoints_own_unit(tmp_path: Path) -> None:
    # IFCC from NGSP is 10.929 (x - 2.15): 54.645 is 7.15 % and 76.503 is 9.15 %
    keys = 'endpoint = "hba1c"\nmonth = 6\nunit = "mmol/mol"\nquartiles = [54.645, 76.503]'
    reported = only(tmp_path, f'{keys}\nquantile_method = "weibull"')

    assert reported.bounds == pytest.approx((7.15, 9.15))
    assert np.isnan(reported.value)
    assert reported.quantile_method == "weibull"
    assert not reported.unused


def test_range_stands_beside_quartiles_and_median(tmp_path: Path) -> None:
    three = ("quartiles = [7, 9]", "range = [6, 12]", "median = 8")
    evidence = load(tmp_path, CONTROL + "".join(entry(HBA1C + number) for number in three))

    assert [number.bounds for number in evidence.reported] == [(7.0, 9.0), (6.0, 12.0), None]
    assert {number.quantile_method for number in evidence.reported} == {"hazen"}


def test_sd_alone_is_a_number_of_its_own(tmp_path: Path) -> None:
    keys = 'endpoint = "glucose"\nmonth = 6\nunit = "mg/dL"\nsd = 36.032'
    reported = only(tmp_path, keys)

    assert (reported.statistic, reported.n) == ("sd", 40)
    assert reported.value == pytest.approx(2.0)  # 18.016 mg/dL are 1 mmol/L
    assert not reported.unused


def test_dose_per_day_is_divided_by_the_elicited_weight(tmp_path: Path) -> None:
    study = CONTROL + WEIGHT
    keys = 'endpoint = "insulin"\nmonth = 3\nunit = "IU/day"\n'
    reported = only(tmp_path, f"{keys}mean = 17.5\nsd = 7", study)

    assert (reported.value, reported.sd) == (pytest.approx(0.5), pytest.approx(0.2))
    assert (reported.unit, reported.by_weight, reported.unused) == ("U/kg/day", True, "")
    assert reported.status == "published"
    assert reported.as_reported.endswith("IU/day / elicited weight N(35, 10) kg")


def test_dose_per_kilogram_does_not_rest_on_the_weight(tmp_path: Path) -> None:
    keys = 'endpoint = "insulin"\nmonth = 3\nunit = "U/kg/day"\nmean = 0.5'
    reported = only(tmp_path, keys, CONTROL + WEIGHT)

    assert (reported.value, reported.by_weight) == (0.5, False)


def test_percent_change_is_kept_in_percent(tmp_path: Path) -> None:
    keys = 'endpoint = "insulin"\nmonth = 3\npercent_change = -44\nci95 = [-60, -28]'
    reported = only(tmp_path, keys)

    assert (reported.value, reported.months, reported.unused) == (-44.0, (0.0, 3.0), "")
    assert reported.se == pytest.approx(16 / 1.96, rel=1e-4)


def test_percentage_of_hba1c_depends_on_its_unit(tmp_path: Path) -> None:
    reported = only(tmp_path, 'endpoint = "hba1c"\nmonths = [0, 6]\npercent_change = -9')

    assert "depends on the unit" in reported.unused


def test_independence_is_a_dose_of_zero_at_the_end_of_its_span(tmp_path: Path) -> None:
    keys = 'endpoint = "insulin_independence"\nmonths = [3, 6]\ncount = 1\nof = 10'
    reported = only(tmp_path, keys)

    assert (reported.endpoint, reported.months) == ("insulin", (6.0,))
    assert (reported.beyond, reported.threshold, reported.value) == ("below", 0.0, 1.0)
    assert "month 6" in reported.note


def test_remission_is_read_from_hba1c_and_insulin(tmp_path: Path) -> None:
    reported = only(tmp_path, 'endpoint = "partial_remission"\nmonth = 12\ncount = 2\nof = 28')

    assert (reported.value, reported.n, reported.months) == (2.0, 28, (12.0,))
    assert reported.measured == ("hba1c", "insulin")
    assert reported.as_reported == "2 of 28 with IDAA1c of 9 or less"
    assert not reported.unused


@pytest.mark.parametrize(
    ("unit", "rate", "se"),
    [
        ("per patient-month", 0.1, 0.02),
        ("per patient-year", 1.2, 0.24),
        ("per 100 patient-years", 120.0, 24.0),
    ],
)
def test_rates_become_events_per_patient_month(
    tmp_path: Path, unit: str, rate: float, se: float
) -> None:
    keys = f'endpoint = "adverse_events"\nmonths = [0, 6]\nrate = {rate}\nse = {se}\n'
    reported = only(tmp_path, f'{keys}unit = "{unit}"')

    assert (reported.value, reported.se) == (pytest.approx(0.1), pytest.approx(0.02))
    assert not reported.unused


def test_events_and_patients_with_one_are_read_together(tmp_path: Path) -> None:
    keys = 'endpoint = "adverse_events"\nmonths = [0, 6]\n'
    two = entry(f"{keys}count = 6\nof = 10") + entry(f"{keys}events = 8\nn = 10")
    patients, events = load(tmp_path, CONTROL + two).reported

    assert (patients.value, patients.n, patients.beyond) == (6.0, 10, "")
    assert (events.value, events.n, events.months) == (8.0, 10, (0.0, 6.0))


def test_arms_of_a_randomised_study_know_who_was_treated(tmp_path: Path) -> None:
    evidence = load(tmp_path, RANDOMISED)

    treated = {arm.arm: (arm.treated, arm.design, arm.age_years) for arm in evidence.arms}
    assert treated == {
        "cells": (True, "randomised", 24.2),
        "placebo": (False, "randomised", None),
    }


def test_single_arm_is_treated_and_control_arm_is_not(tmp_path: Path) -> None:
    given = f"{HBA1C}mean = 8"
    single = load(tmp_path, SINGLE + entry(given) + EFFECT).arms
    control = load(tmp_path, CONTROL + entry(given)).arms

    assert [arm.treated for arm in (*single, *control)] == [True, False]


def test_difference_of_arms_is_of_both_arms_patients(tmp_path: Path) -> None:
    (reported,) = load(tmp_path, RANDOMISED).reported

    assert (reported.arm, reported.versus, reported.n) == ("cells", "placebo", 11)
    assert (reported.value, reported.months) == (-0.6, (6.0,))
    assert reported.se == pytest.approx(0.8 / 1.96, rel=1e-4)


def test_difference_without_a_spread_is_listed(tmp_path: Path) -> None:
    text = RANDOMISED.replace("ci95 = [-1.4, 0.2]\n", "").replace(CLASS, "")
    (reported,) = load(tmp_path, text).reported

    assert "cannot be weighed" in reported.unused


def test_class_effect_is_read(tmp_path: Path) -> None:
    evidence = load(tmp_path, RANDOMISED)

    assert evidence.effects == {}
    assert evidence.classes["hba1c"].between_trials_sd == 0.3
    assert evidence.classes["hba1c"].shape_options == {"half_time_months": 1.5}


def test_effect_has_a_prior_and_a_shared_part(tmp_path: Path) -> None:
    text = SINGLE + entry(f"{HBA1C}mean = 8") + EFFECT
    plain = load(tmp_path, text).effects["hba1c"]
    stated = load(tmp_path, text + PRIOR + SHARED).effects["hba1c"]

    assert (plain.prior, plain.shared, plain.before) == (None, 0.0, Normal(0.0, 0.5))
    assert (stated.shared, stated.before) == (0.3, Normal(-0.5, 0.4))


@pytest.mark.parametrize("step", [1, -1])
def test_file_of_effects_alone_replaces_those_of_the_others(tmp_path: Path, step: int) -> None:
    texts = [SINGLE + entry(f"{HBA1C}mean = 8") + EFFECT, EFFECT + PRIOR]
    evidence = load(tmp_path, *texts[::step])

    assert evidence.effects["hba1c"].prior == Normal(-0.5, 0.4)


def test_file_of_effects_alone_goes_with_a_class(tmp_path: Path) -> None:
    evidence = load(tmp_path, RANDOMISED, EFFECT + PRIOR)

    assert evidence.effects["hba1c"].prior == Normal(-0.5, 0.4)


def test_own_data_are_on_the_model_scale_one_row_a_patient(tmp_path: Path) -> None:
    (data,) = load_own(tmp_path).individuals

    assert data.columns == (("hba1c", 0.0), ("hba1c", 6.0), ("insulin", 6.0))
    # 65.574 / 10.929 + 2.15 = 8.15, 54.645 / 10.929 + 2.15 = 7.15, root of 0.49; p1 before p2
    expected = [[8.15, nan, 0.7], [nan, 7.15, 0.0]]
    np.testing.assert_allclose(data.value, expected)
    assert (data.study, data.arm, data.source, data.number) == ("Small", "control", "made up", 1)


def test_own_data_of_a_single_arm_need_its_effect(tmp_path: Path) -> None:
    insulin = EFFECT.replace("hba1c", "insulin")
    evidence = load_own(tmp_path, text=SINGLE + OWN + EFFECT + insulin)

    assert set(evidence.effects) == {"hba1c", "insulin"}


def test_own_data_stand_beside_summaries_of_other_visits(tmp_path: Path) -> None:
    evidence = load_own(tmp_path, text=CONTROL + OWN + entry(f"{HBA1C}mean = 8").replace("6", "9"))

    assert (len(evidence.individuals), len(evidence.reported)) == (1, 1)


def test_order_of_rows_does_not_change_the_digest(tmp_path: Path) -> None:
    heading, *rows = ROWS.splitlines()
    turned = "\n".join([heading, *reversed(rows)]) + "\n"

    assert load_own(tmp_path).digest == load_own(tmp_path, turned).digest


def test_value_of_a_patient_changes_the_digest(tmp_path: Path) -> None:
    changed = ROWS.replace("0.49", "0.50")

    assert load_own(tmp_path).digest != load_own(tmp_path, changed).digest


PAIR = entry(f"{HBA1C}quartiles = [7, 9]") + entry(
    'endpoint = "insulin"\nmonth = 3\nmedian = 17.5\nunit = "IU/day"'
)
WEIGHED = SINGLE + "age_years = 11\n" + WEIGHT + PAIR + EFFECT
WEIGHED += PRIOR + SHARED + EFFECT.replace("hba1c", "insulin")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("age_years = 11", "age_years = 12"),
        ("age_years = 11", ""),
        ("[35, 10]", "[35, 9]"),
        ("[7, 9]", "[7, 9.1]"),
        ("quartiles = [7, 9]", 'quartiles = [7, 9]\nquantile_method = "linear"'),
        ("quartiles", "range"),
        ("[-0.5, 0.4]", "[-0.5, 0.3]"),
        (PRIOR, ""),
        ("shared = 0.3", "shared = 0.2"),
    ],
)
def test_digest_changes_with_what_the_new_keys_say(tmp_path: Path, old: str, new: str) -> None:
    before = load(tmp_path, WEIGHED)
    after = load(tmp_path, WEIGHED.replace(old, new, 1))

    assert before.digest != after.digest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("between_trials_sd = 0.3", "between_trials_sd = 0.2"),
        ("sceptical_sd = 0.5", "sceptical_sd = 0.4"),
        ("[-1.4, 0.2]", "[-1.4, 0.3]"),
        ('arm = "cells"\nversus = "placebo"', 'arm = "placebo"\nversus = "cells"'),
    ],
)
def test_digest_changes_with_the_class(tmp_path: Path, old: str, new: str) -> None:
    before = load(tmp_path, RANDOMISED)
    after = load(tmp_path, RANDOMISED.replace(old, new, 1))

    assert before.digest != after.digest


def test_digest_changes_with_who_was_treated(tmp_path: Path) -> None:
    text = RANDOMISED.replace(DIFFERENCE, DIFFERENCE + "unused = 'set aside'\n")
    swapped = text.replace("true", "x").replace("false", "true").replace("x", "false")

    assert load(tmp_path, text).digest != load(tmp_path, swapped).digest


def test_reason_and_why_do_not_change_the_digest(tmp_path: Path) -> None:
    before = load(tmp_path, WEIGHED)
    after = load(tmp_path, WEIGHED.replace("a guess", "the CDC").replace('"ours"', '"mine"'))

    assert before.digest == after.digest


def test_examples_of_the_guide_are_sound_files(tmp_path: Path) -> None:
    guide = (ROOT / "docs" / "guide" / "evidence.md").read_text(encoding="utf-8")
    parts = re.split(r"^## ", guide, flags=re.MULTILINE)
    files = {
        part.splitlines()[0]: re.findall(r"```toml\n(.*?)```", part, re.DOTALL) for part in parts
    }
    (csv,) = re.findall(r"```\n(id,.*?)```", guide, re.DOTALL)
    stated, enthusiast = files["Assumptions for a single arm"]
    (trial,) = files["Randomised trials, and assumptions about their class"]
    (data,) = files["Individual data"]
    phase_1 = [*files["The study"], *files["A reported number"], stated]
    phase_1 += [stated.replace("hba1c", name) for name in ("c_peptide", "insulin")]

    single = load(tmp_path, "\n".join(phase_1), enthusiast)
    randomised = load(tmp_path, trial)
    (tmp_path / "our-patients.csv").write_text(csv)
    individual = load(tmp_path, data)

    assert len(single.reported) == 10
    assert all(not number.unused for number in single.reported)
    assert set(single.effects) == {"hba1c", "c_peptide", "insulin"}
    assert single.effects["hba1c"].prior == Normal(-0.5, 0.4)
    assert set(randomised.classes) == {"hba1c"}
    assert individual.individuals[0].value.shape == (2, 3)
