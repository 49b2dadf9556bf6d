"""Damaged quantiles, doses, events, randomised arms, effects and own data are refused by name."""

from pathlib import Path

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
    SINGLE,
    TRIAL,
    entry,
    load,
    load_own,
)

from phase2sim.core.errors import BadEvidence

VISIT = 'endpoint = "hba1c"\nmonth = 6\nunit = "%"\n'
SPAN = 'endpoint = "insulin"\nmonths = [0, 6]\n'
DOSE = 'endpoint = "insulin"\nmonth = {}\nunit = "U/kg/day"\n'
EVENTS = 'endpoint = "adverse_events"\nmonths = [0, 6]\n'
SERIOUS = EVENTS.replace("adverse", "serious_adverse", 1)
BETWEEN = "between_trials_sd = 0.3"
AGE = "age_years = { normal = [12, 2.5] }\n"
WEIGHT = "weight_kg = { normal = [35, 10] }\n"
ARM = 'study = "Trial"\narm = "{}"\n'


def visit(*numbers: str) -> str:
    return CONTROL + "".join(entry(VISIT + number) for number in numbers)


def span(*tables: str) -> str:
    return CONTROL + "".join(entry(table) for table in tables)


def both(statistic: str, *more: str) -> str:
    doses = [DOSE.format(month) + f"{statistic} = 0.5" for month in (0, 6)]
    return span(*doses, *more)


def of_events(*numbers: str) -> str:
    return span(*(EVENTS + number for number in numbers))


