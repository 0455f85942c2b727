"""Sums over pairs of values, which merge with ``+``: every score is a function of the means they give.

What is missing: a pair counts where field and truth are both present, and so are climatology, background and spread
where they are given. Where no pair counts, the weight is zero and every score is missing. A missing weight is zero.
Infinity is a value: a score of it is infinite or missing.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from adaf_xr.metrics.horizontal import Weights, dimensions, weights_of
from adaf_xr.metrics.pairing import matched, paired
from adaf_xr.metrics.probability import checked, gaussian_crps, within
from adaf_xr.metrics.reduction import Summation, totals
from adaf_xr.metrics.regions import Regions, masks
from adaf_xr.metrics.streaming import totals_in_one_pass

Array = NDArray[np.float64]
Dimensions = Hashable | Iterable[Hashable] | None

PREDICTORS = ("field", "background", "climatology")
"""What is held against the truth."""


@dataclass(frozen=True)
class Statistic:
    """A function of the values at one place and time.

    Attributes
    ----------
    inputs : tuple of str
        The arrays it takes: ``field``, ``truth``, ``climatology``, ``background``, ``spread``.
    function : callable
        Of these arrays, in double precision; finite where they are.
    """

    inputs: tuple[str, ...]
    function: Callable[..., Array]

    def __call__(self, arrays: Mapping[str, Array]) -> Array:
        """Its values."""
        return self.function(*(arrays[name] for name in self.inputs))


def of(name: str, predictor: str) -> str:
    """Name of a statistic of another predictor than the field.

    Examples
    --------
    >>> of("squared_field", "background"), of("product", "background"), of("squared_truth", "background")
    ('squared_background', 'product_background', 'squared_truth')
    """
    if predictor == "field" or "truth" in name or name == "weight":
        return name
    return name.replace("field", predictor) if "field" in name else f"{name}_{predictor}"


def _of_truth() -> dict[str, Statistic]:
    """Statistics in which no predictor takes part."""
    return {
        "truth": Statistic(("truth",), lambda y: y),
        "squared_truth": Statistic(("truth",), lambda y: y**2),
        "anomaly_truth": Statistic(("truth", "climatology"), lambda y, c: y - c),
        "squared_anomaly_truth": Statistic(("truth", "climatology"), lambda y, c: (y - c) ** 2),
    }


def _of_predictor(name: str) -> dict[str, Statistic]:
    """Statistics of one predictor x and the truth y, in the names of the field."""
    pair, three = (name, "truth"), (name, "truth", "climatology")
    found = {
        "error": Statistic(pair, lambda x, y: x - y),
        "absolute_error": Statistic(pair, lambda x, y: np.abs(x - y)),
        "squared_error": Statistic(pair, lambda x, y: (x - y) ** 2),
        "field": Statistic((name,), lambda x: x),
        "squared_field": Statistic((name,), lambda x: x**2),
        "product": Statistic(pair, lambda x, y: x * y),
    }
    if name != "climatology":
        found |= {
            "anomaly_field": Statistic((name, "climatology"), lambda x, c: x - c),
            "squared_anomaly_field": Statistic((name, "climatology"), lambda x, c: (x - c) ** 2),
            "anomaly_product": Statistic(three, lambda x, y, c: (x - c) * (y - c)),
        }
    return found


STATISTICS: dict[str, Statistic] = {
    **_of_truth(),
    **{of(key, name): statistic for name in PREDICTORS for key, statistic in _of_predictor(name).items()},
    "gain": Statistic(("field", "truth", "background"), lambda x, y, b: np.abs(b - y) - np.abs(x - y)),
    "squared_gain": Statistic(("field", "truth", "background"), lambda x, y, b: (b - y) ** 2 - (x - y) ** 2),
    "variance": Statistic(("spread",), lambda s: checked(s) ** 2),
    "crps": Statistic(("field", "truth", "spread"), gaussian_crps),
    "within_90": Statistic(("field", "truth", "spread"), within(0.9)),
}
"""Statistics by name. Those of field and truth: ``error``, ``absolute_error``, ``squared_error``, ``field``, ``truth``,
``squared_field``, ``squared_truth``, ``product``."""


def sums(
    field: xr.DataArray,
    truth: xr.DataArray,
    *,
    dim: Dimensions = None,
    weights: Weights = "area",
    regions: Regions | None = None,
    names: Iterable[str] | None = None,
    **others: xr.DataArray,
) -> xr.Dataset:
    """Weighted sums of statistics over the pairs where all values are present.

    Sums of parts add up: ``sums(a) + sums(b)`` is the sums of a and b together, for any cut into parts. Along what is
    kept, such as time, labels must be the same: other times are put after each other, ``xr.concat``. The area of a cell
    is told from its neighbours: parts cut across latitude or longitude need ``weights`` cut from the whole.

    Parameters
    ----------
    field, truth : DataArray
        On the same grid, in any order of dimensions, of latitudes and of longitudes, the latter in any convention;
        chunked with dask or not.
    dim : dimension or several, optional
        Sum over these. Default: the horizontal ones.
    weights : "area", DataArray or None
        What a pair counts for: the area of its cell [km2], a weight, or 1.
    regions : mapping, optional
        By name (west, east, south, north) in degrees, or a mask. The sums get a dimension ``region``.
    names : iterable of str, optional
        Keys of :data:`STATISTICS`. Default: all whose inputs are given.
    **others : DataArray
        Further inputs of statistics, on the grid of the field: ``climatology``, ``background``, ``spread``.

    Returns
    -------
    Dataset
        One variable per name, and ``weight``, the sum of weights; double precision. Lazy where an input is.

    Raises
    ------
    ValueError
        Where coordinates differ, a region has no cell, or a statistic lacks an input; where a weight is negative or
        infinite (when it computes).

    Examples
    --------
    >>> x = xr.DataArray([1.0, 2.0, float("nan")], dims="obs")
    >>> y = xr.DataArray([0.0, 4.0, 5.0], dims="obs")
    >>> got = sums(x, y, dim="obs", weights=None, names=["error"])
    >>> float(got.error), float(got.weight)
    (-1.0, 2.0)
    """
    aligned = paired({"field": field, "truth": truth, **others})
    over = dimensions(field) if dim is None else listed(dim)
    what = _summation(names, aligned, over, weights, regions)
    return totals(what, aligned).assign_coords(_surviving(what, aligned))


def sums_and_cells(
    given: Mapping[str, xr.DataArray],
    names: Iterable[str],
    names_of_cells: Iterable[str],
    time: Hashable,
    weights: Weights,
    regions: Regions | None,
) -> tuple[xr.Dataset, xr.Dataset]:
    """Sums over the horizontal at each time, and of each cell over time, from one pass over lazy fields.

    Parameters
    ----------
    given : mapping of DataArray
        ``field``, ``truth`` and what else goes into the statistics.
    names, names_of_cells : iterable of str
        Keys of :data:`STATISTICS`.
    time : dimension
        That of time.
    weights, regions
        Of the first sums, as for :func:`sums`; of the second, cell by cell, all times count alike.
    """
    aligned = paired(given)
    timely = _summation(names, aligned, dimensions(aligned["field"]), weights, regions)
    lasting = _summation(names_of_cells, aligned, [time], None, None)
    first, second = totals_in_one_pass(timely, lasting, aligned)
    return first.assign_coords(_surviving(timely, aligned)), second.assign_coords(_surviving(lasting, aligned))


def _summation(
    names: Iterable[str] | None,
    aligned: Mapping[str, xr.DataArray],
    over: list[Hashable],
    weights: Weights,
    regions: Regions | None,
) -> Summation:
    """What to sum, checked."""
    field = aligned["field"]
    known = list(dict.fromkeys(d for array in aligned.values() for d in array.dims))
    if absent := [d for d in over if d not in known]:
        raise ValueError(f"there is no dimension {absent[0]!r} to sum over: dim=... may name some of {known}")
    given = weights_of(field, weights)
    # What is left of where an area was picked from, such as a time, says nothing.
    here = matched(field, given.drop_vars([name for name, c in given.coords.items() if not c.ndim]), "the weights")
    if regions is not None:
        here = here * masks(field, regions)
    return Summation(_chosen(names, aligned), here, tuple(over))


def listed(dim: Hashable | Iterable[Hashable]) -> list[Hashable]:
    """One dimension or several, as a list."""
    return [dim] if isinstance(dim, str) or not isinstance(dim, Iterable) else list(dim)


def _chosen(names: Iterable[str] | None, given: Mapping[str, xr.DataArray]) -> dict[str, Statistic]:
    """Statistics by name; all for which there are inputs unless named."""
    if names is None:
        return {name: statistic for name, statistic in STATISTICS.items() if set(statistic.inputs) <= set(given)}
    chosen = {}
    for name in names:
        if name not in STATISTICS:
            raise ValueError(f"unknown statistic {name!r}: choose among {', '.join(STATISTICS)}")
        if lacking := [key for key in STATISTICS[name].inputs if key not in given]:
            raise ValueError(f"the statistic {name!r} needs {lacking[0]}: pass {lacking[0]}=...")
        chosen[name] = STATISTICS[name]
    return chosen


def _surviving(what: Summation, aligned: Mapping[str, xr.DataArray]) -> dict[Hashable, xr.Variable]:
    """Coordinates that do not run along what was summed over; of several of one name the first."""
    found: dict[Hashable, xr.Variable] = {}
    for array in (*aligned.values(), what.weights):
        for name, coordinate in array.coords.items():
            if not set(what.over) & set(coordinate.dims):
                found.setdefault(name, coordinate.variable)
    return found


def mean(totals: xr.Dataset, name: str) -> xr.DataArray:
    """Weighted mean of a statistic; missing where there is no pair."""
    return totals[name] / totals["weight"].where(totals["weight"] > 0.0)
