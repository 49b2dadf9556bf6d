"""Keys of an evidence file about care and era: ``[care.<covariate>]``, and ``care`` of an arm."""

from typing import Annotated

from pydantic import Discriminator, Field, Tag

from phase2sim.core.io.validation import NUMBER, TABLE, branch
from phase2sim.evidence.table_types import KnownKeys, NormalTable, Pair, Text


class CareShareTable(KnownKeys):
    """Your distribution of a share, where the source does not say it."""

    beta: Pair = Field(description="Mean and SD of a beta distribution.")


type CareShare = Annotated[
    Annotated[float, Field(ge=0, le=1), Tag(NUMBER)] | Annotated[CareShareTable, Tag(TABLE)],
    Discriminator(branch),
]


class CareTable(KnownKeys):
    """A covariate of care or era, from 0 to 1: what it does to means."""

    effect: Annotated[dict[str, NormalTable], Field(min_length=1)] = Field(
        description="By endpoint: the mean at 1 minus the mean at 0, model scale, from month 3 "
        "after diagnosis on; nothing on endpoints not named."
    )
    if_not_stated: CareShare = Field(
        default=0.0, description="Of an arm that does not state it: a value, or a distribution."
    )
    why: Text = Field(description="Why this is believed.")
