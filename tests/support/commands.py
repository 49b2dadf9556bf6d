"""Running a command of phase2sim, and files for it to read."""

import json
from typing import Any

from click.testing import CliRunner, Result
from support.damage import SOUND

from phase2sim.cli import main

SMALL = SOUND.replace("trials = 2000", "trials = 300")
# A one-endpoint trial that reads the published data sets: HbA1c is analysed as it is typed.
DATA = """
title = "Published data sets"
seed = 1
trials = 100

[design]
kind = "fixed"
arms = ["control", "treated"]
patients = 40
visits_months = [0, 12]

[outcome.hba1c]
control_mean = 8
sd = 1
correlation = 0.5

[truth.target]
hba1c = { effect = -0.5, month = 12, shape = "immediate" }

[population]
age_years = [6, 18]
age_strata = [12]

[[analysis]]
endpoint = "hba1c"
month = 12
method = "ancova"

[decision]
kind = "significance"
one_sided_alpha = 0.025
"""


def phase2sim(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def printed(*arguments: object) -> Any:  # noqa: ANN401 - JSON
    result = phase2sim(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)
