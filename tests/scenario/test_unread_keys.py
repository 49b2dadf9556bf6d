"""Keys that change no output, and values that make no trial, are refused with the reason."""

from pathlib import Path

import pytest
from support.damage import SOUND

from phase2sim.core.errors import BadScenario
from phase2sim.scenario.assembly.assemble import assemble, build_scenario
from phase2sim.scenario.assembly.unread_keys import refuse_unread, refuse_unread_by_all
from phase2sim.scenario.scenario_file import load_scenario

PLAIN = ("analysis.1.covariates=[]", "population={}")
ONE = SOUND.split("[[analysis]]")
HBA1C_ONLY = "[[analysis]]".join([ONE[0], ONE[1]]) + "[decision]" + SOUND.split("[decision]")[1]
HBA1C_ONLY = HBA1C_ONLY.replace('"co_primary"', '"significance"')


def refuse(folder: Path, text: str, *settings: str) -> str:
    path = folder / "trial.toml"
    path.write_text(text, encoding="utf-8")

    def read() -> None:
        built = build_scenario(load_scenario(path, settings))
        assemble(built, None)
        refuse_unread(built)

    with pytest.raises(BadScenario) as caught:
        read()
    assert str(caught.value).startswith(f"{path}: ")
    return str(caught.value)


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ([*PLAIN, "population.age_years=[6,18]"], "population.age_years"),
        ([*PLAIN, "population.sites=8"], "population.sites"),
        (["analysis.1.covariates=['age']"], "population.age_strata"),
        (['analysis.1.covariates=["age"]', "population.age_strata=[]",
          "population.baseline_strata={hba1c=[7]}"], "population.baseline_strata.hba1c"),
        (["events={hypoglycaemia={per_month=1}}"], "events.hypoglycaemia"),
        (["missing={delta={hba1c=0.3}}"], "missing.delta.hba1c"),
        (["intercurrent={rescue={endpoint='hba1c',limit=9,effect={hba1c=-0.5,insulin=0.1}}}",
          "outcome.insulin={control_mean=0.7,sd=0.2,correlation=0.5}"],
         "intercurrent.rescue.effect.insulin"),
        (["population.site_sd={glucose=0.1}", "population.sites=4"], "population.site_sd.glucose"),
        (["population.months_since_diagnosis=[0,12]",
          "population.eligible={months_since_diagnosis={at_most=3}}"],
         "population.eligible.months_since_diagnosis"),
    ],
)  # fmt: skip
def test_key_that_nothing_reads_is_refused(tmp_path: Path, settings: list[str], key: str) -> None:
    assert f"{key} is not used: " in refuse(tmp_path, SOUND, *settings)


def test_target_that_nothing_reads_is_refused(tmp_path: Path) -> None:
    assert "truth.target.c_peptide is not used" in refuse(tmp_path, HBA1C_ONLY)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (['design.arms=["drug","Placebo"]'], "Write ['Placebo', 'drug']"),
        (["design.allocation=[100,1]", "design.patients=101"], "20 times"),
        (["recruitment={kind='steady',per_month=0.02}"], "about 501 years"),
        (["missing.dropout.share=0.99"], "missing.dropout leaves 0.6 of the 60 patients"),
        (["population.age_mean=9", "population.age_sd=0.5", "population.age_strata=[17]"],
         "population.age_strata: nobody"),
        (["population.eligible={hba1c={at_most=7}}", "population.baseline_strata={hba1c=[8]}"],
         "nobody who is eligible"),
        (["missing.delta={hba1c=30}"], "missing.delta.hba1c is 30"),
        (["outcome.hba1c.sd=20"], "outcome.hba1c.sd is 20"),
    ],
)  # fmt: skip
def test_values_that_make_no_trial_are_refused(
    tmp_path: Path, settings: list[str], said: str
) -> None:
    assert said in refuse(tmp_path, SOUND, *settings)


def test_sweep_may_hold_a_key_that_some_cell_reads(tmp_path: Path) -> None:
    path = tmp_path / "trial.toml"
    path.write_text(SOUND, encoding="utf-8")
    baseline, age, stratum = (
        build_scenario(load_scenario(path, [f"analysis.1.covariates=['{name}']"]))
        for name in ("baseline", "age", "stratum")
    )

    refuse_unread_by_all([baseline, stratum], "sweep.toml")

    with pytest.raises(BadScenario, match=r"sweep\.toml: population\.age_strata is not used"):
        refuse_unread_by_all([baseline, age], "sweep.toml")
