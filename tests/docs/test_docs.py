"""The docs name everything there is, their examples run, and their links lead somewhere."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from support.kept_prior import UNTREATED, keep, keep_for

from phase2sim.cli import COMMANDS, main
from phase2sim.evidence.effect_tables import ClassEffectTable, EffectTable
from phase2sim.evidence.load import load_evidence
from phase2sim.evidence.tables import (
    ElicitedTable,
    IndividualTable,
    NormalTable,
    ReportedTable,
    StudyTable,
)
from phase2sim.scenario.assembly.assemble import assemble, build_scenario
from phase2sim.scenario.assembly.registry import TABLES
from phase2sim.scenario.scenario_file import load_scenario
from phase2sim.scenario.schema import scenario_schema
from phase2sim.scenario.sweep_file import SWEEP, load_sweep

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
GUIDE = DOCS / "guide"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
# Quick enough for a test, some with options that make them so.
RUN = {
    "run",
    "compare",
    "replay",
    "analyse",
    "list",
    "schema",
    "evidence",
    "sweep",
    "boundaries",
    "results",
    "score",
    "size",
    "fit",
    "calibrate",
    "safety",
}
QUICKLY = {
    "run": ("--trials", "20"),
    "compare": ("--trials", "20"),
    "calibrate": ("--trials", "1000"),
    "sweep": ("--look",),
    "report": ("--trials", "20", "--out", "quick.html"),
    "protocol": ("--trials", "20"),
    "size": ("--tolerance", "0.2", "--confidence", "0.5", "--trials", "1000"),
}
PRESETS = {"--draft", "--internal", "--submission"}
# Pages that explain parts: the kind of part, and where its names must be.
EVERYWHERE = "\n".join(
    path.read_text(encoding="utf-8") for folder in ("guide", "methods") for path in
    sorted((DOCS / folder).glob("*.md"))
)  # fmt: skip
EVIDENCE_TABLES = (
    *(StudyTable, ReportedTable, IndividualTable, EffectTable, ClassEffectTable),
    *(ElicitedTable, NormalTable),
)
# Keys of JSON objects that are names of the scenario's own or of parts' keys.
NAMES = {"hba1c", "shapes", *(f.name for part in TABLES["shapes"].values() for f in fields(part))}
HERE = re.compile(r"(?<![\w.:/])(/(home|root|work|tmp|usr|Users|opt|mnt|var)/|[A-Z]:\\)")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def page(name: str) -> str:
    return (GUIDE / name).read_text(encoding="utf-8")


def blocks(path: Path, language: str) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```", path.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return [text for tag, text in found if tag == language]


def options_of(command: click.Command) -> Iterator[str]:
    """Long names of a command's options, and of those below it."""
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            yield parameter.opts[-1]
    if isinstance(command, click.Group):
        for below in command.commands.values():
            yield from options_of(below)


def section(text: str, name: str) -> str:
    """Text under the heading of a command."""
    found = re.search(rf"^## {name}[^\n]*\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"no section of {name}"
    return found.group(1)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_in_the_guide(name: str) -> None:
    text = section(page("cli.md"), name)
    command = main.get_command(click.Context(main), name)
    assert command is not None

    for option in options_of(command):
        assert f"`{option}" in text


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, table in TABLES.items() for name in table]
)
def test_every_part_is_in_the_guide(kind: str, name: str) -> None:
    assert re.search(rf"`\"?{name}\"?`", EVERYWHERE), f"{kind}: {name}"


@pytest.mark.parametrize("name", TABLES["analyses"])
def test_every_analysis_has_a_page(name: str) -> None:
    assert (DOCS / "methods" / f"{name}.md").is_file()


