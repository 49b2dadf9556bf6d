"""Write the reference anew from schemas and commands: `uv run python docs/reference/write.py`."""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from phase2sim.cli import COMMANDS, main
from phase2sim.reporting.screens.parts import parts_rows
from phase2sim.scenario.assembly.registry import KEYS, TABLES
from phase2sim.scenario.schema import SCHEMAS, part_schemas

HERE = Path(__file__).parent
NOTE = "Written by `docs/reference/write.py` from what the program itself reads; not by hand."
# Heading -> tables of the schema and kinds of parts below it. What is not named here comes last.
SCENARIO: Mapping[str, tuple[str, ...]] = {
    "[population]": ("Population", "Limits", "BackgroundTable", "BackgroundEffect"),
    "[design]": ("designs", "PlannedLook", "reestimations", "randomisations"),
    "[outcome.<endpoint>]": ("Outcome", "VisitCorrelation"),
    "[truth]": ("TruthTable", "TargetEffect", "Percent", "shapes", "PriorTruth"),
    "[missing]": ("Missing", "dropouts", "gaps"),
    "[recruitment]": ("recruitments",),
    "[intercurrent.<event>]": ("intercurrent",),
    "[events.<counted>]": ("Events",),
    "[safety]": ("safety",),
    "[shared]": ("Shared",),
    "[[analysis]]": ("analyses", "Responder", "AnalysisMixture"),
    "[decision]": ("decisions",),
    "[stopping]": ("Stopping", "efficacies", "futilities", "spendings"),
}
EVIDENCE: Mapping[str, tuple[str, ...]] = {
    "[study], [[study]]": ("StudyTable", "NormalTable"),
    "[[reported]]": ("ReportedTable", "ElicitedTable"),
    "[[individual]]": ("IndividualTable",),
    "[effect.<endpoint>]": ("EffectTable",),
    "[class_effect.<endpoint>]": ("ClassEffectTable",),
    "[care.<covariate>]": ("CareTable", "CareShareTable"),
}
_AS_TYPED = (
    *("mean", "median", "geometric_mean", "sd", "se", "ci95", "below", "above", "quartiles"),
    *("range", "change", "difference"),
)
MODEL, OWN, MONTHS, YEARS = "model scale", "endpoint's unit", "months", "years"
# Unit of a key, or of "Table.key" where tables differ; months by their name.
UNITS: Mapping[str, str] = {
    **dict.fromkeys(("effect", "delta", "site_sd", "control_mean", "Outcome.sd", "means"), MODEL),
    **dict.fromkeys(("sds", "robust_mean", "robust_sd", "sceptical_sd", "bias_sd"), MODEL),
    **dict.fromkeys(("between_trials_sd", "residual_sd", "ElicitedTable.change"), MODEL),
    **dict.fromkeys(("at_least", "at_most", "below_baseline_by", "above_baseline_by"), OWN),
    **dict.fromkeys(("baseline_strata", "limit", "lloq", "at", "Responder.below"), OWN),
    **dict.fromkeys(("age_years", "age_strata", "age_mean", "age_sd"), YEARS),
    "per_year_of_age": "model scale a year",
    "weight_kg": "kg",
    "percent": "%",
    "percent_change": "%",
    "recruitments.per_month": "patients a month",
    "Events.per_month": "events a month",
    "efficacies.delta": "",
    "safety.limit": "",
    "futilities.at_least": "that of the part",
    "futilities.at_most": "that of the part",
    "VisitCorrelation.per_month": "",
    "null_effect": "that of the effect",
    **dict.fromkeys((f"ReportedTable.{key}" for key in _AS_TYPED), "`unit`"),
    "ReportedTable.slope": "`unit` a month",
}  # fmt: skip
# What one part of each kind is called.
ONE: Mapping[str, str] = {
    "designs": "Design",
    "randomisations": "Randomisation",
    "recruitments": "Recruitment",
    "dropouts": "Dropout",
    "gaps": "Gaps",
    "intercurrent": "Event",
    "shapes": "Shape",
    "safety": "Safety",
    "analyses": "Analysis",
    "decisions": "Decision",
    "efficacies": "Efficacy",
    "futilities": "Futility",
    "spendings": "Spending",
    "reestimations": "Re-estimation",
}
LARGEST_SEED = 2**64
WORDS = {"string": "text", "boolean": "`true` or `false`", "object": "table"}


