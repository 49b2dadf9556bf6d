"""What a scenario file and the settings on top of it come to."""

from math import expm1, log1p, sqrt
from pathlib import Path

import numpy as np
import pytest
from support.damage import SOUND

from phase2sim.core.errors import BadScenario
from phase2sim.prior.draws import PriorDraws
from phase2sim.prior.truth_sources import Control
from phase2sim.scenario.assembly.assemble import AssembledScenario, assemble, build_scenario
from phase2sim.scenario.scenario_file import Scenario, load_scenario

HBA1C, C_PEPTIDE = 0, 1  # places of the endpoints in a plan
FIRST_LINE = SOUND.splitlines()[0]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "sound.toml"
    path.write_text(SOUND, encoding="utf-8")
    return path


def changed(path: Path, *edits: tuple[str, str]) -> Path:
    text = SOUND
    for old, new in edits:
        assert old in text
        text = text.replace(old, new, 1)
    other = path.with_name("changed.toml")
    other.write_text(text, encoding="utf-8")
    return other


def assembled(path: Path, *settings: str) -> AssembledScenario:
    return assemble(build_scenario(load_scenario(path, settings)), None)


def target_effect(path: Path, endpoint: int, *settings: str) -> np.ndarray:
    """Effect at every visit under the target."""
    effect: np.ndarray = assembled(path, *settings).sources[0].truth(0, 1).effect[0, 1, endpoint]
    return effect


@pytest.mark.parametrize(
    ("setting", "read"),
    [
        ("seed=99", lambda s: s.seed == 99),
        (" seed = 99 ", lambda s: s.seed == 99),
        ("trials=1_000", lambda s: s.trials == 1000),
        ("title=A new title", lambda s: s.title == "A new title"),
        ('title="3"', lambda s: s.title == "3"),
        ("design.patients=80", lambda s: s.design["patients"] == 80),
        ("design.visits_months=[0, 6, 12]", lambda s: s.design["visits_months"] == [0, 6, 12]),
        ('design.arms=["a", "b"]', lambda s: s.design["arms"] == ["a", "b"]),
        ("missing.dropout.share=0.2", lambda s: s.missing.dropout["share"] == 0.2),
        ('missing.dropout={ mechanism = "none" }', lambda s: len(s.missing.dropout) == 1),
        ("outcome.hba1c.sd=1.5", lambda s: s.outcome["hba1c"].sd == 1.5),
        ("outcome.hba1c.sd.2=1.5", lambda s: s.outcome["hba1c"].sd == (1.1, 1.5, 1.2, 1.2)),
        ("analysis.1.month=12", lambda s: s.analysis[0]["month"] == 12),
        ("analysis.2.method=t_test", lambda s: s.analysis[1]["method"] == "t_test"),
        ("truth.target.hba1c.effect=-0.3", lambda s: s.truth.target["hba1c"].effect == -0.3),
        ("truth.target.hba1c.effect={percent=-5}", lambda s: _percent(s) == -5),
        ("truth.target.hba1c.effect.percent=-5", None),
        ("decision.one_sided_alpha=0.05", lambda s: s.decision["one_sided_alpha"] == 0.05),
        ("truth.prior.robust_weight=0.5", lambda s: s.truth.prior.robust_weight == 0.5),
    ],
)
def test_setting_changes_its_key(path: Path, setting: str, read: object) -> None:
    if read is None:  # a number holds no keys
        with pytest.raises(BadScenario, match=r"--set .*percent.*holds no keys"):
            load_scenario(path, [setting])
        return

    assert callable(read)
    assert read(load_scenario(path, [setting]))


def _percent(scenario: Scenario) -> float:
    effect = scenario.truth.target["hba1c"].effect
    assert not isinstance(effect, float)
    return effect.percent


def test_later_setting_wins_over_an_earlier_one(path: Path) -> None:
    assert load_scenario(path, ["seed=1", "seed=2"]).seed == 2


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("sed=3", "sed is not a known key. Did you mean 'seed'?"),
        ("population.ages=[1, 2]", "population.ages is not a known key"),
        ("design.pateints=80", "design.pateints is not a key of kind = 'fixed'"),
        ("analysis.3.month=6", "--set analysis.3.month=6: '3' must be a number from 1 to 2"),
        ("analysis.0.month=6", "'0' must be a number from 1 to 2"),
        ("analysis.first.month=6", "'first' must be a number from 1 to 2"),
        ("seed.value=3", "--set seed.value=3: seed holds no keys"),
        ("seed.value.more=3", "holds no keys"),
        ("seed", "--set seed: write it as key.path=value"),
        ("=3", "--set =3: write it as key.path=value"),
        ("seed=nan", "seed is nan"),
        ("seed=many", "seed is 'many'; it must be a whole number"),
        ("trials=0", "trials is 0"),
        ("design=fixed", "design is 'fixed'; it must be a table of keys"),
    ],
)
def test_setting_that_does_not_fit_is_refused(path: Path, setting: str, said: str) -> None:
    with pytest.raises(BadScenario) as caught:
        build_scenario(load_scenario(path, [setting]))

    assert str(caught.value).startswith(f"{path}: ")
    assert said in str(caught.value)


