"""Keys of ``[endpoint.NAME]`` and ``[response.NAME]`` tables, their types and their limits."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

type _Text = Annotated[str, Field(min_length=1, max_length=200)]
type _Pair = Annotated[tuple[float, float], Field(strict=False)]
type _Positive = Annotated[float, Field(gt=0)]


class _KnownKeys(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)


class ConversionTable(_KnownKeys):
    """A linear function that turns a value into the endpoint's own unit; at least one key."""

    multiply_by: _Positive | None = Field(default=None, description="First.")
    divide_by: _Positive | None = Field(default=None, description="Then.")
    add: float | None = Field(default=None, description="Last.")


class HistoryTable(_KnownKeys):
    """Prior of the untreated course, model scale; what is left out follows from ``plausible``."""

    course: Literal["changing", "stable"] | None = Field(
        default=None, description="Whether untreated patients are expected to change."
    )
    first_mean: _Pair | None = Field(default=None, description="Mean and SD, at the start.")
    mean_step: _Pair | None = Field(
        default=None, description="Mean and SD of the change over the first 3 months."
    )
    first_month: Annotated[float, Field(ge=0, le=1)] | None = Field(
        default=None, description="Share of that change that month 1 has."
    )
    mean_per_root_month: _Positive | None = Field(
        default=None, description="SD of a later change, times the root of its months."
    )
    first_log_sd: _Pair | None = Field(
        default=None, description="Mean and SD of the log of the SD between patients at the start."
    )
    log_sd_step: _Pair | None = Field(
        default=None, description="Mean and SD of its change over the first 3 months."
    )
    log_sd_per_root_month: _Positive | None = Field(
        default=None, description="SD of its later change, times the root of its months."
    )
    level_scale: _Positive | None = Field(
        default=None, description="Scale of the half-normal SD of the mean between studies."
    )
    diagnosis_scale: _Positive | None = Field(
        default=None, description="The same, of what is gone by month 3."
    )
    slope_scale: _Positive | None = Field(
        default=None, description="The same, of slopes per month."
    )
    spread_scale: _Positive | None = Field(
        default=None, description="The same, of the log of the SD between patients."
    )
    share: tuple[_Positive, _Positive] | None = Field(
        default=None,
        strict=False,
        description="Beta: share of the variance between patients that is permanent.",
    )
    decay: tuple[_Positive, _Positive] | None = Field(
        default=None,
        strict=False,
        description="Beta: correlation of the rest over a doubling of the time.",
    )
    per_year_of_age: _Pair | None = Field(
        default=None, description="Mean and SD of the difference per year of an arm's mean age."
    )


class EndpointTable(_KnownKeys):
    """One outcome: what it is called, its units, its model scale and which way is better."""

    label: _Text = Field(description="Name in texts.")
    unit: _Text | None = Field(
        default=None, description="Of a patient's value; required unless counted."
    )
    units: dict[_Text, ConversionTable] = Field(
        default_factory=dict,
        description="Further units: multiply_by, divide_by and add turn a value into unit.",
    )
    model_scale: Literal["identity", "log", "log1p", "sqrt", "root", "logit"] = Field(
        default="identity",
        description="On which patients' values are normal: themselves, ln x, ln(x + 1), the square "
        "root of x, the square root of a dose that is 0 where the normal is below 0 (root), or the "
        "log odds of the share of the way between limits.",
    )
    limits: _Pair | None = Field(
        default=None,
        description="Two values that no patient reaches; of logit, and required there.",
    )
    benefit: Literal["lower", "higher"] | None = Field(
        default=None, description="Which values are better; required unless counted."
    )
    plausible: _Pair | None = Field(
        default=None,
        description="Lowest and highest value of a patient, in unit; required unless counted.",
    )
    largest_effect: _Positive | None = Field(
        default=None,
        description="A larger difference of means is refused, model scale; half the width of the "
        "plausible values if left out.",
    )
    usual_effect: _Positive | None = Field(
        default=None,
        description="A larger difference without a unit is asked about, model scale; two fifths "
        "of largest_effect if left out.",
    )
    usual_sd: _Pair | None = Field(
        default=None,
        description="Smallest and largest SD between patients at one visit, model scale; a "
        "thousandth and half of the width of the plausible values if left out.",
    )
    formula: _Text | None = Field(
        default=None,
        description="How it follows from other endpoints, patient by patient, in their units, "
        "such as 'hba1c + 4 * insulin'; then it is never drawn itself.",
    )
    history: HistoryTable | None = Field(
        default=None, description="Prior of the untreated course, for a fit."
    )
    counted: Literal[True] | None = Field(
        default=None, description="That it is a number of events; then label alone is given."
    )


class RuleTable(_KnownKeys):
    """Limits that a responder keeps, in the endpoint's unit; at least one."""

    below: float | None = Field(default=None, description="The value is below this.")
    at_most: float | None = Field(default=None, description="The value is this or lower.")
    at_least: float | None = Field(default=None, description="The value is this or higher.")
    below_baseline_by: float | None = Field(
        default=None, description="The value is lower than the own baseline by more than this."
    )
    above_baseline_by: float | None = Field(
        default=None, description="The value is higher than the own baseline by more than this."
    )


class ResponseTable(_KnownKeys):
    """A named rule by which a patient is a responder."""

    endpoint: _Text = Field(description="Name of an endpoint, or of a derived outcome.")
    rule: RuleTable = Field(description="Limits that a responder keeps.")
    label: _Text = Field(description="Name in texts.")