# what the file says, the key that the message must name, and words of the reason
REFUSED: list[tuple[str, str, str]] = [
    # quartiles and range
    (visit("quartiles = [9, 7]"), "reported[1].quartiles", "lower must come first"),
    (visit("quartiles = [7, 7]"), "reported[1].quartiles", "lower must come first"),
    (visit("range = [9, 7]"), "reported[1].range", "lower must come first"),
    (visit("quartiles = [7]"), "reported[1].quartiles", "values are missing"),
    (visit("quartiles = [0.07, 0.09]"), "reported[1].quartiles", "For 7 % write 7"),
    (visit("quartiles = [7, 9]\nn = 3"), "reported[1].n", "needs 4 or more"),
    (visit("range = [7, 9]\nn = 1"), "reported[1].n", "needs 2 or more"),
    (visit('quartiles = [7, 9]\nquantile_method = "R"'), "quantile_method", "'weibull'"),
    (visit('median = 7\nquantile_method = "weibull"'), "quantile_method", "does not belong"),
    (visit("quartiles = [7, 9]", "quartiles = [7, 9.1]"), "reported[2].quartiles", "entry 1"),
    (visit("median = 6.5", "quartiles = [7, 9]"), "reported[2].quartiles", "median of entry 1"),
    (visit("range = [7, 9]", "median = 9.5"), "reported[1].range", "median of entry 2"),
    (visit("range = [7, 9]", "quartiles = [6, 8]"), "reported[1].range", "quartiles of entry 2"),
    (visit("mean = 8\nsd = 1", "quartiles = [7, 9]"), "reported[2].quartiles", "entry 1"),
    (visit("quartiles = [7, 9]", "sd = 1"), "reported[2].sd", "entry 1"),
    (visit("mean = 8\nsd = 1", "sd = 1.1"), "reported[2].sd", "entry 1"),
    (visit("sd = 0"), "reported[1].sd", "above 0"),
    (visit("sd = 1\nn = 1"), "reported[1].n", "needs 2 or more"),
    # a percentage given as a fraction
    (visit("mean = 0.08"), "reported[1].mean", "For 8 % write 8"),
    (span(SPAN + "percent_change = -0.44"), "percent_change", "For -44 % write -44"),
    (span(SPAN + "percent_change = -100"), "percent_change", "above -100"),
    (span(SPAN + "percent_change = -44\nse = 0"), "reported[1].se", "above 0"),
    (span(SPAN + "percent_change = -44\nci95 = [-40, -20]"), "reported[1].ci95", "does not hold"),
    # the same thing twice
    (both("median", SPAN + "percent_change = -4"), "reported[3].percent_change", "1 and 2"),
    (both("mean", SPAN + "percent_change = -4"), "reported[3].percent_change", "1 and 2"),
    (
        both("mean", SPAN + 'change = -0.1\nsd = 0.2\nunit = "U/kg/day"'),
        "reported[3].change",
        "entries 1 and 2",
    ),
    (
        span(SPAN + "percent_change = -4", SPAN + 'change = -1\nsd = 1\nunit = "U/kg/day"'),
        "reported[2].change",
        "percent change of entry 1",
    ),
    (
        visit("count = 3\nof = 40\nbelow = 7", "count = 37\nof = 40\nabove = 7"),
        "reported[2].count",
        "entry 1",
    ),
    # doses by weight
    (CONTROL + WEIGHT + entry(VISIT + "mean = 8"), "study.weight_why", "say why"),
    (CONTROL + 'weight_why = "x"' + entry(VISIT + "mean = 8"), "study.weight_why", "weight_kg"),
    (
        CONTROL + WEIGHT.replace("35", "0.035") + 'weight_why = "x"' + entry(VISIT + "mean = 8"),
        "study.weight_kg.normal[1]",
        "between 2 and 300 kg",
    ),
    (
        CONTROL + WEIGHT.replace("10", "0") + 'weight_why = "x"' + entry(VISIT + "mean = 8"),
        "study.weight_kg.normal[2]",
        "above 0",
    ),
    (CONTROL + AGE + entry(VISIT + "mean = 8"), "study.age_why", "say why"),
    (
        CONTROL + 'age_years = 9\nage_why = "x"' + entry(VISIT + "mean = 8"),
        "study.age_why",
        "without",
    ),
    (
        CONTROL + AGE.replace("12", "0") + 'age_why = "x"' + entry(VISIT + "mean = 8"),
        "study.age_years.normal[1]",
        "between 0.1 and 110",
    ),
    (
        CONTROL + AGE.replace("2.5", "7") + 'age_why = "x"' + entry(VISIT + "mean = 8"),
        "study.age_years.normal[2]",
        "half of the mean",
    ),
    (CONTROL + "age_years = 0" + entry(VISIT + "mean = 8"), "study.age_years", "above 0"),
    (CONTROL + "age_years = 240" + entry(VISIT + "mean = 8"), "study.age_years", "above 110"),
    (
        span('endpoint = "insulin_independence"\nmonth = 6\nmean = 1\nunit = "%"'),
        "reported[1].endpoint",
        "count of patients",
    ),
    (
        span('endpoint = "insulin_independence"\nmonth = 6\ncount = 1\nof = 9\nbelow = 1'),
        "reported[1].below",
        "does not fit",
    ),
    (
        span('endpoint = "partial_remission"\nmonths = [0, 6]\ncount = 1\nof = 9'),
        "reported[1].months",
        "Write month",
    ),
    (
        span('endpoint = "partial_remission"\nmonth = 6\ncount = 1\nof = 9\nbelow = 9\nunit = "%"'),
        "reported[1].endpoint",
        "count of patients",
    ),
    (
        span('endpoint = "partial_remission"\nmonth = 6\ncount = 1\nof = 9\nbelow = 9'),
        "reported[1].below",
        "does not fit",
    ),
    (
        span('endpoint = "partial_remission"\nmonth = 6\nmedian = 8\nunit = "%"'),
        "reported[1].endpoint",
        "count of patients",
    ),
    (
        SINGLE + entry('endpoint = "partial_remission"\nmonth = 6\ncount = 1\nof = 9') + EFFECT,
        "effect.insulin",
        "missing",
    ),
    # events
    (of_events("count = 9\nof = 8"), "reported[1].count", "cannot exceed of = 8"),
    (of_events("count = 6\nof = 10\nbelow = 7"), "reported[1].below", "does not fit"),
    (of_events("mean = 6"), "reported[1].mean", "are counted"),
    (of_events("events = 6.5"), "reported[1].events", "whole number"),
    (of_events('events = 6\nunit = "%"'), "reported[1].unit", "Remove it"),
    (of_events("count = 6\nof = 10", "events = 5"), "reported[1].count", "entry 2"),
    (of_events("count = 6\nof = 10", "count = 5\nof = 10"), "reported[2].count", "entry 1"),
    (of_events("count = 31\nof = 40", "events = 50"), "reported[1].count", "up to 30 patients"),
    (of_events("rate = 0.1\nse = 0.1"), "reported[1].unit", "missing"),
    (
        of_events('rate = 0.1\nse = 0.1\nunit = "per patient-monht"'),
        "reported[1].unit",
        "Did you mean 'per patient-month'",
    ),
    (
        of_events("events = 9", 'rate = 0.1\nse = 0.1\nunit = "per patient-month"'),
        "reported[2].rate",
        "entry 1",
    ),
    (
        span('endpoint = "adverse_events"\nmonth = 6\nevents = 8'),
        "reported[1].month",
        "two visits",
    ),
    (span('endpoint = "adverse_events"\nmonth = 6\ncount = 8\nof = 9'), "month", "two visits"),
    (span('endpoint = "hba1c"\nmonths = [0, 6]\nevents = 8'), "reported[1].events", "belongs to"),
    (
        span(EVENTS + 'why = "x"\nelicited = { change = { normal = [0, 0.1] } }'),
        "reported[1].elicited",
        "are counted",
    ),
    # randomised arms and their difference
    (RANDOMISED.replace("treated = true\n", ""), "study[1].treated", "true or false"),
    (RANDOMISED.replace("treated = false", "treated = true"), "study[1].treated", "has both"),
    (RANDOMISED.replace("[0, 4]", "[0, 5]", 1), "study[2].months_since_diagnosis", "study[1]"),
    (
        RANDOMISED.replace('"randomised"\ntreated = false', '"control-arm"'),
        "study[2].design",
        "study[1]",
    ),
    (CONTROL + "treated = true" + entry(VISIT + "mean = 8"), "study.treated", "'control-arm'"),
    (RANDOMISED.replace('versus = "placebo"\n', ""), "reported[1].versus", "missing"),
    (RANDOMISED.replace('versus = "placebo"', 'versus = "sham"'), "reported[1].versus", "placebo"),
    (RANDOMISED.replace('versus = "placebo"', 'versus = "cells"'), "reported[1].versus", "other"),
    (visit('difference = 1\nse = 1\nversus = "x"'), "reported[1].versus", "randomised"),
    (RANDOMISED.replace("month = 6", "months = [0, 6]", 1), "reported[1].months", "one visit"),
    (RANDOMISED.replace("= -0.6", "= -60"), "reported[1].difference", "cannot exceed"),
    (RANDOMISED.replace("[-1.4, 0.2]", "[-0.5, 0.2]"), "reported[1].ci95", "does not hold"),
    (
        RANDOMISED
        + entry(ARM.format("cells") + VISIT + "mean = 8")
        + entry(ARM.format("placebo") + VISIT + "mean = 9"),
        "reported[1].difference",
        "entries 2 and 3",
    ),
    # the class
    (TRIAL + DIFFERENCE, "class_effect.hba1c", "between_trials_sd"),
    (RANDOMISED.replace(BETWEEN, ""), "class_effect.hba1c", "missing"),
    (
        RANDOMISED.replace("between_trials_sd = 0.3", "between_trials_sd = 30"),
        "class_eff",
        "exceeds",
    ),
    (RANDOMISED.replace('"onset"', '"onsett"'), "class_effect.hba1c.shape", "Did you mean"),
    (RANDOMISED.replace("half_time_months", "half_life"), "class_effect.hba1c.half_life", "known"),
    (RANDOMISED + EFFECT, "effect", "single-arm"),
    (visit("mean = 8") + CLASS, "class_effect", "randomised"),
    ("class_effect = 3\n" + CONTROL, "class_effect", "must be tables"),
    # the effect
    (SINGLE + entry(VISIT + "mean = 8"), "effect.hba1c", "sceptical_sd"),
    (
        SINGLE + entry(VISIT + "mean = 8") + EFFECT + PRIOR.replace("-0.5", "-5.5"),
        "effect.hba1c.prior.normal[1]",
        "lies between -5 and 5",
    ),
    (
        SINGLE + entry(VISIT + "mean = 8") + EFFECT + PRIOR.replace("0.4", "0"),
        "effect.hba1c.prior.normal[2]",
        "above 0",
    ),
    (SINGLE + entry(VISIT + "mean = 8") + EFFECT + "shared = 1", "effect.hba1c.shared", "below 1"),
    (SINGLE + entry(VISIT + "mean = 8") + EFFECT + "shared = -0.1", "effect.hba1c.shared", "0"),
    (EFFECT, "effects alone", "single-arm or randomised"),
]


