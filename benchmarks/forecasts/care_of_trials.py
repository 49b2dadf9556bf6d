"""Care in a forecast trial: the share of patients with a glucose sensor, by the trial's years.

It is written only if the natural history file has this covariate, with the file's own distribution
of what it does.
"""

import json
import tomllib
from functools import cache
from typing import Any

from evidence_by_date import NATURAL_HISTORY

COVARIATE = "sensor_share"
# Assumed share of a control arm with a sensor, by the month of its first report: few before 2018,
# as the arms of the file say; most today.
SHARES = (("2018-01", 0.0), ("2022-01", 0.4), ("2026-01", 0.7))
SHARE_TODAY = 0.85


def sensor_share(published: str) -> float:
    """Assumed share in a trial first reported in a month ("2021-03")."""
    return next((share for end, share in SHARES if published < end), SHARE_TODAY)


@cache
def covariate() -> dict[str, Any] | None:
    """Table of the covariate in the natural history file, if it has one."""
    tables = tomllib.loads(NATURAL_HISTORY.read_text(encoding="utf-8"))
    found: dict[str, Any] | None = tables.get("care", {}).get(COVARIATE)
    return found


def covariate_lines() -> list[str]:
    """The covariate's table for the evidence of a trial."""
    table = covariate()
    if table is None:
        return []
    effects = ", ".join(
        f"{name} = {{ normal = {json.dumps(effect['normal'])} }}"
        for name, effect in table["effect"].items()
    )
    return [f"[care.{COVARIATE}]", f"effect = {{ {effects} }}", 'why = "as in the file"', ""]


def share_lines(published: str) -> list[str]:
    """The share in the study table of a trial."""
    if covariate() is None:
        return []
    return [f"care = {{ {COVARIATE} = {sensor_share(published):g} }}"]
