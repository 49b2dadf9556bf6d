"""The tables of a scenario file, each with its keys, their types and their limits."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from phase2sim.core.io.entry_tables import Entry
from phase2sim.core.io.validation import LIST, MATRIX, NUMBER, TABLE, Month, branch

type Part = dict[str, Any]  # a part's name and its options; `scenario.assembly` builds it
type Age = Annotated[float, Field(ge=0, le=120)]
type Positive = Annotated[float, Field(gt=0)]
type Correlation = Annotated[float, Field(ge=-1, le=1)]


class TableModel(BaseModel):
    """A table whose every key is known."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Limits(TableModel):
    """The least and the most that a baseline may be."""

    at_least: float | None = Field(default=None, description="No lower; no limit if left out.")
    at_most: float | None = Field(default=None, description="No higher; no limit if left out.")
    unit: str | None = Field(default=None, description="Of both; the endpoint's own if left out.")


class Cuts(TableModel):
    """Baselines at which a new stratum begins, with their unit."""

    at: tuple[float, ...] = Field(description="Rising.")
    unit: str = Field(description="Of these baselines.")


type Strata = Annotated[
    Annotated[tuple[float, ...], Tag(LIST)] | Annotated[Cuts, Tag(TABLE)], Discriminator(branch)
]


class BackgroundEffect(BaseModel):
    """What the background therapy does to an endpoint; the shape's own options are further keys."""

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)

    effect: float = Field(description="With the therapy minus without it, model scale, at month.")
    month: Annotated[float, Field(gt=0, le=1200)] = Field(
        description="When the effect has this size; months since randomisation."
    )
    shape: str = Field(description="How the effect grows: a name from `phase2sim list shapes`.")


class BackgroundTable(TableModel):
    """A therapy that patients of every arm receive beside what the trial gives."""

    name: Annotated[str, Field(min_length=1)] = Field(description="Of the therapy, for the screen.")
    share: Annotated[float, Field(ge=0, le=1)] = Field(
        description="Share of the patients of every arm who receive it, from randomisation on."
    )
    effect: Annotated[dict[str, BackgroundEffect], Field(min_length=1)] = Field(
        description="By endpoint: what it does to those who receive it."
    )
    kept: Annotated[float, Field(ge=0, le=1)] = Field(
        default=1.0, description="Share of the trial's own effect that remains in them."
    )
    why: Annotated[str, Field(min_length=1)] | None = Field(
        default=None, description="Why you believe it: a judgement, printed with the results."
    )


class Population(TableModel):
    """Who may enrol."""

    months_since_diagnosis: Entry = Field(
        default=(0.0, 0.0),
        description="When after diagnosis patients enter: earliest and latest month, even between "
        "them; or a table { mean, sd, within }.",
    )
    age_years: tuple[Age, Age] | None = Field(default=None, description="Age range; uniform in it.")
    age_strata: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        default=(), description="Ages at which a new stratum begins, for the covariate 'stratum'."
    )
    age_mean: Age | None = Field(
        default=None, description="Mean of a normal age, before it is cut to age_years."
    )
    age_sd: Annotated[float, Field(gt=0, le=100)] | None = Field(
        default=None, description="SD of a normal age, before it is cut to age_years."
    )
    per_year_of_age: dict[str, float] = Field(
        default_factory=dict,
        description="How much higher the mean of an endpoint is per year of age, model scale. "
        "Part of the between-patient SD, not on top of it.",
    )
    eligible: dict[str, Limits] = Field(
        default_factory=dict,
        description="By endpoint: the baseline with which a patient may enrol, in its unit; and "
        "months_since_diagnosis: when.",
    )
    baseline_strata: dict[str, Strata] = Field(
        default_factory=dict,
        description="By endpoint: baselines at which a new stratum begins, in its unit; or a table"
        " { at, unit }.",
    )
    sites: Annotated[int, Field(ge=1, le=1000)] = Field(default=1, description="How many.")
    site_sd: dict[str, Annotated[float, Field(ge=0, le=100)]] = Field(
        default_factory=dict,
        description="By endpoint: SD between sites, model scale. Part of the between-patient SD.",
    )
    care: dict[str, Annotated[float, Field(ge=0, le=1)]] = Field(
        default_factory=dict,
        description="By covariate of care of the evidence, such as sensor_share: its value in the "
        "trial to come, 0 if left out.",
    )
    care_why: Annotated[str, Field(min_length=1)] | None = Field(
        default=None,
        description="Why you believe care: it is a judgement, printed with the results.",
    )
    background: BackgroundTable | None = Field(
        default=None, description="A therapy that some patients of every arm receive; none."
    )