def refusal(folder: Path, *texts: str) -> str:
    with pytest.raises(BadEvidence) as refused:
        load(folder, *texts)
    return str(refused.value)


@pytest.mark.parametrize(("text", "key", "reason"), REFUSED)
def test_damaged_number_is_refused_by_file_key_and_reason(
    tmp_path: Path, text: str, key: str, reason: str
) -> None:
    message = refusal(tmp_path, text)

    assert message.startswith(f"{tmp_path / 'one.toml'}: ")
    assert key in message
    assert reason in message
    assert "\n" not in message


def test_entry_that_is_set_aside_says_nothing_twice(tmp_path: Path) -> None:
    aside = f"{SPAN}percent_change = -44\nunused = 'the two medians say it'"

    assert len(load(tmp_path, both("median", aside)).reported) == 3


def test_31_patients_with_an_event_are_read_without_the_total(tmp_path: Path) -> None:
    text = of_events("count = 31\nof = 40", "events = 50\nunused = 'as advised'")

    assert not load(tmp_path, text).reported[0].unused


def test_events_of_one_outcome_do_not_bound_those_of_another(tmp_path: Path) -> None:
    text = span(f"{EVENTS}count = 6\nof = 10", f"{SERIOUS}events = 0")

    assert len(load(tmp_path, text).reported) == 2


