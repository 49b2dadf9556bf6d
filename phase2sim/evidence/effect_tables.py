"""Keys of ``[effect.NAME]`` and ``[class_effect.NAME]`` in an evidence file."""

from typing import Annotated

from pydantic import ConfigDict, Field

from phase2sim.evidence.table_types import KnownKeys, NormalTable, Reasons, Spread, Text

LAST_MONTH = 1_200


class CourseTable(KnownKeys):
    """How an effect grows, and how large it may be; the shape's own options are extra keys."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, float]

    month: Annotated[float, Field(gt=0, le=LAST_MONTH)] = Field(
        description="When the effect has the size that is meant."
    )
    shape: Text = Field(
        description="How it grows: a name from `phase2sim list shapes`, with the shape's own keys."
    )
    sceptical_sd: Spread = Field(
        description="Before the evidence the effect is normal about 0 with this SD, model scale."
    )
    why: Reasons = Field(
        description="Why this is believed: one text, or a table with a reason for each of the"
        " numbers above, by its key."
    )


class EffectTable(CourseTable):
    """What is assumed about the effect of one treatment."""

    bias_sd: Spread = Field(
        description="SD, about 0, of what the arm would have shown untreated minus what a "
        "control arm would have shown; model scale.",
    )
    prior: NormalTable | None = Field(
        default=None,
        description="An informative prior of the effect, in place of the sceptical one and of a "
        "class effect.",
    )
    shared: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=0.0,
        description="Share of the effect's prior variance that all endpoints have in common, in "
        "the direction of benefit.",
    )


class ClassEffectTable(CourseTable):
    """What is assumed about the effects of a class of treatments."""

    between_trials_sd: Spread = Field(
        description="Scale of the half-normal prior of the SD between the trials' effects, "
        "model scale.",
    )
