"""Commands: what they print for programs and for people, and how they end."""

import json
import shlex
from pathlib import Path

import click
import pytest
from support.commands import DATA, SMALL, phase2sim, printed

from phase2sim.cli import COMMANDS, main
from phase2sim.cli.evidence import show_evidence
from phase2sim.scenario.assembly.registry import TABLES


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(SMALL, encoding="utf-8")
    return path


@pytest.fixture
def data_scenario(tmp_path: Path) -> Path:
    path = tmp_path / "data.toml"
    path.write_text(DATA, encoding="utf-8")
    return path


def test_run_prints_the_fields_of_the_contract(small: Path) -> None:
    run = printed("run", small)

    assert set(run) == {
        "scenario", "prior", "seed", "trials", "operating_characteristics", "failures", "fallbacks",
        "estimands", "assume", "elicited", "results_version",
    }  # fmt: skip
    assert run["scenario"]["title"] == "Two endpoints, no evidence"
    assert run["scenario"]["patients"] == 120
    assert run["prior"] is None
    assert (run["seed"], run["trials"]) == (7, 300)
    assert run["elicited"] == []


def test_every_operating_characteristic_has_the_fields_of_the_contract(small: Path) -> None:
    rows = printed("run", small)["operating_characteristics"]

    fields = {
        "name", "endpoint", "analysis", "month", "truth", "estimate", "mcse", "requested", "used",
        "failed", "low", "high", "exact", "approximate", "gap_in_se", "draws_mcse",
    }  # fmt: skip
    assert all(set(row) == fields for row in rows)
    assert all(row["requested"] == 300 for row in rows)
    assert all(row["used"] + row["failed"] == row["requested"] for row in rows)
    names = {"power", "type_i_error", "bias", "coverage", "missing"}
    assert {row["name"] for row in rows} == names
    verdicts = [row["endpoint"] for row in rows if row["name"] == "power"]
    assert verdicts == ["hba1c", "c_peptide", "co_primary"]


def test_screen_ends_in_a_reading(small: Path) -> None:
    screen = phase2sim("run", small).stdout

    assert "Two endpoints, no evidence" in screen
    assert "120 patients, 1:1" in screen
    assert "power" in screen
    assert "type I error" in screen
    assert "+-" in screen
    _, reading = screen.split("Read:")
    words = " ".join(reading.split())
    assert "-0.5 % HbA1c at month 6" in words
    assert "of 100 tries" in words
    assert "+- is Monte Carlo error, not uncertainty about the treatment." in words
    assert "Replay any trial: phase2sim replay" in words


def test_options_change_trials_seed_and_keys(small: Path) -> None:
    run = printed(
        "run", small, "--trials", 50, "--seed", 9, "--set", "design.patients=80", "--workers", 2
    )

    assert (run["trials"], run["seed"], run["scenario"]["patients"]) == (50, 9, 80)


def test_same_seed_same_output_and_another_seed_another(small: Path) -> None:
    first, again = phase2sim("run", small, "--json"), phase2sim("run", small, "--json")
    other_seed = phase2sim("run", small, "--json", "--seed", 8)

    assert first.stdout == again.stdout
    assert first.stdout != other_seed.stdout


def test_more_failures_than_allowed_end_with_exit_code_1(data_scenario: Path) -> None:
    tiny = ("--set", "design.patients=2", "--set", "population={}")

    result = phase2sim("run", data_scenario, *tiny)

    assert result.exit_code == 1
    assert result.stdout == ""
    assert "failures_allowed is 0.05" in result.stderr