def test_effects_alone_beside_untreated_arms_are_refused(tmp_path: Path) -> None:
    message = refusal(tmp_path, visit("mean = 8"), EFFECT)

    assert message.startswith(f"{tmp_path / 'two.toml'}: ")
    assert "no evidence beside it has a treated arm" in message


def test_class_that_differs_between_files_is_refused(tmp_path: Path) -> None:
    other = RANDOMISED.replace('"Trial"', '"Other"').replace(
        "between_trials_sd = 0.3", "between_trials_sd = 0.2"
    )

    assert "two.toml: class_effect.hba1c differs" in refusal(tmp_path, RANDOMISED, other)


# old text of the CSV file, new text, the line and column that the message must name, the reason
ROW_EDITS: list[tuple[str, str, str, str]] = [
    ("id,endpoint", "patient,endpoint", "column 'id'", "is missing"),
    ("month,value", "visit,value", "column 'month'", "is missing"),
    ("p2,hba1c,6,54.645", "p2,hba1c,6,high", "line 2: value is 'high'", "between"),
    ("p2,hba1c,6,54.645", "p2,hba1c,6,7.15", "line 2: value is '7.15'", "between 9.28965"),
    ("p2,hba1c,6,54.645", "p2,hba1c,six,54.645", "line 2: month is 'six'", "a number"),
    ("p2,hba1c,6,54.645", "p2,hba1c,-6,54.645", "line 2: month is '-6'", "between 0"),
    ("p2,hba1c,6,54.645", "p2,hba1c,,54.645", "line 2: month is ''", "a number"),
    ("p2,hba1c,6,54.645", ",hba1c,6,54.645", "line 2: id is ''", "not be empty"),
    ("p2,hba1c,6,54.645", "p2,hba1,6,54.645", "line 2: endpoint is 'hba1'", "hba1c, insulin"),
    ("p2,hba1c,6,54.645", "p2,hba1c,6,inf", "line 2: value is 'inf'", "a number"),
    ("p2,hba1c,6,54.645", "p2,hba1c,6,5_4.6", "line 2: value is '5_4.6'", "a number"),
    ("p2,hba1c,6,54.645", "p2,hba1c,6,٥٤", "line 2: value is '٥٤'", "a number"),
    ("p2,hba1c,6,54.645", "p2,hba1c", "line 2: 2 fields", "4 headings"),
    ("p2,hba1c,6,54.645", "p2,hba1c,6,54,645", "line 2: 5 fields", "decimal point"),
    ("month,value", "value,value", "line 1: the heading is 'value'", "2 columns"),
    ("p1,hba1c,6,\n", "p1,hba1c,0,60\n", "line 4: id is 'p1'", "line 3"),
    ("p2,insulin,6,0", "p2,insulin,6,-0.1", "line 5: value is '-0.1'", "between 0 and 4"),
]