class VisitCorrelation(TableModel):
    """Between visits of one patient: share + (1 - share) * per_month ^ months apart."""

    share: Annotated[float, Field(ge=0, le=1)] = Field(
        description="Share of the variance that a patient keeps for ever."
    )
    per_month: Annotated[float, Field(ge=0, le=1)] = Field(
        description="Correlation of the rest one month apart."
    )


type OneOrEach[T] = Annotated[
    Annotated[T, Tag(NUMBER)] | Annotated[tuple[T, ...], Tag(LIST)], Discriminator(branch)
]
type BetweenVisits = Annotated[
    Annotated[Correlation, Tag(NUMBER)]
    | Annotated[VisitCorrelation, Tag(TABLE)]
    | Annotated[tuple[tuple[Correlation, ...], ...], Tag(MATRIX)],
    Discriminator(branch),
]


class Outcome(TableModel):
    """One endpoint of untreated patients, model scale; overrides the fitted prior key by key."""

    unit: str | None = Field(
        default=None, description="Of control_mean and sd; that of the model scale if left out."
    )
    control_mean: OneOrEach[float] | None = Field(
        default=None, description="One mean, or one a visit."
    )
    sd: OneOrEach[Positive] | None = Field(
        default=None, description="Between patients: one SD, or one a visit."
    )
    correlation: BetweenVisits | None = Field(
        default=None, description="Between visits: one number, {share, per_month}, or a matrix."
    )


class Percent(TableModel):
    """An effect as a percentage of the untreated patients' typical value."""

    percent: Annotated[float, Field(gt=-100, le=1000)] = Field(
        description="Of the typical untreated value at month, in the endpoint's unit."
    )


type Effect = Annotated[
    Annotated[float, Tag(NUMBER)] | Annotated[Percent, Tag(TABLE)], Discriminator(branch)
]


class TargetEffect(BaseModel):
    """The effect that power is for; the shape's own options are further keys."""

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)

    effect: Effect = Field(description="Treatment minus control, model scale, at month.")
    unit: str | None = Field(
        default=None, description="Of effect; that of the model scale if left out."
    )
    month: Annotated[float, Field(gt=0, le=1200)] = Field(
        description="When the effect has this size; months since randomisation."
    )
    shape: str = Field(description="How the effect grows: a name from `phase2sim list shapes`.")
    modified_by: dict[str, float] = Field(
        default_factory=dict,
        description="What a year of 'age', or a unit of an endpoint's baseline on the model scale, "
        "above its mean adds to the effect at month.",
    )

    def in_words(self, unit: str = "", percent_sign: str = "%") -> str:
        """The effect in words, ``-0.5`` or ``+40 %``, with its unit where one is given."""
        match self.effect:
            case Percent(percent=percent):
                return f"{percent:+g} {percent_sign}"
            case size:
                return f"{size:+.4g} {self.unit or unit}".rstrip()


class PriorTruth(TableModel):
    """Assurance: the effect drawn from the fitted prior, made robust."""

    robust_weight: Annotated[float, Field(ge=0, le=1)] = Field(
        description="Weight of the fitted effect; the rest goes to the sceptical one."
    )
    why: Annotated[str, Field(min_length=1)] | None = Field(
        default=None,
        description="Why you believe robust_weight: it is a judgement, printed with the results.",
    )


