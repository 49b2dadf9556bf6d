"""Numbers of a scenario in any accepted unit, and questions about those that have none."""

from math import exp, log, sqrt
from pathlib import Path

import numpy as np
import pytest
from support.commands import phase2sim
from support.damage import SOUND

from phase2sim.analyses import ANALYSES
from phase2sim.core.arithmetic_moments import model_moments
from phase2sim.core.contracts import MODEL_SCALE
from phase2sim.core.endpoints import ENDPOINTS
from phase2sim.core.errors import BadScenario
from phase2sim.scenario.assembly.assemble import AssembledScenario, assemble, build_scenario
from phase2sim.scenario.assembly.cautions import notes_on
from phase2sim.scenario.differences_in_units import WITHOUT_UNITS
from phase2sim.scenario.scenario_file import load_scenario, scenario_from

HBA1C, C_PEPTIDE = 0, 1
MASTER = 10.929  # mmol/mol per % NGSP: Hoelzel et al., Clinical Chemistry 2004
REPLAY = "Replay any trial: "  # the line that repeats the settings, the screen's last
IN_IFCC = ("truth.target.hba1c.unit=mmol/mol", "truth.target.hba1c.effect=-5")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "trial.toml"
    path.write_text(SOUND, encoding="utf-8")
    return path


def assembled(path: Path, *settings: str) -> AssembledScenario:
    return assemble(build_scenario(load_scenario(path, settings)), None)


def test_effect_in_mmol_per_mol_is_a_tenth_in_percent(path: Path) -> None:
    scenario = load_scenario(path, IN_IFCC)

    assert scenario.truth.target["hba1c"].effect == pytest.approx(-5 / MASTER)
    assert scenario.converted == ("truth.target.hba1c.effect: -5 mmol/mol is -0.4575 %.",)


def test_conversion_is_on_the_screen_and_changes_nothing_else(path: Path) -> None:
    settings = [part for setting in IN_IFCC for part in ("--set", setting)]
    percent = ["--set", f"truth.target.hba1c.effect={-5 / MASTER}"]

    ifcc, ngsp = (phase2sim("run", path, "--trials", "20", *given) for given in (settings, percent))

    assert ifcc.stderr.count("-5 mmol/mol is -0.4575 %") == 1
    assert ifcc.stdout.partition(REPLAY)[0] == ngsp.stdout.partition(REPLAY)[0]


def test_stored_scenario_is_converted_once(path: Path) -> None:
    scenario = load_scenario(path, [*IN_IFCC, "outcome.hba1c.unit=%"])

    again = scenario_from(scenario.model_dump(mode="json", exclude_defaults=True), path)

    assert again.digest == scenario.digest
    assert again.converted == ()


def test_means_and_sds_of_hba1c_follow_the_master_equation(path: Path) -> None:
    given = (
        "outcome.hba1c.unit=mmol/mol",
        "outcome.hba1c.control_mean=58.5",
        "outcome.hba1c.sd=12",
    )

    control = assembled(path, "population.per_year_of_age={}", *given).control

    assert control.mean[0, HBA1C] == pytest.approx(58.5 / MASTER + 2.15)
    assert control.sd[0, HBA1C] == pytest.approx(12 / MASTER)


def test_arithmetic_mean_and_sd_of_c_peptide_are_those_of_a_lognormal(path: Path) -> None:
    """Johnson, Kotz and Balakrishnan 1994: mean exp(m + s^2/2), variance that of x + 1."""
    given = ("unit=pmol/L", "control_mean=500", "sd=300")

    control = assembled(path, *(f"outcome.c_peptide.{setting}" for setting in given)).control

    m, s = control.mean[0, C_PEPTIDE], control.sd[0, C_PEPTIDE]
    assert np.exp(m + s**2 / 2) - 1 == pytest.approx(0.5)
    assert np.sqrt((np.exp(s**2) - 1) * np.exp(2 * m + s**2)) == pytest.approx(0.3)


def test_arithmetic_mean_and_sd_of_glucose_are_those_of_a_lognormal() -> None:
    m, s = model_moments(ENDPOINTS["glucose"], 10.0, 3.0)

    assert (exp(m + s**2 / 2), exp(m + s**2 / 2) * sqrt(exp(s**2) - 1)) == pytest.approx((10, 3))