def test_digest_ignores_comments_and_layout(path: Path) -> None:
    comments = changed(path, (FIRST_LINE, f"# a note\n\n{FIRST_LINE}  # and another"))
    moved = path.with_name("moved.toml")
    head, table = SOUND.split("[population]", 1)
    population, rest = table.split("[design]", 1)
    moved.write_text(f"{head}[design]{rest}\n[population]{population}", encoding="utf-8")

    digests = {load_scenario(file).digest for file in (path, comments, moved)}

    assert len(digests) == 1


@pytest.mark.parametrize(
    "setting", ["seed=8", "design.patients=118", "outcome.hba1c.sd=1.2", "analysis.1.month=12"]
)
def test_digest_changes_with_what_the_file_says(path: Path, setting: str) -> None:
    assert load_scenario(path, [setting]).digest != load_scenario(path).digest


def test_whole_number_and_decimal_of_one_value_are_one_scenario(path: Path) -> None:
    whole, decimal = "outcome.hba1c.control_mean=7", "outcome.hba1c.control_mean=7.0"

    assert load_scenario(path, [whole]).digest == load_scenario(path, [decimal]).digest


def test_percent_of_hba1c_is_of_the_untreated_mean(path: Path) -> None:
    percent = "truth.target.hba1c.effect={ percent = -10 }"

    effect = target_effect(path, HBA1C, percent)

    # 10 % of the untreated 7.5 % at month 6, the third visit
    assert effect[2] == pytest.approx(-0.75, rel=1e-12)


def test_percent_of_c_peptide_is_taken_in_nmol_per_litre(path: Path) -> None:
    percent = "truth.target.c_peptide.effect={ percent = 40 }"

    effect = target_effect(path, C_PEPTIDE, percent)

    # untreated ln(x + 1) = 0.41 at month 12, so x = exp(0.41) - 1 = 0.506818; 40 % more is 0.709545
    assert effect[3] == pytest.approx(log1p(1.4 * expm1(0.41)) - 0.41, rel=1e-12)
    assert effect[3] == pytest.approx(0.126227, abs=5e-7)


def test_effect_has_its_size_at_its_month_and_grows_as_its_shape_says(path: Path) -> None:
    linear = target_effect(path, C_PEPTIDE)
    onset = target_effect(path, HBA1C)

    np.testing.assert_allclose(linear, [0.0, 0.03, 0.06, 0.12], rtol=1e-12)
    # share at month t is 1 - 2^(-t / 1.5): 0.75, 0.9375 and 0.99609375 at months 3, 6 and 12
    expected = -0.5 * np.array([0.0, 0.75, 0.9375, 0.99609375]) / 0.9375
    np.testing.assert_allclose(onset, expected, rtol=1e-12)


def test_what_age_explains_is_taken_out_of_the_sd(path: Path) -> None:
    sd = assembled(path).control.sd[0, HBA1C]

    explained = (0.05 * 12) ** 2 / 12  # slope times range, variance of a uniform age
    np.testing.assert_allclose(sd, np.sqrt(np.array([1.1, 1.2, 1.2, 1.2]) ** 2 - explained))


def test_sd_stays_where_age_explains_nothing(path: Path) -> None:
    np.testing.assert_array_equal(assembled(path).control.sd[0, C_PEPTIDE], [0.3] * 4)


def with_age(control: Control) -> np.ndarray:
    """Correlation of HbA1c between visits among patients of all ages together."""
    residual = control.sd[0, HBA1C][:, None] * control.sd[0, HBA1C] * control.correlation[0, HBA1C]
    total = residual + (0.05 * 12) ** 2 / 12  # slope times range: variance of a uniform age
    sd = np.sqrt(np.diag(total))
    return total / (sd[:, None] * sd)


