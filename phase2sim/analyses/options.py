"""Options that the analyses share, and the check of their values."""

from collections.abc import Collection
from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np

from phase2sim.core.endpoints import MEASURES
from phase2sim.core.errors import BadValue

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_COVARIATES = ("baseline", "age", "stratum")

# Columns of a data file that are no factors: what they hold enters by keys of its own.
_RESERVED = ("id", "arm", "y", "base", "age", "stratum", "visit", "months", "endpoint")


def check_options(
    part: "DataclassInstance",
    endpoints: Collection[str] = MEASURES,
    covariates: tuple[str, ...] = _COVARIATES,
    **allowed: tuple[str, ...],
) -> None:
    """Raise ``ValueError`` for an option whose value is not allowed.

    ``endpoints`` and ``covariates`` are the allowed names, ``allowed`` the choices by option.
    """
    options = {field.name: getattr(part, field.name) for field in fields(part)}
    endpoint, month = options["endpoint"], options["month"]
    if endpoint not in endpoints:
        raise BadValue("endpoint", f"is {endpoint!r}; use one of {', '.join(endpoints)}.")
    if not (np.isfinite(month) and month > 0.0):
        raise BadValue("month", f"is {month:g}; give a visit after baseline, above 0.")
    if not np.isfinite(options.get("null_effect", 0.0)):
        raise BadValue("null_effect", f"is {options['null_effect']:g}; give a finite number.")
    for key, choices in allowed.items():
        _check_choice(key, options[key], choices)
    for covariate in options.get("covariates", ()):
        if covariate not in covariates:
            raise BadValue(
                "covariates", f"a covariate is {covariate!r}; use {_either(covariates)}.", ": "
            )
    for factor in options.get("factors", ()):
        _check_factor(factor)
    for key in ("covariates", "factors"):
        named = options.get(key, ())
        if len(set(named)) < len(named):
            raise BadValue(key, f"{list(named)} repeat one; name each once.")


def _check_choice(key: str, choice: str, allowed: tuple[str, ...]) -> None:
    if choice not in allowed:
        raise BadValue(key, f"is {choice!r}; use {_either(allowed)}.")


def _either(choices: tuple[str, ...]) -> str:
    return " or ".join(map(repr, choices))


def _check_factor(name: str) -> None:
    """Raise ``ValueError`` for a factor that is a column with another meaning."""
    if not name.strip() or name in _RESERVED:
        raise BadValue(
            "factors",
            f"names {name!r}; give a column of the data of its own, not one of"
            f" {', '.join(_RESERVED)}.",
        )
