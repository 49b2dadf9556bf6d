"""Tables of endpoints: what they define, their defaults, and one plain message for each mistake."""

import math
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from phase2sim.core.endpoint_definitions import define, own_definitions
from phase2sim.core.endpoints import DERIVED, ENDPOINTS, EVENTS, MEASURES, RESPONSES, SHIPPED_TABLES
from phase2sim.core.errors import BadScenario
from phase2sim.core.history_priors import PRIORS
from phase2sim.core.stream_places import stream_place

PATH = Path("walk.toml")
SOUND: dict[str, Any] = tomllib.loads(
    """
[endpoint.walk]
label = "six-minute walk"
unit = "m"
units = { ft = { multiply_by = 0.3048 } }
benefit = "higher"
plausible = [20, 900]
largest_effect = 200
usual_effect = 80
usual_sd = [10, 250]

[endpoint.walk.history]
course = "stable"
first_mean = [350, 80]

[endpoint.in_range]
label = "time in range"
unit = "%"
benefit = "higher"
plausible = [1, 99]
model_scale = "logit"
limits = [0, 100]

[endpoint.walk_index]
label = "walk index"
unit = "m"
benefit = "higher"
plausible = [1, 900]
formula = "walk / 2 + 1"

[endpoint.falls_counted]
label = "falls"
counted = true

[response.walks_far]
endpoint = "walk"
rule = { at_least = 440 }
label = "440 m or more"
"""
)


def defined(tables: dict[str, Any]) -> None:
    define(own_definitions(tables, PATH, BadScenario), PATH, BadScenario)


def test_a_file_defines_endpoints_derived_outcomes_events_and_responses() -> None:
    defined(SOUND)
    defined(SOUND)  # the same again is the same

    walk = ENDPOINTS["walk"]
    assert walk.convert(1000.0, "ft") == pytest.approx(304.8)
    assert (walk.benefit_sign, walk.largest_effect, walk.usual_sd) == (1, 200.0, (10.0, 250.0))
    assert DERIVED["walk_index"].derive(np.array([100.0])).tolist() == [51.0]
    assert {"walk", "walk_index"} < set(MEASURES)
    assert EVENTS["falls_counted"] == "falls"
    assert RESPONSES["walks_far"].rule == {"at_least": 440.0}
    in_range = ENDPOINTS["in_range"]
    assert in_range.to_model(75.0) == pytest.approx(math.log(3.0))
    assert in_range.from_model(math.log(3.0)) == pytest.approx(75.0)


def test_what_is_left_out_follows_from_the_plausible_values() -> None:
    defined(SOUND)
    width = 2.0 * math.log(99.0)

    in_range, priors = ENDPOINTS["in_range"], PRIORS["in_range"]

    assert in_range.largest_effect == pytest.approx(width / 2.0)
    assert in_range.usual_effect == pytest.approx(width / 5.0)
    assert in_range.usual_sd == pytest.approx((width / 1000.0, width / 2.0))
    assert priors.first_mean == pytest.approx((0.0, width / 4.0), abs=1e-12)
    assert priors.mean_step[1] == pytest.approx(width / 10.0)


def test_a_stable_course_is_one_line_and_other_priors_stay_stated() -> None:
    defined(SOUND)
    changing = tomllib.loads(
        """
[endpoint.walk_changing]
label = "six-minute walk"
unit = "m"
benefit = "higher"
plausible = [20, 900]
"""
    )
    defined(changing)

    stable, other = PRIORS["walk"], PRIORS["walk_changing"]

    assert stable.first_mean == (350.0, 80.0)
    assert stable.mean_step[1] == pytest.approx(other.mean_step[1] / 20.0)
    assert stable.slope_scale == pytest.approx(other.slope_scale / 20.0)
    assert stable.level_scale == other.level_scale