def test_arithmetic_mean_and_sd_of_insulin_are_those_of_a_cut_square() -> None:
    m, s = model_moments(ENDPOINTS["insulin"], 0.3, 0.25)

    z, step = np.linspace(m - 9 * s, m + 9 * s, 400_001, retstep=True)
    density = np.exp(-0.5 * ((z - m) / s) ** 2) / (s * sqrt(2 * np.pi))
    dose = np.maximum(z, 0.0) ** 2
    mean = float((dose * density).sum() * step)
    assert mean == pytest.approx(0.3, abs=1e-9)
    assert float((dose**2 * density).sum() * step) - mean**2 == pytest.approx(0.25**2, abs=1e-9)


def test_effect_in_pmol_per_litre_is_from_the_typical_untreated_value(path: Path) -> None:
    given = ("truth.target.c_peptide.unit=pmol/L", "truth.target.c_peptide.effect=100")

    ready = assembled(path, *given)

    untreated = ready.control.mean[0, C_PEPTIDE, 3]
    effect = ready.sources[0].truth(0, 1).effect[0, 1, C_PEPTIDE, 3]
    assert exp(untreated + effect) - exp(untreated) == pytest.approx(0.1)
    note = next(line for line in notes_on(ready) if "pmol/L" in line)
    assert f"+100 pmol/L is {log(exp(untreated) + 0.1) - untreated:+.4g} ln(nmol/L + 1)" in note


@pytest.mark.parametrize(
    ("settings", "read", "value"),
    [
        (
            ['population.eligible={hba1c={at_most=75,unit="mmol/mol"}}'],
            lambda s: s.population.eligible["hba1c"].at_most,
            75 / MASTER + 2.15,
        ),
        (
            ['population.baseline_strata={c_peptide={at=[400],unit="pmol/L"}}'],
            lambda s: s.population.baseline_strata["c_peptide"][0],
            0.4,
        ),
        (
            ["analysis.2.unit=ng/mL", "analysis.2.lloq=0.1"],
            lambda s: s.analysis[1]["lloq"],
            0.03311,
        ),
        (
            ["analysis.1.unit=mmol/mol", "analysis.1.null_effect=4"],
            lambda s: s.analysis[0]["null_effect"],
            4 / MASTER,
        ),
        (
            ["analysis.1.unit=mmol/mol", "analysis.1.responder={below=53,below_baseline_by=5}"],
            lambda s: sorted(s.analysis[0]["responder"].values()),
            [5 / MASTER, 53 / MASTER + 2.15],
        ),
        (
            ['intercurrent.rescue={endpoint="hba1c",limit=75,unit="mmol/mol",effect={hba1c=-0.5}}'],
            lambda s: s.intercurrent["rescue"]["limit"],
            75 / MASTER + 2.15,
        ),
        (
            ['events.hypoglycaemia={per_month=1,tied_to="glucose",at=90,unit="mg/dL"}'],
            lambda s: s.events["hypoglycaemia"].at,
            90 / 18.016,
        ),
    ],
)
def test_limits_are_converted(path: Path, settings: list[str], read: object, value: object) -> None:
    assert callable(read)

    assert read(load_scenario(path, settings)) == pytest.approx(value)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("truth.target.hba1c.effect=-5", "-5 mmol/mol, which is -0.457 %, write"),
        ("truth.target.hba1c.effect=-6", "-6 mmol/mol, which is -0.549 %"),
        ("truth.target.c_peptide.effect=100", "100 pmol/L, which is 0.1 nmol/L"),
        ("truth.target.c_peptide.effect=1.2", "1.2 ng/mL, which is 0.397 nmol/L"),
        ("outcome.hba1c.control_mean=58", "unit = 'mmol/mol'"),
        ("outcome.c_peptide.control_mean=550", "unit = 'pmol/L'"),
        ("outcome.hba1c.sd=14", "'mmol/mol'"),
        ("outcome.c_peptide.sd=250", "'pmol/L'"),
        ("population.eligible={c_peptide={at_least=200}}", "unit = 'pmol/L'"),
        ("population.baseline_strata={c_peptide=[400]}", "{ at, unit } with unit = 'pmol/L'"),
        ("analysis.1.null_effect=4", "For 4 mmol/mol write unit = 'mmol/mol'"),
        ("analysis.2.lloq=20", "unit = 'pmol/L'"),
        ("missing.delta={hba1c=20}", "write { value = 20, unit = 'mmol/mol' }"),
    ],
)
def test_number_plausible_in_another_unit_only_is_asked_about(
    path: Path, setting: str, said: str
) -> None:
    with pytest.raises(BadScenario) as caught:
        assembled(path, setting)

    assert said in str(caught.value)
    assert str(path) in str(caught.value)