def test_interrupted_run_prints_what_is_done_and_ends_with_exit_code_1(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(done: int, requested: int) -> None:
        assert done < requested
        raise KeyboardInterrupt

    monkeypatch.setattr("phase2sim.cli.terminal._report_lines", lambda _unit: interrupt)

    result = phase2sim("run", small, "--trials", 100_000, "--json")

    run = json.loads(result.stdout)
    assert result.exit_code == 1
    assert 0 < run["trials"] < 100_000
    assert run["operating_characteristics"][0]["used"] <= run["trials"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "none.toml"], "none.toml: cannot be read"),
        (["run"], "Missing argument 'SCENARIO'"),
        (["runn"], "No such command"),
        (["run", "{small}", "--trials", "0"], "trials is 0"),
        (["run", "{small}", "--trials", "many"], "'many' is not a valid integer"),
        (["run", "{small}", "--workers", "0"], "0 is not in the range"),
        (["run", "{small}", "--set", "trials"], "write it as key.path=value"),
        (["replay", "{small}"], "Missing option '--trial'"),
        (["replay", "{small}", "--trial", "-1"], "-1 is not in the range"),
        (["replay", "{small}", "--trial", "0", "--truth", "prior"], "no truth 'prior'"),
        (["replay", "{small}", "--trial", "0", "--out", "no/folder/x.csv"], "there is no folder"),
        (["analyse", "{small}", "none.csv"], "none.csv: cannot be read"),
        (["list", "endpoint"], "'endpoint' is not one of"),
        (["evidence", "show", "nobody"], "evidence 'nobody' was not found"),
        (["evidence", "show"], "Missing argument"),
        (["fit", "nobody"], "evidence 'nobody' was not found"),
    ],
)
def test_wrong_input_ends_with_exit_code_2(small: Path, arguments: list[str], message: str) -> None:
    result = phase2sim(*(argument.format(small=small) for argument in arguments))

    assert result.exit_code == 2
    assert result.stdout == ""
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_list_prints_every_part() -> None:
    listed = printed("list")

    assert {kind: [row["name"] for row in rows] for kind, rows in listed.items()} == {
        kind: list(table) for kind, table in sorted(TABLES.items())
    }
    assert all(row["summary"] for rows in listed.values() for row in rows)
    screen = phase2sim("list", "shapes").stdout
    assert all(name in screen for name in TABLES["shapes"])


def test_schema_prints_the_schema() -> None:
    schema = json.loads(phase2sim("schema").stdout)

    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_evidence_show_prints_every_entry_with_its_source() -> None:
    rows = printed("evidence", "show", "gxipc1")
    screen = phase2sim("evidence", "show", "gxipc1").stdout

    assert all(row["source"] for row in rows)
    assert any("8.27" in str(row["as_reported"]) for row in rows)
    assert "8.27" in screen


@pytest.mark.parametrize("arguments", [*([name] for name in COMMANDS), [], ["evidence", "show"]])
def test_help_shows_an_example(arguments: list[str]) -> None:
    result = phase2sim(*arguments, "--help")

    assert result.exit_code == 0
    assert "Example" in result.stdout
    assert f"phase2sim {' '.join(arguments)}" in result.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_says_what_it_does(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    options = [p for c in (command, show_evidence) for p in c.params if isinstance(p, click.Option)]

    assert all(option.help for option in options)


def test_listing_of_commands_is_that_of_their_own_helps() -> None:
    screen = phase2sim("--help").stdout

    for name, (_, summary) in COMMANDS.items():
        assert name in screen
        assert summary.split(":")[0] in " ".join(screen.split())


def test_the_replay_line_of_a_changed_run_replays_that_run(small: Path) -> None:
    changes = ["--set", "design.patients=60", "--set", "title=two words"]
    screen = " ".join(phase2sim("run", small, *changes, "--trials", 20, "--seed", 5).stdout.split())
    line = screen.partition("Replay any trial: phase2sim ")[2]

    followed = phase2sim(*shlex.split(line), "--json")

    same = phase2sim("replay", small, *changes, "--set", "seed=5", "--trial", 417, "--json")
    assert followed.exit_code == 0, followed.stderr
    assert followed.stdout == same.stdout
    assert followed.stdout != phase2sim("replay", small, "--trial", 417, "--json").stdout


@pytest.mark.parametrize("name", ["[/red]", "[bold]HbA1c", ":warning:"])
def test_a_name_in_brackets_is_text(small: Path, name: str) -> None:
    for words in (["run", small, "--trials", "20"], ["replay", small, "--trial", "3"]):
        done = phase2sim(*words, "--set", f"analysis.1.name={name}")

        assert done.exit_code == 0, done.stderr
        assert name in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    "setting",
    [
        'events={"hypo\\nglycaemia"={per_month=1}}',
        'intercurrent={"res\\ncue"={limit=9}}',
        'population.site_sd={"hb\\na1c"=0.1}',
        'truth.target={"hb\\na1c"={effect=-0.5,month=6,shape="immediate"}}',
        'data.unit={"hb\\na1c"="%"}',
    ],
)
def test_a_key_with_a_line_break_is_refused_in_one_line(small: Path, setting: str) -> None:
    done = phase2sim("run", small, "--set", setting)

    assert done.exit_code == 2
    assert "\\n" in done.stderr
    assert len(done.stderr.splitlines()) == 1