def test_every_shipped_endpoint_could_stand_in_a_file() -> None:
    """The shipped file is read as strictly as those of others."""
    for name, table in SHIPPED_TABLES["endpoint"].items():
        renamed = {**table, "formula": "hba1c + 4 * insulin"} if "formula" in table else table

        defined({"endpoint": {f"own_{name}": renamed}})

        ours, shipped = MEASURES[f"own_{name}"], MEASURES[name]
        assert (ours.unit, ours.units, ours.scale) == (shipped.unit, shipped.units, shipped.scale)
        assert ours.usual_sd == shipped.usual_sd
        if name in PRIORS:
            assert PRIORS[f"own_{name}"] == PRIORS[name]


def test_a_name_means_one_thing_in_a_process() -> None:
    defined(SOUND)
    other = tomllib.loads('[response.walks_far]\nendpoint = "walk"\nlabel = "x"\n'
                          "rule = { at_least = 400 }")  # fmt: skip

    with pytest.raises(BadScenario, match=r"response\.walks_far is defined differently in walk"):
        defined(other)


def test_the_order_of_endpoints_does_not_depend_on_which_file_was_read_first() -> None:
    defined(SOUND)
    for name in ("zz_last", "aa_first"):
        defined({"endpoint": {name: {**SOUND["endpoint"]["walk_index"], "formula": "walk"}}})

    names = [name for name in DERIVED if not DERIVED.ships(name)]

    assert names == sorted(names)
    assert list(ENDPOINTS)[:4] == ["hba1c", "c_peptide", "insulin", "glucose"]


def test_a_file_of_endpoints_is_named_by_others(tmp_path: Path) -> None:
    (tmp_path / "outcomes.toml").write_text(
        '[endpoint.gait]\nlabel = "gait speed"\nunit = "m/s"\nbenefit = "higher"\n'
        "plausible = [0.1, 3]\n"
    )

    tables = own_definitions({"endpoints": "outcomes.toml"}, tmp_path / "t.toml", BadScenario)

    assert tables["endpoint"]["gait"]["label"] == "gait speed"
    with pytest.raises(BadScenario, match=r"endpoint\.gait is defined here and in .*outcomes"):
        own_definitions(
            {"endpoints": "outcomes.toml", "endpoint": {"gait": {}}}, tmp_path / "t.toml",
            BadScenario,
        )  # fmt: skip
    (tmp_path / "outcomes.toml").write_text("[study]\n")
    with pytest.raises(BadScenario, match=r"outcomes\.toml: study is not a key of a file of endp"):
        own_definitions({"endpoints": "outcomes.toml"}, tmp_path / "t.toml", BadScenario)
    with pytest.raises(BadScenario, match=r"ends in \.toml"):
        own_definitions({"endpoints": 3}, tmp_path / "t.toml", BadScenario)
    with pytest.raises(BadScenario, match=r"nowhere\.toml"):
        own_definitions({"endpoints": "nowhere.toml"}, tmp_path / "t.toml", BadScenario)


