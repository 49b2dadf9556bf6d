"""Rows of results: as they are, as a frame or a dataset, and as one line per cell."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

from phase2sim.core.io.data_frames import Row, dataset_of, frame_of
from phase2sim.core.io.views import MONTE_CARLO, View, Viewed, plus_minus
from phase2sim.operating.characteristics import COLUMNS, SHARE_TITLES, identify_rows
from phase2sim.scenario.sweep_file import RESERVED

if TYPE_CHECKING:
    from pandas import DataFrame
    from xarray import Dataset

type Share = tuple[str, str, str]  # name, truth, analysis

_MOST_LINES = 60
_MOST_SHARES = 4  # side by side; of more, the last verdict of each rule under each truth


@dataclass(frozen=True, slots=True, repr=False)
class Rows(Viewed, Sequence[Row]):
    """Rows of a results folder, one row per number, as ``results`` returns them.

    Parameters
    ----------
    rows : tuple of mapping
        Rows with the columns ``name``, ``truth``, ``analysis``, ``look``, ``estimate``, ``mcse``,
        ``requested``, ``used``, ``failed``, ``trials``, ``patients`` and one column per axis of the
        sweep.

    Attributes
    ----------
    axes : list of str
        Columns that identify a cell of the sweep.

    Examples
    --------
    >>> import phase2sim
    >>> sweep = "scenarios/sweeps/meld-atg-sizes.toml"
    >>> rows = phase2sim.sweep(sweep, "out", trials=10).rows
    >>> rows[0]["patients"], rows.axes
    (40, ['patients', 'effect', 'dropout'])
    >>> rows.dataset().estimate.sel(name="power", analysis="c_peptide", truth="target").dims
    ('patients', 'effect', 'dropout')
    """

    rows: tuple[Row, ...]

    @property
    def axes(self) -> list[str]:
        """Columns that identify a cell; with the decision, if there are several."""
        return axes_of(self.rows)

    def frame(self) -> "DataFrame":
        """The rows as a pandas data frame."""
        return frame_of(self.rows)

    def dataset(self) -> "Dataset":
        """Every number over name, truth, analysis and the axes, as an xarray dataset.

        With interim looks there is a dimension ``look``, 0 for the trial as a whole.
        Of a number that two sweeps in one folder share, the one from most trials is kept.
        """
        columns = (*COLUMNS, "difference", "difference_mcse", "trials")
        rows, places = identify_rows(self.rows)
        return dataset_of(rows, (*places, *self.axes), columns)

    def view(self) -> View:
        """One line per cell: its position on the axes, and its shares of go."""
        return shares_view(self.rows, f"{len(self.rows):,} rows of results")

    @overload
    def __getitem__(self, index: int) -> Row: ...

    @overload
    def __getitem__(self, index: slice) -> "Rows": ...

    def __getitem__(self, index: int | slice) -> "Row | Rows":
        selection = self.rows[index]
        return Rows(selection) if isinstance(selection, tuple) else selection

    def __len__(self) -> int:
        return len(self.rows)


def axes_of(rows: Sequence[Row]) -> list[str]:
    """Columns that identify a cell; with the decision, if there are several."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    axes = [name for name in names if name not in RESERVED | {"patients"}]
    if len({row["patients"] for row in rows}) > 1:
        axes.insert(0, "patients")
    if len({row["decision"] for row in rows}) > 1:
        axes.append("decision")
    return axes or ["patients"]


def shares_view(rows: Sequence[Row], title: str) -> View:
    """One line per cell: its position on the axes, and its shares of go."""
    if not rows:
        return View(title, notes=("No trial is there yet.",))
    axes, shares = axes_of(rows), _shares(rows)
    compared = any(row["difference"] is not None for row in rows)
    by_cell: dict[str, list[Row]] = {}
    for row in rows:
        by_cell.setdefault(row["cell"], []).append(row)
    lines = []
    for cell_rows in list(by_cell.values())[:_MOST_LINES]:
        row_by_share = {_share_of(row): row for row in cell_rows}
        labels = [_label(cell_rows[0].get(axis)) for axis in axes]
        cells = [_cell(row_by_share.get(share), compared=compared) for share in shares]
        lines.append((*labels, f"{cell_rows[0]['trials']:,}", *cells))
    return View(
        title,
        (*axes, "trials", *map(_title, shares)),
        tuple(lines),
        tuple(_legend(rows, len(by_cell), compared=compared)),
    )


def _shares(rows: Sequence[Row]) -> list[Share]:
    # The fitted part is of the trials under the mixture: the frame and --json have it.
    share_rows = [row for row in rows if row["name"] in SHARE_TITLES and row["truth"] != "fitted"]
    shares = dict.fromkeys(map(_share_of, share_rows))
    if len(shares) > _MOST_SHARES:
        last = {(row["name"], row["truth"], row["decision"]): _share_of(row) for row in share_rows}
        shares = dict.fromkeys(last.values())
    return list(shares)


def _share_of(row: Row) -> Share:
    return row["name"], row["truth"], row["analysis"]


def _title(share: Share) -> str:
    name, truth, analysis = share
    title = f"{SHARE_TITLES[name]}, sceptical" if truth == "sceptical" else SHARE_TITLES[name]
    return f"{title}\n{analysis}"


def _cell(row: Row | None, *, compared: bool) -> str:
    if row is None:
        return "-"
    if row["refused"]:
        return "refused"
    text = _number(row["estimate"], row["mcse"])
    if compared and row["difference"] is not None:
        sign = "+" if row["difference"] >= 0 else "-"
        text += f" ({sign}{_number(abs(row['difference']), row['difference_mcse'])})"
    return text


def _number(estimate: float | None, mcse: float | None) -> str:
    return "none used" if estimate is None or mcse is None else plus_minus(estimate, mcse)


def _label(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else "-" if value is None else str(value)


def _legend(rows: Sequence[Row], cells: int, *, compared: bool) -> Iterator[str]:
    if cells > _MOST_LINES:
        yield f"and {cells - _MOST_LINES:,} cells more; see --json or --csv."
    words = MONTE_CARLO
    if compared:
        words += " In brackets: the difference to the reference cell, on the same patients."
    gaps = [abs(row["gap_in_se"]) for row in rows if row["gap_in_se"] is not None]
    if gaps:
        words += f" Largest gap to an exact closed form: {max(gaps):.1f} standard errors."
    yield words
