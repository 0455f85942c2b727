"""Names and CF attributes of nature runs, the same for a region and for the globe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from adaf_xr.cf.canonical import VARIABLES


def snapshot(fixed: xr.Dataset, time: np.datetime64, fields: Mapping[str, NDArray]) -> xr.Dataset:
    """The dataset of one day.

    Parameters
    ----------
    fixed : Dataset
        What does not change, from :func:`still`.
    time : datetime64
        Of the snapshot.
    fields : mapping of str to array (n_lat, n_lon)
        Variables of the day.

    Examples
    --------
    >>> fixed = still(np.array([0.5, 1.5]), np.array([10.5]), {}, {"seed": 0})
    >>> day = snapshot(fixed, np.datetime64("2012-10-01"), {"zos": np.zeros((2, 1))})
    >>> day.zos.dims, day.zos.units, day.attrs["seed"]
    (('time', 'latitude', 'longitude'), 'm', 0)
    """
    variables = {
        name: (("time", "latitude", "longitude"), field.astype("f4")[None], attributes(name))
        for name, field in fields.items()
    }
    stamp = np.array([time], "datetime64[ns]")
    return fixed.assign(variables).assign_coords(time=("time", stamp, {"standard_name": "time"}))


def still(
    latitude: NDArray, longitude: NDArray, means: Mapping[str, NDArray], attrs: Mapping[str, object]
) -> xr.Dataset:
    """What does not change in a run: its grid, the surface of its mean profiles, and what it is.

    Parameters
    ----------
    latitude, longitude : array
        Axes [degrees].
    means : mapping of str to array (n_lat, n_lon)
        Surface values of the mean profiles, by canonical name; ``_mean`` is added to it.
    attrs : mapping
        Global attributes beside ``Conventions``.
    """
    return xr.Dataset(
        {
            f"{name}_mean": (
                ("latitude", "longitude"),
                mean.astype("f4"),
                {"units": VARIABLES[name].units, "long_name": f"{VARIABLES[name].long_name} of the mean profile"},
            )
            for name, mean in means.items()
        },
        coords={
            "latitude": ("latitude", latitude, {"standard_name": "latitude", "units": "degrees_north"}),
            "longitude": ("longitude", longitude, {"standard_name": "longitude", "units": "degrees_east"}),
        },
        attrs={**attrs, "Conventions": "CF-1.11"},
    )


def joined(snapshots: Iterable[xr.Dataset]) -> xr.Dataset:
    """Snapshots one after the other in one dataset, in memory."""
    days = list(snapshots)
    whole = xr.concat(days, "time", data_vars="minimal", coords="minimal", compat="override", join="override")
    return whole.assign_attrs(days[0].attrs)


def attributes(name: str) -> dict[str, str]:
    """CF attributes of a variable.

    Examples
    --------
    >>> attributes("heave")["units"], attributes("uo")["standard_name"]
    ('m', 'eastward_sea_water_velocity')
    """
    if name == "heave":
        return {"units": "m", "long_name": "how much deeper than in the mean state the main thermocline lies"}
    variable = VARIABLES[name]
    return {"units": variable.units, "standard_name": variable.standard_name, "long_name": variable.long_name}
