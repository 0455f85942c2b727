"""Spread, CRPS and coverage, against integrals, distributions and ensembles whose truth is known."""

import dask.array as da
import numpy as np
import numpy.testing as npt
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from adaf_xr import metrics
from adaf_xr.metrics.probability import ensemble_crps, gaussian_crps

few = settings(max_examples=10, deadline=None)
ALONE = {"dim": "obs", "weights": None}


def points(values, **more) -> xr.DataArray:
    """Values at points."""
    return xr.DataArray(np.asarray(values, "f8"), dims=("member", "obs")[-np.ndim(values) :], name="zos", **more)


@few
@given(st.floats(-5, 5), st.floats(-5, 5), st.floats(0.05, 4))
def test_the_crps_of_a_normal_distribution_is_its_integral(mean, truth, spread):
    below = integrate.quad(lambda z: stats.norm.cdf(z, mean, spread) ** 2, mean - 12 * spread, truth, limit=200)[0]
    above = integrate.quad(lambda z: stats.norm.sf(z, mean, spread) ** 2, truth, mean + 12 * spread, limit=200)[0]
    npt.assert_allclose(gaussian_crps(*np.array([mean, truth, spread])), max(below, 0.0) + above, rtol=1e-4, atol=1e-6)


@few
@given(st.lists(st.floats(-5, 5), min_size=2, max_size=6), st.floats(-5, 5))
def test_the_crps_of_an_ensemble_is_its_integral(members, truth):
    edges = np.sort([*members, truth])
    middle, width = 0.5 * (edges[1:] + edges[:-1]), np.diff(edges)
    share = (np.asarray(members)[:, None] <= middle).mean(axis=0)
    integral = (width * (share - (truth <= middle)) ** 2).sum()
    npt.assert_allclose(ensemble_crps(np.array(members), np.array(truth), fair=False), integral, atol=1e-12)


def test_without_spread_the_crps_is_the_absolute_error():
    x, y = points([1.0, -2.0, 0.5]), points([0.0, 0.0, 0.5])
    npt.assert_allclose(metrics.crps(x, y, 0.0 * x, **ALONE), metrics.mae(x, y, **ALONE))
    npt.assert_allclose(metrics.crps(points([x.values] * 3), y, member="member", **ALONE), metrics.mae(x, y, **ALONE))


def test_the_fair_crps_does_not_depend_on_the_number_of_members_and_the_plain_one_does():
    rng = np.random.default_rng(0)
    truth = points(rng.normal(size=60_000))
    infinite = 1 / np.sqrt(np.pi)  # E|X - Y| - E|X - X'| / 2 of standard normal variates.
    for count in (2, 5):
        ensemble = points(rng.normal(size=(count, truth.size)))
        fair = metrics.crps(ensemble, truth, member="member", **ALONE)
        plain = metrics.crps(ensemble, truth, member="member", fair=False, **ALONE)
        npt.assert_allclose(fair, infinite, rtol=0.02)
        npt.assert_allclose(plain, infinite * (1 + 1 / count), rtol=0.02)
    many = metrics.crps(0.0 * truth, truth, 0.0 * truth + 1.0, **ALONE)
    npt.assert_allclose(many, infinite, rtol=0.02)


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_the_spread_of_a_calibrated_ensemble_equals_its_error(scale):
    rng = np.random.default_rng(1)
    truth = points(rng.normal(size=100_000))
    few_members = points(scale * rng.normal(size=(3, truth.size)))
    # Of 3 members with the spread s, the mean errs by 1 + s**2 / 3; calibrated is s = 1.
    expected = np.sqrt(scale**2 * (4 / 3) / (1 + scale**2 / 3))
    npt.assert_allclose(metrics.spread_skill(few_members, truth, member="member", **ALONE), expected, rtol=0.01)
    npt.assert_allclose(metrics.spread_skill(0.0 * truth, truth, 0.0 * truth + scale, **ALONE), scale, rtol=0.01)


@pytest.mark.parametrize("level", [0.5, 0.9, 0.99])
def test_a_calibrated_interval_covers_what_it_says(level):
    rng = np.random.default_rng(2)
    spread = points(rng.uniform(0.5, 2.0, size=100_000))
    truth = spread * rng.normal(size=spread.size)
    npt.assert_allclose(metrics.coverage(0.0 * truth, truth, spread, level=level, **ALONE), level, atol=0.005)
    assert float(metrics.coverage(0.0 * truth, truth, 3.0 * spread, level=level, **ALONE)) > level + 0.009