# Key of [endpoint.damaged] -> values that it cannot have, and a word of the message.
WRONG: dict[str, list[tuple[Any, str]]] = {
    "label": [("", "empty"), (3, "text"), (["a"], "text"), (None, "missing"), ("x" * 300, "200")],
    "unit": [("", "empty"), (1, "text"), (None, "missing"), (True, "text")],
    "benefit": [("up", "lower"), (1, "lower"), (None, "missing"), ("Lower", "lower"), ([], "low")],
    "plausible": [
        ([900, 20], "lower"), ([20, 20], "lower"), ([20], "missing"), ([1, 2, 3], "2"),
        ("20-900", "brackets"), (None, "missing"), (["a", "b"], "number"), ([math.inf, 3], "fin"),
        ([math.nan, 3], "finite"), (20, "brackets"),
    ],
    "largest_effect": [(0, "above 0"), (-3, "above 0"), ("big", "number"), (2000, "apart"),
                       (math.inf, "finite")],
    "usual_effect": [(0, "above 0"), (-1, "above 0"), (500, "largest_effect"), ("x", "number")],
    "usual_sd": [([250, 10], "rise"), ([0, 10], "above 0"), ([10], "missing"), (10, "brackets"),
                 ([-1, 10], "above 0"), (["a", 1], "number")],
    "model_scale": [("ln", "identity"), (2, "identity"), ("logit", "limits"), ("probit", "ident")],
    "limits": [([0, 1000], "logit only"), ([1], "missing"), ("0-1", "brackets")],
    "units": [
        ({"ft": {}}, "conversion"), ({"m": {"multiply_by": 2}}, "itself"), (["ft"], "table"),
        ({"ft": {"times": 2}}, "not a known key"), ({"ft": {"multiply_by": 0}}, "above 0"),
        ({"ft": {"divide_by": -1}}, "above 0"), ({"ft": {"add": "one"}}, "number"),
        ({"ft": 0.3048}, "table"), ({"": {"add": 1}}, "units"),
    ],
    "formula": [
        ("walk / 0", "divides by 0"), ("damaged + 1", "derived itself"), ("steps * 2", "steps"),
        ("import os", "arithmetic"), ("__import__('os')", "not allowed"), ("walk ** 9", "not all"),
        ("walk if walk else 1", "not allowed"), ("3", "no endpoint"), ("", "empty"),
        ("idaa1c + 1", "derived itself"), ("walk +", "arithmetic"), ("(walk", "arithmetic"),
        ("walk." + "x", "not allowed"), ("walk[0]", "not allowed"), ("lambda: walk", "not allowed"),
        ("walk; walk", "arithmetic"), ("1e999 * walk", "not allowed"), ("walk * True", "not allo"),
        ("+" * 50 + "walk", "not allowed"), ("walk + " * 60 + "1", "200"), (4, "text"),
        ("'walk'", "not allowed"), ("walk @ walk", "not allowed"), ("walk < 3", "not allowed"),
        ("[walk]", "not allowed"), ("f'{walk}'", "not allowed"), ("walk := 3", "arithmetic"),
        ("exec('1')", "not allowed"), ("~walk", "not allowed"), ("walk // 2", "not allowed"),
    ],
    "counted": [(True, "counted"), (False, "true"), ("yes", "true")],
    "unknown": [(1, "not a known key")],
    "lable": [("x", "Did you mean 'label'")],
    "history": [
        ({"first_mean": [350, 0]}, "SD"), ({"first_mean": 350}, "brackets"), (3, "table"),
        ({"course": "flat"}, "changing"), ({"level_scale": 0}, "above 0"), ({"share": [1]}, "miss"),
        ({"slope_scale": -1}, "above 0"), ({"first_month": 2}, "above 1"), ({"x": 1}, "known key"),
        ({"decay": [0, 1]}, "above 0"), ({"mean_step": [0, -1]}, "SD"), ({"share": "half"}, "brac"),
        ({"per_year_of_age": [0, 0]}, "SD"), ({"mean_per_root_month": 0}, "above 0"),
    ],
}  # fmt: skip
TABLE = {key: SOUND["endpoint"]["walk"][key] for key in ("label", "unit", "benefit", "plausible")}
NO_TYPE_OF = {
    "label": [True, 1.5, [], {}], "unit": [2.5, [], {}], "benefit": [True, 2.5, {}],
    "plausible": [True, {}, [[1], [2]], [True, False]], "largest_effect": [True, [], {}, "1"],
    "usual_effect": [True, [], {}, "1"], "usual_sd": [True, {}, [[1], [2]], "1, 2"],
    "model_scale": [True, [], {}, ""], "limits": [True, {}, 3, [None, 1]],
    "units": [True, 3, "ft", [1]], "formula": [True, [], {}], "history": [True, [], "stable"],
    "counted": [1, [], {}],
}  # fmt: skip
DAMAGES = [
    (f"{key} = {value!r}"[:60], {key: value}, word)
    for key, wrongs in WRONG.items()
    for value, word in wrongs
]
DAMAGES += [
    (f"{key} = {value!r}", {key: value}, key) for key, of in NO_TYPE_OF.items() for value in of
]
ON_SCALES = [
    (scale, plausible, limits)
    for scale, wrong in {
        "log": ([0, 9], [-1, 9]),
        "log1p": ([-1, 9], [-2, 9]),
        "sqrt": ([-1, 9], [-0.1, 9]),
        "root": ([-1, 9], [-0.1, 9]),
        "logit": ([0, 50], [1, 100], [-5, 200]),
    }.items()
    for plausible in wrong
    for limits in ([[0, 100]] if scale == "logit" else [None])
]
NAMES = [
    "Walk", "6mwt", "six minute", "walk-distance", "", "age", "months_since_diagnosis", "wålk",
    "walk.test", "hba1c", "idaa1c", "hypoglycaemia", "_walk", "baseline", "stratum", "weight",
]  # fmt: skip