def test_correlation_of_visits_fades_towards_the_share(path: Path) -> None:
    matrix = with_age(assembled(path).control)

    assert matrix[0, 1] == pytest.approx(0.4 + 0.6 * 0.9**3)
    assert matrix[1, 3] == pytest.approx(0.4 + 0.6 * 0.9**9)


def test_one_correlation_stands_for_every_pair_of_visits(path: Path) -> None:
    matrix = with_age(assembled(path, "outcome.hba1c.correlation=0.6").control)

    expected = np.full((4, 4), 0.6) + 0.4 * np.eye(4)
    np.testing.assert_allclose(matrix, expected)


def test_endpoints_named_by_a_target_alone_are_simulated(path: Path) -> None:
    text = changed(path, ('endpoint = "c_peptide"', 'endpoint = "hba1c"'), ("of =", "#"))

    assert build_scenario(load_scenario(text)).study.plan.endpoints == ("hba1c", "c_peptide")


def test_two_analyses_of_one_endpoint_are_told_apart_by_month(path: Path) -> None:
    text = changed(
        path, ('endpoint = "c_peptide"', 'endpoint = "hba1c"'), ('name = "c_peptide_change"', "")
    )

    assert build_scenario(load_scenario(text)).study.names == ("hba1c_month_6", "hba1c_month_12")


def test_outcome_stands_in_for_fitted_quantities_key_by_key(path: Path) -> None:
    text = changed(
        path,
        (FIRST_LINE, f'{FIRST_LINE}\nevidence = ["fitted"]'),
        ("control_mean = 7.5\n", ""),
        ("endpoint_correlation = -0.3\n", ""),
    )

    control = assemble(build_scenario(load_scenario(text)), fitted_prior()).control

    # the mean of HbA1c and the correlation of the endpoints are the prior's ...
    assert control.history[:, HBA1C].any()
    assert not control.mean[:, HBA1C].any()
    np.testing.assert_allclose(control.endpoint_correlation[:, 0, 1], -0.5)
    # ... SDs and the mean of C-peptide the scenario's, in every draw
    assert not control.history[:, C_PEPTIDE].any()
    np.testing.assert_allclose(control.mean[:, C_PEPTIDE], [[0.55, 0.49, 0.46, 0.41]] * 3)
    at_entry = sqrt(1.1**2 - (0.05 * 12) ** 2 / 12)
    np.testing.assert_allclose(control.sd[:, HBA1C, 0], at_entry)


def test_trial_that_outlasts_the_fitted_curve_is_refused(path: Path) -> None:
    text = changed(path, (FIRST_LINE, f'{FIRST_LINE}\nevidence = ["fitted"]'))
    built = build_scenario(load_scenario(text, ["population.months_since_diagnosis=[0, 30]"]))

    with pytest.raises(BadScenario, match=r"reach month 42 after diagnosis.*ends at 24"):
        assemble(built, fitted_prior())


def test_endpoint_without_evidence_is_refused(path: Path) -> None:
    text = changed(
        path,
        (FIRST_LINE, f'{FIRST_LINE}\nevidence = ["fitted"]'),
        ('endpoint = "hba1c" }', 'endpoint = "glucose" }'),
    )

    with pytest.raises(BadScenario, match="glucose is not in the fitted evidence"):
        assemble(build_scenario(load_scenario(text)), fitted_prior())


def fitted_prior() -> PriorDraws:
    """Three draws, as a fit would leave them."""
    shape = (3, 2)
    knots = np.array([0.0, 12.0, 24.0])
    return PriorDraws(
        endpoints=("hba1c", "c_peptide"),
        knots_months=knots,
        history=np.tile([[8.0, 7.5, 7.8], [0.5, 0.45, 0.4]], (3, 1, 1)),
        sd=np.ones((3, 2, 3)),
        level_sd=np.zeros(shape),
        slope_sd=np.zeros(shape),
        patient_share=np.full(shape, 0.5),
        decay=np.full(shape, 0.9),
        endpoint_correlation=np.tile([[1.0, -0.5], [-0.5, 1.0]], (3, 1, 1)),
        effect=np.full(shape, np.nan),
        effects={},
        provenance={"elicited": []},
    )


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('base = "trial.toml"\n[axes]\n', "is a sweep file. Use `phase2sim sweep`"),
        ('[study]\nname = "S"\n', "is an evidence file. Use `phase2sim evidence show`"),
    ],
)
def test_a_file_of_another_kind_is_named_by_its_kind(tmp_path: Path, text: str, kind: str) -> None:
    path = tmp_path / "other.toml"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(BadScenario, match=kind):
        load_scenario(path)
