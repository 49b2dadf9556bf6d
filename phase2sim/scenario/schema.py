"""JSON schemas of the files: a scenario with the options of every part, a sweep, evidence."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import TypeAdapter

from phase2sim.analyses.quantification_limit import REPLACEMENT_SHARES
from phase2sim.core.endpoints import RESPONSES
from phase2sim.core.estimands import STRATEGIES
from phase2sim.evidence.care_tables import CareTable
from phase2sim.evidence.effect_tables import ClassEffectTable, EffectTable
from phase2sim.evidence.tables import IndividualTable, ReportedTable, StudyTable
from phase2sim.scenario.assembly.registry import KEYS, TABLES
from phase2sim.scenario.differences_in_units import BY_ANALYSIS, BY_ENDPOINT
from phase2sim.scenario.key_descriptions import OF_TABLES, key_meaning
from phase2sim.scenario.scenario_file import SCENARIO
from phase2sim.scenario.sweep_file import SWEEP

# Where a scenario holds a part: model and key in the schema -> kind of part.
_PLACES = {
    ("Scenario", "design"): "designs",
    ("Scenario", "decision"): "decisions",
    ("Scenario", "recruitment"): "recruitments",
    ("Scenario", "safety"): "safety",
    ("Missing", "dropout"): "dropouts",
    ("Missing", "gaps"): "gaps",
    ("Stopping", "efficacy"): "efficacies",
    ("Stopping", "futility"): "futilities",
}
# Titles that the schema, a contract, keeps for renamed classes.
_TITLES = {"PoissonRecruitment": "Poisson", "PoissonRegression": "Poisson"}
# The heading of a numpydoc section: a description is the prose of a docstring above the first one.
_SECTION = re.compile(r"\n+[A-Z][A-Za-z ]+\n-{3,}\n.*", re.DOTALL)
_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_STRATEGY = {"enum": list(STRATEGIES)}
# What may stand where a difference does: `scenario.differences_in_units` makes it a number.
_IN_UNIT = {
    "title": "InUnit",
    "description": "A difference or an SD, given in a unit of the endpoint.",
    "type": "object",
    "properties": {
        "value": {
            "oneOf": [{"type": "number"}, {"type": "array", "items": {"type": "number"}}],
            "description": "The difference, or the SD; a list where the key has one.",
        },
        "unit": {
            "type": "string",
            "description": "Of value; one in which the endpoint's model scale is linear.",
        },
    },
    "required": ["value", "unit"],
    "additionalProperties": False,
}
_OF_ANY_EVENT = {
    "strategy": _STRATEGY
    | {
        "default": "treatment_policy",
        "description": "What the estimand makes of values after the event.",
    }
}
# Keys that every analysis has, whatever its part; one that has them itself says more.
_OF_ANY_ANALYSIS = {
    "name": {"type": "string"},
    "lloq": {"type": "number"},
    "below_lloq": {"enum": list(REPLACEMENT_SHARES)},
    "arm": {"type": "string"},
    "unit": {"type": "string"},
    "estimand": {"oneOf": [_STRATEGY, {"type": "object", "additionalProperties": _STRATEGY}]},
}


def scenario_schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) that editors can check a scenario against."""
    schema = SCENARIO.json_schema()
    definitions: dict[str, Any] = schema["$defs"]
    definitions["InUnit"] = _IN_UNIT
    for (model, key), kind in _PLACES.items():
        owner = schema if model == "Scenario" else definitions[model]
        about = owner["properties"][key].get("description", "")
        owner["properties"][key] = {"oneOf": _options(kind, definitions), "description": about}
    schema["properties"]["analysis"]["items"] = {"oneOf": _options("analyses", definitions)}
    schema["properties"]["intercurrent"] |= _events(definitions)
    for name in ("TargetEffect", "BackgroundEffect"):
        definitions[name]["oneOf"] = _options("shapes", definitions, closed=False)
    for name, meanings in OF_TABLES.items():
        for key, text in meanings.items():
            definitions[name]["properties"][key]["description"] = text
    for name, *_, key in BY_ENDPOINT[:3]:
        _allow_unit(definitions[name.capitalize()]["properties"][key], "additionalProperties")
    return _without_sections(schema) | {"$schema": _DRAFT, "title": "phase2sim scenario"}


def sweep_schema() -> dict[str, Any]:
    """Return the JSON schema of a sweep file."""
    schema = _without_sections(SWEEP.json_schema())
    return schema | {"$schema": _DRAFT, "title": "phase2sim sweep"}


def evidence_schema() -> dict[str, Any]:
    """Return the JSON schema of an evidence file, whose tables are checked one by one."""
    definitions: dict[str, Any] = {}

    def table(of: type) -> dict[str, Any]:
        schema = TypeAdapter(of).json_schema(ref_template="#/$defs/{model}")
        definitions.update(schema.pop("$defs", {}))
        definitions[of.__name__] = schema
        return {"$ref": f"#/$defs/{of.__name__}", "description": schema["description"]}

    def listed(of: type) -> dict[str, Any]:
        item = table(of)
        return {"type": "array", "items": item, "description": item["description"]}

    def named(of: type, by: str = "endpoint") -> dict[str, Any]:
        item = table(of)
        return {
            "type": "object",
            "additionalProperties": item,
            "description": f"By {by}: {item['description']}",
        }

    study = table(StudyTable)
    properties = {
        "study": {"oneOf": [study, listed(StudyTable)], "description": study["description"]},
        "reported": listed(ReportedTable),
        "individual": listed(IndividualTable),
        "effect": named(EffectTable),
        "class_effect": named(ClassEffectTable),
        "care": named(CareTable, "covariate"),
    }
    schema = {
        "$schema": _DRAFT,
        "title": "phase2sim evidence",
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        "$defs": definitions,
    }
    return _without_sections(schema)