def refusal(tables: dict[str, Any]) -> str:
    with pytest.raises(BadScenario) as caught:
        defined(tables)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("walk.toml: ")
    return message


@pytest.mark.parametrize(("damage", "word"), [d[1:] for d in DAMAGES], ids=[d[0] for d in DAMAGES])
def test_a_damaged_endpoint_ends_in_one_plain_message(damage: dict[str, Any], word: str) -> None:
    defined(SOUND)
    table = {key: value for key, value in (TABLE | damage).items() if value is not None}

    message = refusal({"endpoint": {"damaged": table}})

    assert "endpoint.damaged" in message
    assert word in message


@pytest.mark.parametrize(("scale", "plausible", "limits"), ON_SCALES)
def test_plausible_values_exist_on_the_model_scale(
    scale: str, plausible: list[float], limits: list[float] | None
) -> None:
    more = {"limits": limits} if limits else {}
    table = TABLE | {"model_scale": scale, "plausible": plausible} | more

    assert "endpoint.damaged.plausible" in refusal({"endpoint": {"damaged": table}})


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_cannot_be_used_is_refused(name: str) -> None:
    assert "endpoint" in refusal({"endpoint": {name: TABLE}})


def test_a_name_that_would_share_random_numbers_is_refused() -> None:
    taken = stream_place("hba1c", 0.0)
    name = next(n for i in range(100_000) if stream_place(n := f"walk_{i}", 0.0) == taken)

    assert "random numbers of 'hba1c'" in refusal({"endpoint": {name: TABLE}})


@pytest.mark.parametrize("reverse", [[100, 0], [5, 5]])
def test_limits_of_log_odds_rise(reverse: list[float]) -> None:
    table = TABLE | {"model_scale": "logit", "plausible": [1, 99], "limits": reverse}

    assert "endpoint.damaged.limits" in refusal({"endpoint": {"damaged": table}})


@pytest.mark.parametrize("key", sorted(set(TABLE) - {"label"} | {"formula", "units", "history"}))
def test_counted_outcomes_have_a_label_alone(key: str) -> None:
    values = TABLE | {"formula": "walk", "units": {"ft": {"add": 1.0}}, "history": {}}
    table = {"label": "falls", "counted": True, key: values[key]}

    assert f"endpoint.damaged.{key}" in refusal({"endpoint": {"damaged": table}})


RESPONSE = SOUND["response"]["walks_far"]


@pytest.mark.parametrize(
    "damage",
    [
        {"endpoint": "steps"}, {"endpoint": 3}, {"rule": {}}, {"rule": {"more_than": 3}},
        {"rule": {"at_least": "far"}}, {"rule": 440}, {"label": ""}, {"label": None}, {"unit": "m"},
        {"rule": None}, {"endpoint": None}, {"endpoint": "falls_counted"},
        {"rule": {"at_least": math.nan}}, {"rule": {"at_least": [1, 2]}},
    ],
    ids=str,
)  # fmt: skip
def test_a_damaged_response_ends_in_one_plain_message(damage: dict[str, Any]) -> None:
    defined(SOUND)
    table = {key: value for key, value in (RESPONSE | damage).items() if value is not None}

    assert "response.damaged" in refusal({"response": {"damaged": table}})