class TruthTable(TableModel):
    """What is taken to be true: fixed for power, drawn from the prior for assurance."""

    target: dict[str, TargetEffect] = Field(
        default_factory=dict, description="By endpoint: the effect that power is for."
    )
    share_of_effect: dict[str, Annotated[float, Field(ge=-10, le=10)]] = Field(
        default_factory=dict,
        description="By treated arm, such as a dose: its share of the effect; 1 if not named.",
    )
    prior: PriorTruth | None = Field(
        default=None, description="Asks for assurance; needs evidence."
    )


class Missing(TableModel):
    """Which outcomes are not seen."""

    dropout: Part = Field(
        default_factory=lambda: {"mechanism": "none"}, description="Who is lost, for good."
    )
    gaps: Part = Field(
        default_factory=lambda: {"mechanism": "none"}, description="Single visits that are missed."
    )
    delta: dict[str, float] = Field(
        default_factory=dict,
        description="By endpoint: what is added, on the model scale, to the values that a lost "
        "patient would have had; a departure from missing at random.",
    )


class Events(TableModel):
    """How often an event is counted, and what its rate goes with."""

    per_month: Annotated[float, Field(ge=0, le=100)] = Field(
        description="Of an untreated patient whose value of tied_to is at."
    )
    dispersion: Annotated[float, Field(ge=0, le=100)] = Field(
        default=0.0, description="Variance of patients' own rates, whose mean is 1; 0 is Poisson."
    )
    rate_ratio: Annotated[float, Field(gt=0, le=100)] = Field(
        default=1.0, description="Treated against control at the target and under the priors."
    )
    tied_to: str | None = Field(default=None, description="An endpoint that the rate goes with.")
    per_unit: Annotated[float, Field(ge=-10, le=10)] = Field(
        default=0.0, description="Log of the rate ratio for a unit more of it, model scale."
    )
    at: float | None = Field(default=None, description="Its value at per_month, in its unit.")
    unit: str | None = Field(default=None, description="Of at; the endpoint's own if left out.")


class Stopping(TableModel):
    """When a trial with interim looks stops at one of them."""

    efficacy: Part = Field(description="When a look shows efficacy.")
    futility: Part | None = Field(
        default=None, description="When a look shows futility; never if left out."
    )
    information: Literal["planned", "actual"] = Field(
        default="planned",
        description="Whether bounds follow the planned fractions, or the standard error at a look.",
    )
    maximum_information: dict[str, Annotated[float, Field(gt=0)]] = Field(
        default_factory=dict,
        description="By analysis: one over the squared standard error that is planned at the end.",
    )
    verdict: str | None = Field(
        default=None, description="The one whose bounds stop the trial; the one on all."
    )
    keep_best: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        default=(),
        description="Where arms are dropped: how many at most go on after each interim look.",
    )
    uninteresting_share: Annotated[float, Field(ge=-10, lt=1)] = Field(
        default=0.0,
        description="Share of the target's effect that is not worth having: what all arms but one "
        "have in the least favourable configuration of `phase2sim boundaries`.",
    )


class Data(TableModel):
    """How a data file that `analyse` reads gives its values."""

    unit: dict[str, str] = Field(
        default_factory=dict, description="By endpoint: unit of y and base; its own if left out."
    )
    missing: tuple[str | int | float, ...] = Field(
        default=(), description="Codes of missing values, beside empty, NA, NaN and '.'."
    )


class Shared(TableModel):
    """What patients are drawn with beyond what the trial sees, to be those of another scenario."""

    endpoints: tuple[str, ...] = Field(default=(), description="Names.")
    months: tuple[Month, ...] = Field(default=(), description="Since randomisation.")