# Kind of file -> its schema: what `phase2sim schema` prints.
SCHEMAS: Mapping[str, Callable[[], dict[str, Any]]] = {
    "scenario": scenario_schema,
    "sweep": sweep_schema,
    "evidence": evidence_schema,
}


def part_schemas(kind: str) -> dict[str, dict[str, Any]]:
    """Name -> schema of every part of one kind, for the reference."""
    parts = _without_sections(_options(kind, {}, closed=kind != "shapes"))
    return dict(zip(TABLES[kind], parts, strict=True))


def _without_sections[Value](schema: Value) -> Value:
    """Schema whose descriptions end where the numpydoc sections of a docstring begin."""
    if isinstance(schema, dict):
        return {  # type: ignore[return-value]  # of the same kind
            key: _SECTION.sub("", value)
            if key == "description" and isinstance(value, str)
            else _without_sections(value)
            for key, value in schema.items()
        }
    if isinstance(schema, list):
        return [_without_sections(value) for value in schema]  # type: ignore[return-value]
    return schema


def _options(
    kind: str, definitions: dict[str, Any], *, closed: bool = True
) -> list[dict[str, Any]]:
    """One schema a part of this kind, its name fixed to the part's."""
    options = []
    for name, part in TABLES[kind].items():
        schema = TypeAdapter(part).json_schema(ref_template="#/$defs/{model}")
        definitions.update(schema.pop("$defs", {}))
        schema["title"] = _TITLES.get(schema["title"], schema["title"])
        schema["properties"] = {KEYS[kind]: {"const": name}, **schema.get("properties", {})}
        if kind == "analyses":
            schema["properties"] = _OF_ANY_ANALYSIS | schema["properties"]
        schema["required"] = [KEYS[kind], *schema.get("required", [])]
        schema["additionalProperties"] = not closed
        _allow_names(schema, definitions)
        _allow_units(kind, name, schema["properties"])
        _explain(kind, name, schema["properties"])
        options.append(schema)
    return options


def _explain(kind: str, part: str, properties: dict[str, Any]) -> None:
    for key, about in properties.items():
        text = key_meaning(kind, part, key)
        if text:
            properties[key] = {**about, "description": text}


def _allow_units(kind: str, part: str, properties: dict[str, Any]) -> None:
    """Allow a unit beside the differences among a part's options."""
    if kind == "decisions":
        for key in [key for _, key in BY_ANALYSIS if key in properties]:
            _allow_unit(properties[key], "additionalProperties")
    if kind == "intercurrent" and "effect" in properties:
        _allow_unit(properties["effect"], "additionalProperties")
    if kind == "reestimations" and "effect" in properties:
        _allow_unit(properties, "effect")
    if kind == "futilities" and "benefit" in properties:
        _allow_unit(properties, "benefit")
    if (kind, part) == ("futilities", "effect"):
        _allow_unit(properties, "at_least")


def _allow_unit(holder: dict[str, Any], key: str) -> None:
    """Allow ``{ value, unit }`` where the schema has a number."""
    holder[key] = {"oneOf": [holder[key], {"$ref": "#/$defs/InUnit"}]}


def _allow_names(schema: dict[str, Any], definitions: dict[str, Any]) -> None:
    """What a scenario may name in place of a table, and what it may not say itself."""
    properties, required = schema["properties"], schema["required"]
    if "randomisation" in properties:
        by_name = {"enum": list(TABLES["randomisations"])}
        options = _options("randomisations", definitions)
        properties["randomisation"] |= {"oneOf": [by_name, *options]}
        del properties["randomisation"]["anyOf"]
    if "reestimation" in properties:
        properties["reestimation"] = {"oneOf": _options("reestimations", definitions)}
    if "spending" in properties:
        by_name = {"enum": list(TABLES["spendings"])}
        properties["spending"] = {"oneOf": [by_name, *_options("spendings", definitions)]}
    if "ratio" in properties:
        del properties["ratio"]
        required.remove("ratio")
    if "responder" in properties:
        properties["responder"] = {"oneOf": [properties["responder"], {"enum": list(RESPONSES)}]}
        required.remove("endpoint")


def _events(definitions: dict[str, Any]) -> dict[str, Any]:
    """Intercurrent events, each under its kind with its strategy."""
    events = {}
    for option in _options("intercurrent", definitions):
        kind = option["properties"].pop("kind")["const"]
        option["required"].remove("kind")
        option["properties"] |= _OF_ANY_EVENT
        if "limit" in option["properties"]:
            option["properties"]["unit"] = {
                "type": "string",
                "description": "Of limit; the endpoint's own if left out.",
            }
        events[kind] = option
    return {"type": "object", "properties": events, "additionalProperties": False}