def test_answer_to_the_question_is_taken(path: Path) -> None:
    ready = assembled(path, "truth.target.hba1c.effect=-3", "truth.target.hba1c.unit=%")

    assert ready.sources[0].truth(0, 1).effect[0, 1, HBA1C, 2] == pytest.approx(-3.0)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("truth.target.hba1c.effect=0.5", "HbA1c: lower is better; effect = 0.5 is harm."),
        ("truth.target.hba1c.effect={percent=5}", "HbA1c: lower is better; effect = 5 is harm."),
        ("truth.target.c_peptide.effect=-0.1", "C-peptide: higher is better; effect = -0.1 is"),
    ],
)
def test_effect_in_the_direction_of_harm_is_said_and_not_sized(
    path: Path, setting: str, said: str
) -> None:
    assert any(said in note for note in notes_on(assembled(path, setting)))

    sized = phase2sim("size", path, "--power", "0.8", "--set", setting)

    assert sized.exit_code == 2
    assert said in sized.stderr


@pytest.mark.parametrize(("endpoint", "effect"), [("hba1c", 6), ("hba1c", 3), ("c_peptide", -40)])
def test_no_suggestion_points_to_harm(path: Path, endpoint: str, effect: float) -> None:
    with pytest.raises(BadScenario) as caught:
        load_scenario(path, [f"truth.target.{endpoint}.effect={effect}"])

    assert f"effect = {effect} is harm" in str(caught.value)
    assert "percent" not in str(caught.value)


def test_margin_of_non_inferiority_allows_for_its_harm(path: Path) -> None:
    ready = assembled(path, "truth.target.hba1c.effect=0.1", "analysis.1.null_effect=0.4")

    assert notes_on(ready) == ()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["outcome.hba1c.unit=mmol"], "outcome.hba1c.unit is 'mmol'"),
        (["truth.target.hba1c.unit=nmol/L"], "truth.target.hba1c.unit is 'nmol/L'"),
        (
            ["truth.target.hba1c.unit=%", "truth.target.hba1c.effect={percent=-5}"],
            "effect is a percentage",
        ),
        (["analysis.2.unit=pmol/L", "analysis.2.null_effect=50"], "null_effect is on the ln("),
    ],
)
def test_unit_that_does_not_fit_is_refused(path: Path, settings: list[str], said: str) -> None:
    with pytest.raises(BadScenario) as caught:
        assembled(path, *settings)

    assert str(path) in str(caught.value)
    assert said in str(caught.value)


def test_nanomoles_said_to_be_picomoles_are_noted(path: Path) -> None:
    notes = notes_on(assembled(path, "outcome.c_peptide.unit=pmol/L"))

    assert any(note.startswith("outcome.c_peptide.sd is") for note in notes)


def in_ifcc(key: str, value: float, *others: str) -> tuple[str, ...]:
    return (f'{key}={{value={value},unit="mmol/mol"}}', *others)


THERAPY = "intercurrent.other_therapy={share=0.2,by_month=6}"
ONE_ANALYSIS = (
    'analysis=[{endpoint="hba1c",month=6,method="ancova",name="main"}]',
    'design.kind="group_sequential"',
    "design.looks=[{share=0.5,month=6}]",
)
STOPPING = (*ONE_ANALYSIS, 'stopping.efficacy.kind="none"')


