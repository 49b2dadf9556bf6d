"""JSON schema of a scenario file: the scenario's own keys and, at each part, its options."""

from typing import Any

from pydantic import TypeAdapter

from phase2sim.parts import KEYS, TABLES
from phase2sim.quantification import SHARES
from phase2sim.scenario import SCENARIO

# Where a scenario holds a part: model and key in the schema -> kind of part.
_PLACES = {
    ("Scenario", "design"): "designs",
    ("Scenario", "decision"): "decisions",
    ("Missing", "dropout"): "dropouts",
}
# Keys that every analysis has, whatever its part; one that has them itself says more.
_OF_ANY_ANALYSIS = {
    "name": {"type": "string"},
    "lloq": {"type": "number"},
    "below_lloq": {"enum": list(SHARES)},
}


def scenario_schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) that editors can check a scenario against."""
    schema = SCENARIO.json_schema()
    definitions: dict[str, Any] = schema["$defs"]
    for (model, key), kind in _PLACES.items():
        owner = schema if model == "Scenario" else definitions[model]
        owner["properties"][key] = {"oneOf": _options(kind, definitions)}
    schema["properties"]["analysis"]["items"] = {"oneOf": _options("analyses", definitions)}
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
        options.append(schema)
    return options