def pages() -> dict[str, str]:
    """Name of each page of the reference -> its text."""
    return {
        "scenario.md": _scenario(),
        "sweep.md": _file_page("sweep", {"[axes.<name>]": ("Axis",)}, "guide/sweeps.md"),
        "evidence.md": _file_page("evidence", EVIDENCE, "guide/evidence.md"),
        "parts.md": _parts(),
        "commands.md": _commands(),
    }


def _head(title: str, guide: str) -> list[str]:
    return [f"# {title}", "", NOTE, f"How to use it is told in [the guide](../{guide}).", ""]


def _scenario() -> str:
    schema = SCHEMAS["scenario"]()
    lines = [*_head("Keys of a scenario file", "guide/scenario.md"), "## The top of the file", ""]
    lines += _table("Scenario", schema, schema)
    rest = {"Other tables": tuple(_unplaced(schema, SCENARIO))}
    for heading, names in {**SCENARIO, **(rest if rest["Other tables"] else {})}.items():
        lines += [f"## {_code(heading)}", ""]
        for name in names:
            lines += _kind(name, schema) if name in KEYS else _named(name, schema)
    return _text(lines)


def _unplaced(schema: dict[str, Any], layout: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    placed = {name for names in layout.values() for name in names}
    tables = [name for name, about in schema["$defs"].items() if "properties" in about]
    kinds = list(KEYS) if layout is SCENARIO else []
    yield from (name for name in (*tables, *kinds) if name not in placed)


def _file_page(kind: str, layout: Mapping[str, tuple[str, ...]], guide: str) -> str:
    schema = SCHEMAS[kind]()
    lines = [*_head(f"Keys of {_a(kind)} file", guide), "## The top of the file", ""]
    lines += _table(kind, schema, schema)
    rest = tuple(_unplaced(schema, layout))
    for heading, names in {**layout, **({"Other tables": rest} if rest else {})}.items():
        lines += [f"## {_code(heading)}", ""]
        for name in names:
            lines += _named(name, schema)
    return _text(lines)


def _code(heading: str) -> str:
    return f"`{heading}`" if heading.startswith("[") else heading


def _a(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def _named(name: str, schema: dict[str, Any]) -> list[str]:
    """Lines of one table of the schema."""
    about = schema["$defs"][name]
    words = _plain(about.get("description", ""))
    return [f"### {_title(name)}", "", words, "", *_table(name, about, schema)]


def _title(name: str) -> str:
    """Heading of a table: its name in words."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.removesuffix("Table")).capitalize()


def _kind(kind: str, schema: dict[str, Any]) -> list[str]:
    """Lines of all parts of one kind; what all of them have comes once, before."""
    parts = part_schemas(kind)
    key = KEYS[kind]
    if kind == "intercurrent":
        parts = schema["properties"]["intercurrent"]["properties"]
    shared = [set(part["properties"]) - {key} for part in parts.values()]
    common = set.intersection(*shared) if len(parts) > 1 else set()
    first = next(iter(parts.values()))
    lines = []
    if common:
        lines += [f"Keys that every one of the {kind} below has:", ""]
        lines += _table(kind, _only(first, common), schema)
    for name, part in parts.items():
        own = _only(part, set(part["properties"]) - common - {key})
        lines += [f"### {ONE.get(kind, kind)}: {name}", "", _plain(part.get("description", "")), ""]
        if kind == "analyses":
            lines += [
                f"[Its formulas, and what they were checked against](../methods/{name}.md)",
                "",
            ]
        lines += _table(kind, own, schema) if own["properties"] else []
    return lines


def _only(part: dict[str, Any], keys: set[str]) -> dict[str, Any]:
    kept = {key: about for key, about in part["properties"].items() if key in keys}
    return {**part, "properties": kept}


def _table(name: str, about: dict[str, Any], schema: dict[str, Any]) -> list[str]:
    """Lines of a table of keys: one row a key."""
    lines = [
        "| key | what it may be | if left out | unit | what it says |",
        "|---|---|---|---|---|",
    ]
    for key, its in about["properties"].items():
        must = key in about.get("required", ())
        default = "required" if must else _default(its)
        cells = (f"`{key}`", _type(its, schema), default, _unit(name, key), _says(its, schema))
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return [*lines, ""]


def _says(about: dict[str, Any], schema: dict[str, Any]) -> str:
    """What a key says; a table that nobody described says what it is."""
    text = about.get("description")
    if text is None and "$ref" in about:
        text = _target(about, schema).get("description")
    return _plain(text or "").replace("\n", " ")


def _unit(table: str, key: str) -> str:
    if f"{table}.{key}" in UNITS:
        return UNITS[f"{table}.{key}"]
    if re.search(r"(^|_)months?($|_)", key):
        return MONTHS
    return UNITS.get(key, "")


def _default(about: dict[str, Any]) -> str:
    value = about.get("default")
    if value is None or value in ([], {}, "") or (isinstance(value, dict) and len(value) > 1):
        return ""
    return f"`{_toml(value)}`"


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(its)}" for key, its in value.items()) + " }"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _target(about: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = schema["$defs"][about["$ref"].rpartition("/")[2]]
    return found


def _type(about: dict[str, Any], schema: dict[str, Any]) -> str:  # noqa: PLR0911 - one a kind
    """Type and limits of a value, in words."""
    if "$ref" in about:
        name = about["$ref"].rpartition("/")[2]
        target = _target(about, schema)
        if "properties" in target:
            return f"[table](#{_title(name).lower().replace(' ', '-')})"
        return _type(target, schema)
    if "const" in about or "enum" in about:
        return _either(f"`{_toml(one)}`" for one in about.get("enum", [about.get("const")]))
    for way in ("anyOf", "oneOf"):
        if way in about:
            given = [one for one in about[way] if one.get("type") != "null"]
            parts = [one for one in given if "properties" in one]
            words = [_type(one, schema) for one in given if "properties" not in one]
            return _either(dict.fromkeys([*words, *(["table"] if parts else [])]))
    if about.get("type") == "array":
        return _list(about, schema)
    if about.get("type") == "object" and isinstance(about.get("additionalProperties"), dict):
        return f"table: name = {_type(about['additionalProperties'], schema)}"
    return _number(about)


def _list(about: dict[str, Any], schema: dict[str, Any]) -> str:
    if "prefixItems" in about:
        of = _either(dict.fromkeys(_type(one, schema) for one in about["prefixItems"]))
        return f"list of {len(about['prefixItems'])}: {of}"
    items = about.get("items", {})
    return "list of " + ("tables" if "oneOf" in items else _type(items, schema))


def _number(about: dict[str, Any]) -> str:
    """A value without parts: its type, then from where to where it may be."""
    of = about.get("type", "")
    word = {"number": "number", "integer": "whole number"}.get(of, WORDS.get(of, "any value"))
    low, high = about.get("minimum"), about.get("maximum")
    above, below = about.get("exclusiveMinimum"), about.get("exclusiveMaximum")
    bounds = (
        f"from {_bound(low)}" if low is not None else "",
        f"above {_bound(above)}" if above is not None else "",
        f"to {_bound(high)}" if high is not None else "",
        f"below {_bound(below)}" if below is not None else "",
    )
    return " ".join([word, *filter(None, bounds)])


def _bound(value: float) -> str:
    if value == LARGEST_SEED:
        return "2^64"
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def _either(words: Iterable[str]) -> str:
    return " or ".join(words)


def _plain(docstring: str) -> str:
    """Text of a docstring as Markdown, without what only concerns callers."""
    text = re.sub(r"\s*Raises ``ValueError``.*?\.(?=\s|$)", "", docstring, flags=re.DOTALL)
    text = re.sub(r";?\s+see\s+docs/methods/\w+\.md", "", text)
    return text.replace("``", "`").strip()


def _parts() -> str:
    """Every registered part and what it is."""
    lines = [
        *_head("Registered parts", "guide/scenario.md"),
        "As `phase2sim list` prints them.",
        "",
    ]
    for kind in TABLES:
        lines += [f"## {kind}", "", "| name | what it is |", "|---|---|"]
        for row in parts_rows(kind):
            name = f"`{row['name']}`"
            if kind == "analyses":
                name = f"[{name}](../methods/{row['name']}.md)"
            lines.append(f"| {name} | {_plain(row['summary'])} |")
        lines.append("")
    return _text(lines)


def _commands() -> str:
    """Every command: what it does, its arguments and options, its examples."""
    lines = [*_head("Commands and their options", "guide/cli.md")]
    for name in COMMANDS:
        command = main.get_command(click.Context(main), name)
        lines += _command(name, command) if command else []
    return _text(lines)


def _command(name: str, command: click.Command, level: str = "##") -> Iterator[str]:
    words, examples = _help(command)
    yield from (f"{level} {name}", "", words, "")
    if isinstance(command, click.Group):
        for below, its in command.commands.items():
            yield from _command(f"{name} {below}", its, f"{level}#")
        return
    arguments = [one for one in command.params if isinstance(one, click.Argument)]
    usage = " ".join(
        one.human_readable_name + ("..." if one.nargs < 0 else "")
        if one.required
        else f"[{one.human_readable_name}]"
        for one in arguments
    )
    yield from (f"`phase2sim {name} [OPTIONS] {usage}`".replace(" `", "`"), "")
    options = [one for one in command.params if isinstance(one, click.Option)]
    if options:
        yield from ("| option | value | if left out | what it does |", "|---|---|---|---|")
        yield from (_option(one) for one in options)
        yield ""
    if examples:
        yield from ("```text", *examples, "```", "")


def _help(command: click.Command) -> tuple[str, list[str]]:
    """A command's words, and its examples."""
    words, _, examples = (command.help or "").partition("\b\n")
    return words.strip(), [line.strip() for line in examples.splitlines()[1:] if line.strip()]


def _option(option: click.Option) -> str:
    value = "" if option.is_flag else option.metavar or _value(option.type)
    default = "required" if option.required else ""
    if not (option.is_flag or option.required) and isinstance(option.default, int | float | str):
        default = f"`{option.default}`"
    elif isinstance(option.default, tuple):
        default = f"`{' '.join(map(str, option.default))}`"
    help_text = (option.help or "").replace("|", "\\|")
    return f"| `{option.opts[-1]}` | {value} | {default} | {help_text} |"


def _value(of: click.ParamType[Any]) -> str:
    if isinstance(of, click.Choice):
        return _either(f"`{one}`" for one in of.choices)
    if isinstance(of, click.IntRange | click.FloatRange):
        whole = "whole number" if isinstance(of, click.IntRange) else "number"
        low = (
            ("above " if of.min_open else "at least ") + f"{of.min:,}" if of.min is not None else ""
        )
        high = (
            ("below " if of.max_open else "at most ") + f"{of.max:,}" if of.max is not None else ""
        )
        return ", ".join(word for word in (whole, low, high) if word)
    names = {"path": "path", "integer": "whole number", "text": "text", "float": "number"}
    return names.get(of.name, of.name)


def _text(lines: Iterable[str]) -> str:
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n"


if __name__ == "__main__":
    for page_name, page_text in pages().items():
        (HERE / page_name).write_text(page_text, encoding="utf-8")
        sys.stderr.write(f"docs/reference/{page_name}\n")