def keys_of(schema: object) -> Iterator[str]:
    if isinstance(schema, dict):
        properties = schema.get("properties", {})
        yield from properties
        for inner in schema.values():
            yield from keys_of(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from keys_of(inner)


@pytest.mark.parametrize("key", sorted(set(keys_of(scenario_schema()))))
def test_every_key_of_a_scenario_is_in_the_guide(key: str) -> None:
    # In a table of keys, in an example, or as a heading of its own.
    text = page("scenario.md") + page("endpoints.md")
    assert re.search(rf"(`|\[|^|{{ |\.){key}(`| =|\]|\.)", text, re.MULTILINE)


@pytest.mark.parametrize(
    "key", sorted({key for table in EVIDENCE_TABLES for key in table.model_fields})
)
def test_every_key_of_an_evidence_file_is_in_the_guide(key: str) -> None:
    assert re.search(rf"`(elicited = {{ )?{key}\b", page("evidence.md")) or f"{key} = " in page(
        "evidence.md"
    )


def keys_of_a_sweep() -> set[str]:
    schema = SWEEP.json_schema()
    return {*schema["properties"], *schema["$defs"]["Axis"]["properties"]}


def test_every_field_of_the_json_is_in_the_guide(tmp_path: Path) -> None:
    scenario = tmp_path / "example.toml"
    scenario.write_text(blocks(GUIDE / "scenario.md", "toml")[0], encoding="utf-8")
    run = ["run", str(scenario), "--trials", "10"]
    replay = ["replay", str(scenario), "--trial", "1"]
    for arguments in (run, replay, ["evidence", "show", "gxipc1"], ["list", "shapes"]):
        printed = CliRunner().invoke(main, [*arguments, "--json"]).stdout

        found = set(re.findall(r'^\s*"(\w+)":', printed, re.MULTILINE)) - NAMES
        assert found
        for field in found:
            assert f"`{field}`" in page("cli.md"), field


@pytest.mark.usefixtures("place")
def test_every_field_of_sweeps_and_sizes_is_in_the_guide() -> None:
    sweep = ["sweep", "scenarios/sweeps/meld-atg-sizes.toml", "--out", "out", "--look"]
    size = ["size", "scenarios/meld-atg.toml", "--power", "0.8", "--tolerance", "0.2"]
    between = section(page("cli.md"), "run")  # `name` to `gap_in_se` are explained there
    for arguments in (sweep, [*sweep, "--estimate"], size, ["results", "out"]):
        printed = CliRunner().invoke(main, [*arguments, "--json"]).stdout

        found = set(re.findall(r'^\s*"(\w+)":', printed, re.MULTILINE))
        assert found
        for field in found - {"effect", "dropout"}:
            text = section(page("cli.md"), arguments[0])
            text += section(page("cli.md"), "results") + between
            assert f"`{field}`" in text, field


@pytest.mark.parametrize("key", sorted(keys_of_a_sweep()))
def test_every_key_of_a_sweep_file_is_in_the_guide(key: str) -> None:
    assert f"`{key}`" in page("sweeps.md")


@pytest.mark.parametrize(
    "path", sorted((ROOT / "scenarios" / "sweeps").glob("*.toml")), ids=name_of
)
@pytest.mark.usefixtures("place")
def test_shipped_sweeps_are_read(path: Path) -> None:
    assert len(load_sweep(path).cells) > 1


def test_example_scenario_of_the_guide_is_read(tmp_path: Path) -> None:
    (example,) = blocks(GUIDE / "scenario.md", "toml")
    path = tmp_path / "example.toml"
    path.write_text(example, encoding="utf-8")

    assembled = assemble(build_scenario(load_scenario(path)), None)

    assert assembled.study.plan.patients == 120


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_toml_blocks_are_toml(path: Path) -> None:
    for block in blocks(path, "toml"):
        assert tomllib.loads(block)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder with the shipped files and a kept prior, to run examples in."""
    for folder in ("scenarios", "priors"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    keep(tmp_path / "cache")
    monkeypatch.setenv("PHASE2SIM_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lines_of(path: Path) -> list[list[str]]:
    """Commands of phase2sim in the ```bash blocks of a page, as arguments."""
    lines = "\n".join(blocks(path, "bash")).replace("\\\n", " ").splitlines()
    split = [shlex.split(line.removeprefix("$ "), comments=True) for line in lines]
    return [
        words[words.index("phase2sim") + 1 :]
        for words in split
        if words[:1] == ["phase2sim"] or words[:3] == ["uv", "run", "phase2sim"]
    ]


def lay_out(page: Path, place: Path) -> None:
    """Write the files that a page spells out, and keep a prior where theirs would be fitted."""
    for block in blocks(page, "toml"):
        named = re.match(r"# (mine/\S+\.toml)\n", block)
        if named:
            (place / named[1]).parent.mkdir(parents=True, exist_ok=True)
            (place / named[1]).write_text(block, encoding="utf-8")
    own = sorted((place / "mine" / "priors").glob("*.toml"))
    if own:
        untreated = [place / "priors" / f"{name}.toml" for name in UNTREATED]
        keep_for(place / "cache", load_evidence([*own, *untreated]))


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_bash_blocks_run(path: Path, place: Path) -> None:
    lay_out(path, place)
    for line in lines_of(path):
        words = line[: line.index(">")] if ">" in line else line
        assert words[0].startswith("-") or words[0] in COMMANDS
        if words[0] not in RUN and "--help" not in words:
            continue
        kept = [word for word in words if word not in PRESETS]

        result = CliRunner().invoke(main, [*kept, *QUICKLY.get(words[0], ())])

        # So few trials may not settle a size.
        allowed = {0, 1} if words[0] == "size" else {0}
        assert result.exit_code in allowed, f"{line}: {result.stderr}{result.exception!r}"


@pytest.mark.parametrize("path", PAGES, ids=name_of)
@pytest.mark.usefixtures("place")
def test_python_blocks_run(path: Path) -> None:
    names: dict[str, Any] = {}
    for block in blocks(path, "python"):
        exec(compile(block, str(path), "exec"), names)  # noqa: S102 - our own docs


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_links_resolve(path: Path) -> None:
    text = re.sub(r"^```.*?^```", "", path.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?:|mailto:|doi:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (path.parent / file) if file else path
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


def anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_site_has_every_page_and_notebook_in_its_order() -> None:
    named = re.findall(r"[\w/-]+\.md", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"))

    pages = [str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md")]
    notebooks = [f"notebooks/{path.stem}.md" for path in (ROOT / "notebooks").glob("*.ipynb")]
    assert sorted(named) == sorted([*pages, *notebooks])


def test_the_validation_page_names_every_analysis_and_every_published_table() -> None:
    text = (DOCS / "validation.md").read_text(encoding="utf-8")

    for name in TABLES["analyses"]:
        assert f"[`{name}`](methods/{name}.md)" in text
    for table in (ROOT / "tests" / "published").glob("*.csv"):
        assert f"`{table.name}`" in text
    for file in re.findall(r"`((?:tests|benchmarks)/[\w/.]+\.py)`", text):
        assert (ROOT / file).is_file(), file


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_no_page_holds_a_path_of_one_machine(path: Path) -> None:
    assert HERE.search(path.read_text(encoding="utf-8")) is None