def grids(seed: int = 0) -> tuple[xr.DataArray, xr.DataArray, xr.DataArray]:
    """Field, truth and standard deviation on a grid, with holes."""
    rng = np.random.default_rng(seed)
    axes = {"time": np.arange(2), "latitude": np.arange(-75.0, 90, 30), "longitude": np.arange(0.0, 360, 30)}
    field, truth, spread = (xr.DataArray(rng.uniform(1, 2, (2, 6, 12)), axes, tuple(axes), "zos") for _ in range(3))
    field[0, 0, 0], truth[1, 1], spread[:, 2, 3] = np.nan, np.nan, np.nan
    return field.assign_attrs(units="m"), truth, spread


def test_what_is_missing_on_one_side_does_not_count():
    field, truth, spread = grids()
    there = np.isfinite(field * truth * spread)
    cut = [part.where(there) for part in (field, truth, spread)]
    for score in (metrics.crps, metrics.spread_skill, metrics.coverage):
        xr.testing.assert_identical(score(field, truth, spread), score(*cut))
        assert score(field, truth, spread).dims == ("time",)
    assert metrics.crps(field, truth * np.nan, spread).isnull().all()
    assert metrics.crps(field, truth, spread).units == "m"
    assert metrics.coverage(field, truth, spread).attrs["long_name"] == "share of truth in the central 90 % interval"


def test_chunks_and_conventions_of_axes_do_not_matter():
    field, truth, spread = grids()
    ensemble = xr.concat([field, field + spread, field - spread], "member")
    turned = truth.roll(longitude=5, roll_coords=True).assign_coords(
        longitude=(truth.longitude.roll(longitude=5).values + 180) % 360 - 180
    )[:, ::-1]
    for score, x, how in (
        (metrics.crps, field, {"spread": spread}),
        (metrics.spread_skill, field, {"spread": spread}),
        (metrics.coverage, field, {"spread": spread}),
        (metrics.crps, ensemble, {"member": "member"}),
        (metrics.spread_skill, ensemble, {"member": "member"}),
    ):
        lazy = score(
            x.chunk(latitude=4, time=1, **({"member": 1} if "member" in x.dims else {})), turned.chunk(), **how
        )
        assert isinstance(lazy.data, da.Array)
        xr.testing.assert_allclose(lazy.compute(), score(x, truth, **how))


def test_nothing_computes_while_building(nothing_computes):
    field, truth, spread = (part.chunk(time=1) for part in grids())
    ensemble = xr.concat([field, field + spread], "member")
    (
        metrics.crps(field, truth, spread),
        metrics.spread_skill(field, truth, spread),
        metrics.coverage(field, truth, spread),
    )
    metrics.crps(ensemble, truth, member="member"), metrics.spread_skill(ensemble, truth, member="member")


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({}, "no uncertainty is given: pass spread="),
        ({"member": "member"}, "has no dimension 'member' of members"),
        ({"member": "time", "spread": "one"}, "both spread=... and member=... are given"),
    ],
)
def test_an_uncertainty_is_one_thing(how, message):
    field, truth, spread = grids()
    how = {key: spread if value == "one" else value for key, value in how.items()}
    for score in (metrics.crps, metrics.spread_skill):
        with pytest.raises(ValueError, match=message):
            score(field, truth, **how)
        with pytest.raises(ValueError, match="one member has no spread"):
            score(field.expand_dims("member"), truth, member="member")
    ensemble = xr.concat([field, field + spread], "member").assign_attrs(units="cm")
    for score, x, how in (
        (metrics.crps, ensemble, {"member": "member"}),
        (metrics.spread_skill, ensemble, {"member": "member"}),
        (metrics.coverage, field.assign_attrs(units="cm"), {"spread": spread}),
    ):
        with pytest.raises(ValueError, match="'zos' is in 'cm' and the truth in 'm'"):
            score(x, truth.assign_attrs(units="m"), **how)
    with pytest.raises(ValueError, match=r"level=1.0: give a probability"):
        metrics.coverage(field, truth, spread, level=1.0)