@pytest.mark.parametrize(("old", "new", "location", "reason"), ROW_EDITS)
def test_damaged_csv_is_refused_by_line_and_column(
    tmp_path: Path, old: str, new: str, location: str, reason: str
) -> None:
    assert old in ROWS
    with pytest.raises(BadEvidence) as refused:
        load_own(tmp_path, ROWS.replace(old, new, 1))

    message = str(refused.value)
    assert message.startswith(str(tmp_path / "own.csv"))
    assert location in message
    assert reason in message


@pytest.mark.parametrize(
    ("text", "key", "reason"),
    [
        (CONTROL + OWN.replace("own.csv", "lost.csv"), "lost.csv", "cannot be read"),
        (CONTROL + OWN.replace('"mmol/mol"', '"mmol"'), "individual[1].units.hba1c", "'mmol/mol'"),
        (
            CONTROL + OWN.replace('"U/kg/day"', '"IU/day"'),
            "individual[1].units.insulin",
            "U/kg/day",
        ),
        (CONTROL + OWN.replace("insulin =", "weight ="), "individual[1].units.weight", "endpoint"),
        (
            CONTROL + OWN.replace("insulin =", 'glucose = "mmol/L", insulin ='),
            "units.glucose",
            "hold",
        ),
        (CONTROL + OWN.replace("units =", "unit ="), "individual[1].units", "Did you mean"),
        (CONTROL.replace("40", "1") + OWN, "individual[1].file", "holds 2 patients"),
        (CONTROL + OWN + 'study = "Large"\n', "individual[1].study", "Small"),
        (CONTROL + OWN + 'arm = "x"\n', "individual[1].arm", "control"),
        (CONTROL + OWN + OWN, "individual[2].file", "individual[1]"),
        (SINGLE + OWN + EFFECT, "effect.insulin", "missing"),
        (CONTROL + OWN + entry(VISIT + "mean = 8"), "reported[1].mean", "individual[1]"),
        (
            CONTROL + OWN + entry('endpoint = "partial_remission"\nmonth = 6\ncount = 1\nof = 2'),
            "reported[1].count",
            "individual[1]",
        ),
        (CONTROL + OWN + entry(VISIT + "quartiles = [7, 8]"), "reported[1].quartiles", "month 6"),
        (
            CONTROL + OWN + entry('endpoint = "hba1c"\nmonths = [0, 12]\ncorrelation = 0.5'),
            "reported[1].correlation",
            "month 0",
        ),
        ("individual = 3\n" + CONTROL, "individual", "must be a list"),
    ],
)
def test_damaged_table_of_own_data_is_refused(
    tmp_path: Path, text: str, key: str, reason: str
) -> None:
    with pytest.raises(BadEvidence) as refused:
        load_own(tmp_path, text=text)

    assert key in str(refused.value)
    assert reason in str(refused.value)


@pytest.mark.parametrize("content", [b"", b"id,endpoint,month,value\n", b"\xff\xfe", b'id,"\n\x00'])
def test_file_that_is_no_csv_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "own.csv").write_bytes(content)

    assert refusal(tmp_path, CONTROL + OWN).startswith(str(tmp_path / "own.csv"))


def test_file_of_missed_visits_alone_is_refused(tmp_path: Path) -> None:
    rows = "id,endpoint,month,value\np1,hba1c,0,\np1,insulin,0,NA\n"
    with pytest.raises(BadEvidence, match=r"individual\[1\]"):
        load_own(tmp_path, rows)
