"""Types of the keys of an evidence file, and the tables that several of its tables hold."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from phase2sim.core.io.validation import NUMBER, TABLE, Month, branch

MOST_PATIENTS = 1_000_000
YOUNGEST_YEARS, OLDEST_YEARS = 0.1, 110

type Pair = Annotated[tuple[float, float], Field(strict=False)]  # TOML has arrays, not tuples
type Text = Annotated[str, Field(min_length=1)]
type Months = Annotated[tuple[Month, Month], Field(strict=False)]
type Patients = Annotated[int, Field(ge=1, le=MOST_PATIENTS)]
type Spread = Annotated[float, Field(gt=0)]
# One reason for all that a table assumes, or a table with one reason per key.
type Reasons = Annotated[
    Annotated[Text, Tag(NUMBER)] | Annotated[dict[str, Text], Field(min_length=1), Tag(TABLE)],
    Discriminator(branch),
]


class KnownKeys(BaseModel):
    """A table whose every key is known."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)


class NormalTable(KnownKeys):
    """Mean and SD of an elicited normal distribution."""

    normal: Pair = Field(description="Mean and SD.")


# The printed mean age, or an elicited distribution of it.
type MeanAge = Annotated[
    Annotated[float, Field(gt=0, le=OLDEST_YEARS), Tag(NUMBER)]
    | Annotated[NormalTable, Tag(TABLE)],
    Discriminator(branch),
]
