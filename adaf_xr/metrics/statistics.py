"""Sums over pairs of values, which merge with ``+``: every score is a function of the means they give."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable

import xarray as xr

from adaf_xr.metrics.horizontal import Weights, dimensions, weights_of

STATISTICS: dict[str, Callable[[xr.DataArray, xr.DataArray], xr.DataArray]] = {
    "error": lambda field, truth: field - truth,
    "absolute_error": lambda field, truth: abs(field - truth),
    "squared_error": lambda field, truth: (field - truth) ** 2,
    "field": lambda field, truth: field,
    "truth": lambda field, truth: truth,
    "squared_field": lambda field, truth: field**2,
    "squared_truth": lambda field, truth: truth**2,
    "product": lambda field, truth: field * truth,
}
"""Statistics of a pair (field, truth) by name."""


def sums(
    field: xr.DataArray,
    truth: xr.DataArray,
    *,
    dim: Hashable | Iterable[Hashable] | None = None,
    weights: Weights = "area",
    names: Iterable[str] = tuple(STATISTICS),
) -> xr.Dataset:
    """Weighted sums of statistics over the pairs where both values are present.

    Sums of parts add up: ``sums(a) + sums(b)`` is the sums of a and b together, for any cut into parts.

    Parameters
    ----------
    field, truth : DataArray
        On the same grid; chunked with dask or not.
    dim : dimension or several, optional
        Sum over these. Default: the horizontal ones.
    weights : "area", DataArray or None
        What a pair counts for: the area of its cell [km2], a weight, or 1.
    names : iterable of str
        Keys of :data:`STATISTICS`.

    Returns
    -------
    Dataset
        One variable per name, and ``weight``, the sum of weights. Nothing is computed.

    Raises
    ------
    ValueError
        Where coordinates of field and truth differ.

    Examples
    --------
    >>> x = xr.DataArray([1.0, 2.0, float("nan")], dims="obs")
    >>> y = xr.DataArray([0.0, 4.0, 5.0], dims="obs")
    >>> got = sums(x, y, dim="obs", weights=None, names=["error"])
    >>> float(got.error), float(got.weight)
    (-1.0, 2.0)
    """
    here = weights_of(field, weights)
    field, truth, here = _paired(field, truth, here)
    over = dimensions(field) if dim is None else [dim] if isinstance(dim, str) or not isinstance(dim, Iterable) else dim
    both = field.notnull() & truth.notnull()
    parts = {name: STATISTICS[name](field, truth).where(both, 0.0) * here for name in names}
    parts["weight"] = both * here
    return xr.Dataset({name: part.sum(list(over)) for name, part in parts.items()})


def _paired(field: xr.DataArray, truth: xr.DataArray, weights: xr.DataArray) -> tuple[xr.DataArray, ...]:
    """All in double precision, after a look at their coordinates."""
    try:
        aligned = xr.align(field, truth, weights, join="exact")
    except ValueError as error:
        raise ValueError(
            f"the coordinates of {field.name!r}, of the truth and of the weights differ, and no pair is made of unlike "
            f"places or times: bring all to one grid and time axis, for example with .interp or .sel ({error})"
        ) from error
    return tuple(part.astype("f8") for part in aligned)


def mean(totals: xr.Dataset, name: str) -> xr.DataArray:
    """Weighted mean of a statistic; missing where there is no pair."""
    return totals[name] / totals["weight"].where(totals["weight"] > 0.0)
