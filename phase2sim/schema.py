"""JSON schema of a scenario file: the scenario's own keys and, at each part, its options."""

from typing import Any

from pydantic import TypeAdapter

from phase2sim.endpoints import RESPONSES
from phase2sim.estimands import STRATEGIES
from phase2sim.parts import KEYS, TABLES
from phase2sim.quantification import SHARES
from phase2sim.scenario import SCENARIO

# Where a scenario holds a part: model and key in the schema -> kind of part.
_PLACES = {
    ("Scenario", "design"): "designs",
    ("Scenario", "decision"): "decisions",
    ("Scenario", "recruitment"): "recruitments",
    ("Scenario", "safety"): "safety",
    ("Missing", "dropout"): "dropouts",
    ("Missing", "gaps"): "gaps",
}
_STRATEGY = {"enum": list(STRATEGIES)}
# Keys that every analysis has, whatever its part; one that has them itself says more.
_OF_ANY_ANALYSIS = {
    "name": {"type": "string"},
    "lloq": {"type": "number"},
    "below_lloq": {"enum": list(SHARES)},
    "arm": {"type": "string"},
    "estimand": {"oneOf": [_STRATEGY, {"type": "object", "additionalProperties": _STRATEGY}]},
}


def scenario_schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) that editors can check a scenario against."""
    schema = SCENARIO.json_schema()
    definitions: dict[str, Any] = schema["$defs"]
    for (model, key), kind in _PLACES.items():
        owner = schema if model == "Scenario" else definitions[model]
        owner["properties"][key] = {"oneOf": _options(kind, definitions)}
    schema["properties"]["analysis"]["items"] = {"oneOf": _options("analyses", definitions)}
    schema["properties"]["intercurrent"] = _events(definitions)
    target = definitions["TargetEffect"]
    target["oneOf"] = _options("shapes", definitions, closed=False)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "phase2sim scenario"
    return schema


def _options(
    kind: str, definitions: dict[str, Any], *, closed: bool = True
) -> list[dict[str, Any]]:
    """One schema a part of this kind, its name fixed to the part's."""
    options = []
    for name, part in TABLES[kind].items():
        schema = TypeAdapter(part).json_schema(ref_template="#/$defs/{model}")
        definitions.update(schema.pop("$defs", {}))
        schema["properties"] = {KEYS[kind]: {"const": name}, **schema.get("properties", {})}
        if kind == "analyses":
            schema["properties"] = _OF_ANY_ANALYSIS | schema["properties"]
        schema["required"] = [KEYS[kind], *schema.get("required", [])]
        schema["additionalProperties"] = not closed
        _allow_names(schema, definitions)
        options.append(schema)
    return options


def _allow_names(schema: dict[str, Any], definitions: dict[str, Any]) -> None:
    """What a scenario may name in place of a table, and what it may not say itself."""
    properties, required = schema["properties"], schema["required"]
    if "randomisation" in properties:
        by_name = {"enum": list(TABLES["randomisations"])}
        options = _options("randomisations", definitions)
        properties["randomisation"] = {"oneOf": [by_name, *options]}
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
        option["properties"]["strategy"] = _STRATEGY
        events[kind] = option
    return {"type": "object", "properties": events, "additionalProperties": False}
