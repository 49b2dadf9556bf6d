"""Rows of numbers as a pandas data frame, and as an xarray dataset with named dimensions."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

type Row = Mapping[str, Any]


def frame_of(rows: Sequence[Row]) -> "pd.DataFrame":
    """Return one line a row, one column a name; what is missing is NaN."""
    import pandas as pd  # noqa: PLC0415 - half a second, and only who asks for a frame needs it

    return pd.DataFrame([dict(row) for row in rows])


def dataset_of(
    rows: Sequence[Row], dimensions: Sequence[str], values: Sequence[str]
) -> "xr.Dataset":
    """Return ``values`` over ``dimensions``, NaN where no row is.

    Of rows at one place, such as those of two sweeps in one folder, the one of most trials counts.
    """
    import xarray as xr  # noqa: PLC0415 - as above

    frame = frame_of(rows)
    if frame.empty:
        return xr.Dataset()
    if "trials" in frame:
        frame = frame.sort_values("trials", kind="stable")
        frame = frame.drop_duplicates(list(dimensions), keep="last")
    coordinates = {name: in_order(row.get(name) for row in rows) for name in dimensions}
    indexed = frame.set_index(list(dimensions))[list(values)]
    return xr.Dataset.from_dataframe(indexed).reindex(coordinates)


def in_order(values: Iterable[Any]) -> list[Any]:
    """Values of an axis, each once: numbers rising, words in the order in which they come."""
    distinct = list(dict.fromkeys(values))
    numbers = all(isinstance(value, int | float) for value in distinct)
    return sorted(distinct) if numbers else distinct
