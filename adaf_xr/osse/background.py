"""First guesses that are wrong in known ways: old, coarse, perturbed, or only a climatology; and how wrong they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from adaf_xr.instants import DAY
from adaf_xr.osse.splits import Period
from adaf_xr.sphere import RADIUS, cell_area, unit_vectors

WAVES = 128
"""Waves that a smooth random error is the sum of."""

UNPREDICTED = ("uas", "vas")
"""Variables that no background of the ocean has."""


@dataclass(frozen=True)
class Background:
    """How a background is made from the truth; each part may be left out, and they are applied in this order.

    Attributes
    ----------
    climatology : str, optional
        Name of the period whose mean replaces the truth: the same field every day.
    lag : int
        Age [days] of the truth that it knows; it begins as many days later than the truth.
    coarsening : int
        Cells along one side of a block, whose sea cells are averaged.
    perturbation : mapping of str to float
        Standard deviation of smooth random errors by variable, in its unit.
    scale : float
        Length [km] at which errors are correlated at exp(-1/2).
    memory : float
        Time [days] at which they are.

    Examples
    --------
    >>> Background(lag=3, coarsening=4).describe()
    'the truth of 3 days before, in means of 4 x 4 cells'
    """

    climatology: str | None = None
    lag: int = 0
    coarsening: int = 1
    perturbation: Mapping[str, float] = field(default_factory=dict)
    scale: float = 300.0
    memory: float = 10.0

    def __post_init__(self) -> None:
        if self.climatology and self.lag:
            raise ValueError("a climatology has no age: give climatology or lag, not both")
        if self.lag < 0 or self.coarsening < 1 or self.scale <= 0.0 or self.memory <= 0.0:
            raise ValueError(
                f"lag={self.lag}, coarsening={self.coarsening}, scale={self.scale:g}, memory={self.memory:g}: "
                "a lag is at least 0, a coarsening at least 1, and scales are positive"
            )

    def of(self, truth: xr.Dataset, splits: Mapping[str, Period], seed: int) -> xr.Dataset:
        """The background of a truth, lazily, a dask chunk for every chunk of the truth along time.

        Parameters
        ----------
        truth : Dataset
            Fields on (time, latitude, longitude), daily.
        splits : mapping
            Periods by name; the climatology is the mean of one of them.
        seed : int
            Of the perturbation.

        Returns
        -------
        Dataset
            The variables of the truth but wind, with attributes that say what was done.

        Raises
        ------
        ValueError
            Where the grid does not divide into blocks, or there is no such period.
        """
        self.require_period(splits)
        known = truth.drop_vars([name for name in UNPREDICTED if name in truth])
        guess = _mean_of(known, splits[self.climatology]) if self.climatology else _lagged(known, self.lag)
        if self.coarsening > 1:
            guess = block_means(guess, self.coarsening)
        if self.perturbation:
            guess = _perturbed(guess, self, seed)
        title = f"background: {self.describe()}"
        guess = guess.map(lambda da: da.astype("f4")).assign_attrs({**truth.attrs, "title": title})
        return guess.map(lambda da: da.assign_attrs(truth[da.name].attrs) if da.name in truth else da)

    def require_period(self, splits: Mapping[str, Period]) -> None:
        """Refuse a climatology of a period that there is not."""
        if self.climatology and self.climatology not in splits:
            raise ValueError(
                f"the background is the mean of the period {self.climatology!r}, and there is none: the periods are "
                f"{', '.join(splits) or 'none'}; simulate more days, or choose another background"
            )

    def describe(self) -> str:
        """What was done, in words."""
        base = "the truth" if not self.lag else f"the truth of {self.lag} days before"
        words = [f"the mean of the period {self.climatology!r}" if self.climatology else base]
        if self.coarsening > 1:
            words.append(f"in means of {self.coarsening} x {self.coarsening} cells")
        if self.perturbation:
            amplitudes = ", ".join(f"{name} {std:g}" for name, std in self.perturbation.items())
            words.append(f"with random errors ({amplitudes}; {self.scale:g} km, {self.memory:g} days)")
        return ", ".join(words)


def _lagged(truth: xr.Dataset, lag: int) -> xr.Dataset:
    """Every day shows what was true some days before."""
    if lag >= truth.sizes["time"]:
        raise ValueError(
            f"a background {lag} days old needs a truth longer than the {truth.sizes['time']} days there are"
        )
    old = truth.isel(time=slice(0, truth.sizes["time"] - lag))
    return old.assign_coords(time=("time", old.time.values + lag * DAY, truth.time.attrs))


def _mean_of(truth: xr.Dataset, period: Period) -> xr.Dataset:
    """The mean of a period, on every day."""
    start, stop = period
    within = truth.sel(time=(truth.time >= start) & (truth.time < stop))
    timed = [key for key, da in truth.data_vars.items() if "time" in da.dims]
    mean = within[timed].mean("time", keep_attrs=True)
    whole = mean.expand_dims(time=truth.time).chunk(time=truth.chunksizes.get("time", -1))
    return truth.assign({key: whole[key] for key in timed})


def block_means(ds: xr.Dataset, cells: int) -> xr.Dataset:
    """Fields in means of the sea cells of square blocks.

    Examples
    --------
    >>> axes = {"latitude": [0.5, 1.5], "longitude": [0.5, 1.5]}
    >>> ds = xr.Dataset({"zos": (("latitude", "longitude"), [[1.0, 3.0], [np.nan, 5.0]])}, axes)
    >>> block_means(ds, 2).zos.item(), block_means(ds, 2).latitude.item()
    (3.0, 1.0)
    """
    for axis in ("latitude", "longitude"):
        if ds.sizes[axis] % cells:
            raise ValueError(
                f"{ds.sizes[axis]} cells of {axis} do not divide into blocks of {cells}: choose a region that does, or "
                "another coarsening"
            )
    return ds.coarsen(latitude=cells, longitude=cells).mean(keep_attrs=True)


def _perturbed(guess: xr.Dataset, recipe: Background, seed: int) -> xr.Dataset:
    """Smooth random errors added to the variables they are given for."""
    timed = [str(name) for name, da in guess.data_vars.items() if "time" in da.dims]
    if unknown := sorted(set(recipe.perturbation) - set(timed)):
        raise ValueError(f"no variable {', '.join(unknown)} to perturb; there are {', '.join(timed)}")
    days = xr.DataArray((guess.time.values - guess.time.values[0]) / DAY, dims="time")
    if "time" in guess.chunksizes:
        days = days.chunk(time=guess.chunksizes["time"])
    added = {}
    for number, (name, std) in enumerate(recipe.perturbation.items()):
        axes = tuple(guess.latitude.values.tolist()), tuple(guess.longitude.values.tolist())
        noise = SmoothNoise(*axes, recipe.scale, recipe.memory, seed, number)
        error = xr.apply_ufunc(
            noise.on, days, output_core_dims=[["latitude", "longitude"]], dask="parallelized", output_dtypes=["f4"],
            dask_gufunc_kwargs={"output_sizes": {axis: guess.sizes[axis] for axis in ("latitude", "longitude")}},
        )  # fmt: skip
        added[name] = guess[name] + std * error
    if "siconc" in added:
        added["siconc"] = added["siconc"].clip(0.0, 1.0)
    return guess.assign(added)


@dataclass(frozen=True)
class SmoothNoise:
    """A Gaussian random field on the sphere, mean 0, deviation 1, with Gaussian correlation in space and time.

    It is a sum of plane waves in space whose wave vectors are drawn from the spectrum (Rahimi and Recht 2007), so it
    knows neither poles nor seam, and any day is had without those before it.

    Attributes
    ----------
    latitude, longitude : tuple of float
        Axes [degrees].
    scale, memory : float
        Distance [km] and time [days] at which the correlation is exp(-1/2).
    seed, number : int
        Of the waves, and of one field among several independent ones.
    """

    latitude: tuple[float, ...]
    longitude: tuple[float, ...]
    scale: float
    memory: float
    seed: int
    number: int = 0

    def on(self, days: NDArray) -> NDArray[np.float32]:
        """Fields (..., n_lat, n_lon) on days (...)."""
        rng = np.random.default_rng([self.seed, 79, self.number])
        frequency = rng.standard_normal(WAVES) / self.memory
        cosine, sine = rng.standard_normal((2, WAVES)) / np.sqrt(WAVES)
        turn = np.asarray(days)[..., None] * frequency
        ahead, aside = cosine * np.cos(turn) + sine * np.sin(turn), sine * np.cos(turn) - cosine * np.sin(turn)
        weight = np.concatenate([ahead, aside], axis=-1).astype("f4")
        return np.moveaxis(_waves(self.latitude, self.longitude, self.scale, self.seed) @ weight.T, -1, 0)


@lru_cache(maxsize=1)
def _waves(latitude: tuple[float, ...], longitude: tuple[float, ...], scale: float, seed: int) -> NDArray[np.float32]:
    """Cosines and sines of all waves on a grid, (n_lat, n_lon, 2 WAVES): dear, and the same on every day."""
    vectors = np.random.default_rng([seed, 78]).standard_normal((WAVES, 3)) * (RADIUS / scale)
    angle = unit_vectors(np.array(latitude)[:, None], np.array(longitude)[None, :]) @ vectors.T
    return np.concatenate([np.cos(angle), np.sin(angle)], axis=-1, dtype="f4", casting="same_kind")


def squared_errors(guess: xr.Dataset, truth: xr.Dataset, coarsening: int) -> xr.Dataset:
    """Sums over space and time of area times squared error, and of area, by variable: they add up over blocks of days.

    The truth is averaged to the grid of the guess, so that the error says what is wrong, not what is unresolved.
    """
    timed = [name for name, da in guess.data_vars.items() if "time" in da.dims]
    true = truth[timed].sel(time=guess.time)
    true = block_means(true, coarsening) if coarsening > 1 else true
    area = xr.DataArray(cell_area(guess.latitude.values, guess.longitude.values), dims=("latitude", "longitude"))
    wrong = (guess[timed].astype("f8") - true.astype("f8")) ** 2
    # A guess may lack what the truth has only where both are land; counting follows the error itself.
    return xr.concat([(wrong * area).sum(), (wrong.notnull() * area).sum()], "part")


def root_mean_square(sums: xr.Dataset) -> dict[str, float]:
    """Root-mean-square errors from the sums of :func:`squared_errors`; missing where there is no sea."""
    return {
        str(name): float(np.sqrt(total / area)) if area > 0.0 else float("nan")
        for name, (total, area) in ((name, da.values) for name, da in sums.data_vars.items())
    }