@pytest.mark.parametrize(
    ("settings", "read"),
    [
        (in_ifcc("missing.delta.hba1c", 4), lambda s: s.missing.delta["hba1c"]),
        (in_ifcc("population.site_sd.hba1c", 4), lambda s: s.population.site_sd["hba1c"]),
        (
            in_ifcc("population.per_year_of_age.hba1c", 4),
            lambda s: s.population.per_year_of_age["hba1c"],
        ),
        (
            (THERAPY, *in_ifcc("intercurrent.other_therapy.effect.hba1c", 4)),
            lambda s: s.intercurrent["other_therapy"]["effect"]["hba1c"],
        ),
        (
            (
                "intercurrent.rescue={endpoint='hba1c',limit=9}",
                *in_ifcc("intercurrent.rescue.effect.hba1c", 4),
            ),
            lambda s: s.intercurrent["rescue"]["effect"]["hba1c"],
        ),
        (
            ['decision={kind="posterior",probability=0.9}', *in_ifcc("decision.beyond.hba1c", 4)],
            lambda s: s.decision["beyond"]["hba1c"],
        ),
        (
            ["analysis.1.name=main", *in_ifcc("decision.lower_reference.main", 4)],
            lambda s: s.decision["lower_reference"]["main"],
        ),
        (in_ifcc("decision.target.hba1c_month_6", 4), lambda s: s.decision["target"].popitem()[1]),
        (
            (*ONE_ANALYSIS, *in_ifcc("design.reestimation.effect", 4)),
            lambda s: s.design["reestimation"]["effect"],
        ),
        (
            (
                *STOPPING,
                "stopping.futility.kind=effect",
                *in_ifcc("stopping.futility.at_least", 4),
            ),
            lambda s: s.stopping.futility["at_least"],
        ),
        (
            (*STOPPING, *in_ifcc("stopping.futility.benefit", 4)),
            lambda s: s.stopping.futility["benefit"],
        ),
        (
            ("analysis.1.unit=mmol/mol", "analysis.1.effect_prior.means=[4]"),
            lambda s: s.analysis[0]["effect_prior"]["means"][0],
        ),
        (
            ("analysis.1.unit=mmol/mol", "analysis.1.effect_prior.robust_mean=4"),
            lambda s: s.analysis[0]["effect_prior"]["robust_mean"],
        ),
        (
            ("analysis.1.unit=mmol/mol", "analysis.1.control_prior.sds=[4]"),
            lambda s: s.analysis[0]["control_prior"]["sds"][0],
        ),
    ],
)
def test_difference_with_its_unit_is_converted(
    path: Path, settings: list[str], read: object
) -> None:
    """A difference of 4 mmol/mol is 4 / 10.929 %: the master equation's intercept falls out."""
    assert callable(read)

    scenario = load_scenario(path, settings)

    assert read(scenario) == pytest.approx(4 / MASTER)
    assert [line.partition(": ")[2] for line in scenario.converted] == ["4 mmol/mol is 0.366 %."]


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        (
            'missing.delta.c_peptide={value=-50,unit="pmol/L"}',
            "a difference in it is none on the ln(nmol/L + 1) scale",
        ),
        ('population.site_sd.hba1c={value=3,unit="mg/dL"}', "population.site_sd.hba1c.unit is"),
        (
            'stopping.futility={kind="effect",at_least={value=[3],unit="mmol/mol"}}',
            "stopping.futility.at_least.unit is 'mmol/mol', but this is not an effect in units of",
        ),
        ("missing.delta.hba1c={value=3}", "missing.delta.hba1c is {'value': 3}; it must be a"),
        ('missing.delta.hba1c={value="3",unit="%"}', "a table { value, unit } of a number and a"),
        ('decision.beyond.x={value=3,unit="%"}', "decision.beyond.x.unit is '%', but no analysis"),
        ('missing.delta.x={value=3,unit="%"}', "missing.delta.x"),
    ],
)
def test_difference_whose_unit_does_not_fit_is_refused(path: Path, setting: str, said: str) -> None:
    with pytest.raises(BadScenario) as caught:
        load_scenario(path, [setting])

    assert str(path) in str(caught.value)
    assert said in str(caught.value)


def test_limit_of_an_effect_that_is_no_difference_of_values_has_no_unit(path: Path) -> None:
    on_no_scale = {
        name
        for name, part in ANALYSES.items()
        if part.reads == "continuous" and part.scale != MODEL_SCALE
    }
    assert set(WITHOUT_UNITS) == on_no_scale

    for change in ('method="rank_ancova"', 'responder={below=7},analysis.1.method="fisher"'):
        settings = [f"analysis.1.{part}" for part in change.split(",analysis.1.")]
        with pytest.raises(BadScenario, match="no analysis of that name has an effect in units"):
            load_scenario(path, [*settings, *in_ifcc("decision.beyond.hba1c", 4)])


def test_limits_of_an_effect_are_one_for_each_look(path: Path) -> None:
    limits = 'stopping.futility={kind="effect",at_least={value=[2,4],unit="mmol/mol"}}'

    scenario = load_scenario(path, [*STOPPING, limits])

    assert scenario.stopping is not None
    assert scenario.stopping.futility is not None
    assert scenario.stopping.futility["at_least"] == pytest.approx([2 / MASTER, 4 / MASTER])


def test_mean_of_controls_prior_is_a_value_and_that_of_the_effects_a_difference(
    path: Path,
) -> None:
    """60 mmol/mol is (60 + 23.5) / 10.929 %; a difference has no intercept."""
    priors = [f"analysis.1.{name}.means=[60]" for name in ("control_prior", "effect_prior")]

    analysis = load_scenario(path, ["analysis.1.unit=mmol/mol", *priors]).analysis[0]

    assert analysis["control_prior"]["means"] == pytest.approx([(60 + 23.5) / MASTER], abs=2e-3)
    assert analysis["effect_prior"]["means"] == pytest.approx([60 / MASTER])
