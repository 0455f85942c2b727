"""Cubic upsampling: what it reproduces, what it keeps, and what it is indifferent to."""

import numpy as np
import numpy.testing as npt
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from adaf_xr.grids import nest
from adaf_xr.models.cubic import Cubic
from adaf_xr.models.extrapolation import Extrapolation
from adaf_xr.sphere import cell_area

LAT, LON = np.arange(-85.0, 90, 10), np.arange(-175.0, 180, 10)
FACTOR = 3

seeds = st.integers(0, 2**32 - 1)
kernels = st.sampled_from(["spline", "convolution"])
land_shares = st.sampled_from([0.0, 0.2, 0.7, 0.97])
both = st.booleans()
few = settings(max_examples=25, deadline=None)


def random_field(seed: int, land: float, leading: tuple[int, ...] = ()) -> np.ndarray:
    """White noise with holes: the hardest field there is. One mask for all leading indices."""
    rng = np.random.default_rng(seed)
    field = rng.normal(size=(*leading, LAT.size, LON.size))
    missing = rng.random(field.shape[-2:]) < land
    missing[rng.integers(LAT.size), rng.integers(LON.size)] = False
    field[..., missing] = np.nan
    return field


def random_sea(seed: int, share: float = 0.8) -> np.ndarray:
    return np.random.default_rng(seed + 1).random((LAT.size * FACTOR, LON.size * FACTOR)) < share


def upsample(field, lat=LAT, lon=LON, *, keep_means=False, sea=None, kernel="spline", factor=FACTOR):
    return Cubic(kernel).upsample(field, lat, lon, factor, keep_means, sea)


def block_means(fine: np.ndarray, sea: np.ndarray, lat=LAT, lon=LON, factor=FACTOR) -> np.ndarray:
    """Area-weighted means of nested sea cells, by loops over blocks: slow, and plain to see."""
    area = cell_area(nest(lat, factor), nest(lon, factor))
    means = np.full((lat.size, lon.size), np.nan)
    for j in range(lat.size):
        for i in range(lon.size):
            block = np.s_[j * factor : (j + 1) * factor, i * factor : (i + 1) * factor]
            if (wet := sea[block]).any():
                means[j, i] = np.average(fine[block][wet], weights=area[block][wet])
    return means


@few
@given(seeds, land_shares, kernels, both, st.floats(-1e3, 1e3))
def test_constants_are_reproduced_beside_any_land(seed, land, kernel, keep_means, value):
    field = random_field(seed, land) * 0.0 + value
    fine = upsample(field, keep_means=keep_means, sea=random_sea(seed), kernel=kernel)
    npt.assert_allclose(fine[np.isfinite(fine)], value, rtol=1e-11, atol=1e-11)


@few
@given(st.floats(-5, 5), st.floats(-5, 5), kernels, both, st.integers(1, 6))
def test_linear_fields_are_reproduced_to_the_edge_of_a_regional_grid(a, b, kernel, descending, factor):
    lat, lon = np.arange(30.5, 38)[:: -1 if descending else 1], np.arange(350.5, 361)
    fine = upsample(a * lat[:, None] + b * lon, lat, lon, kernel=kernel, factor=factor)
    npt.assert_allclose(fine, a * nest(lat, factor)[:, None] + b * nest(lon, factor), atol=1e-8)


@pytest.mark.parametrize(("kernel", "order"), [("spline", 4), ("convolution", 3)])
def test_the_error_of_a_smooth_field_falls_with_the_order_of_the_kernel(kernel, order):
    def error(n: int) -> float:
        lat, lon = np.linspace(-1, 1, 9), (np.arange(n) + 0.5) * 360.0 / n
        fine = upsample(np.tile(np.sin(np.radians(4 * lon)), (9, 1)), lat, lon, kernel=kernel, factor=2)
        return np.abs(fine - np.sin(np.radians(4 * nest(lon, 2)))).max()

    assert np.log2(error(72) / error(144)) == pytest.approx(order, abs=0.2)


@few
@given(seeds, land_shares, kernels, both, st.floats(-3, 3))
def test_it_is_linear_in_the_field(seed, land, kernel, keep_means, a):
    f, g = random_field(seed, land, (2,))
    how = {"kernel": kernel, "keep_means": keep_means, "sea": random_sea(seed)}
    npt.assert_allclose(upsample(a * f + g, **how), a * upsample(f, **how) + upsample(g, **how), atol=1e-9)


@few
@given(seeds, land_shares, kernels, both, st.integers(1, LON.size - 1))
def test_it_commutes_with_rotation_by_whole_cells(seed, land, kernel, keep_means, cells):
    field, sea = random_field(seed, land), random_sea(seed)
    turned = upsample(
        np.roll(field, cells, axis=1), LAT, LON - 10.0 * cells + 360.0, keep_means=keep_means, kernel=kernel,
        sea=np.roll(sea, cells * FACTOR, axis=1),
    )  # fmt: skip
    here = upsample(field, keep_means=keep_means, kernel=kernel, sea=sea)
    npt.assert_allclose(turned, np.roll(here, cells * FACTOR, axis=1), atol=1e-9)


@few
@given(seeds, land_shares, kernels, both)
def test_it_commutes_with_a_flip_of_latitude(seed, land, kernel, keep_means):
    field, sea = random_field(seed, land), random_sea(seed)
    flipped = upsample(field[::-1], LAT[::-1], keep_means=keep_means, kernel=kernel, sea=sea[::-1])
    npt.assert_allclose(flipped[::-1], upsample(field, keep_means=keep_means, kernel=kernel, sea=sea), atol=1e-9)


@few
@given(seeds, land_shares, kernels, both)
def test_means_over_the_nested_sea_cells_are_kept(seed, land, kernel, whole):
    field, sea = random_field(seed, land), random_sea(seed, 0.3)
    fine = upsample(field, keep_means=True, kernel=kernel, sea=None if whole else sea)
    wet = np.isfinite(field).repeat(FACTOR, 0).repeat(FACTOR, 1) if whole else sea
    means = block_means(fine, wet)
    held = np.isfinite(field) & np.isfinite(means)
    npt.assert_allclose(means[held], field[held], atol=1e-10)


@few
@given(seeds, land_shares, both)
def test_values_are_where_the_sea_is_and_nowhere_else(seed, land, keep_means):
    field, sea = random_field(seed, land), random_sea(seed)
    npt.assert_array_equal(np.isfinite(upsample(field, keep_means=keep_means, sea=sea)), sea)
    coarse = np.isfinite(field).repeat(FACTOR, 0).repeat(FACTOR, 1)
    npt.assert_array_equal(np.isfinite(upsample(field, keep_means=keep_means)), coarse)


@few
@given(seeds, both)
def test_leading_axes_are_independent_and_may_differ_in_their_land(seed, keep_means):
    levels = np.stack([random_field(seed, 0.3), random_field(seed + 1, 0.6), random_field(seed, 0.3) * 2.0])
    levels = np.stack([levels, np.full_like(levels, np.nan)])
    fine = upsample(levels, keep_means=keep_means)
    assert fine.shape == (2, 3, LAT.size * FACTOR, LON.size * FACTOR)
    for level in np.ndindex(2, 3):
        npt.assert_allclose(fine[level], upsample(levels[level], keep_means=keep_means), atol=1e-12)


def test_no_field_at_all_is_a_valid_input():
    assert upsample(np.empty((0, LAT.size, LON.size))).shape == (0, LAT.size * FACTOR, LON.size * FACTOR)


def test_a_factor_of_one_is_the_identity():
    field = random_field(3, 0.3)
    npt.assert_allclose(upsample(field, factor=1), field, atol=1e-12)


def test_a_regional_grid_has_no_seam():
    """Values at one side of a region must not leak to the other."""
    lon = np.arange(0.0, 180, 10)
    field = np.zeros((LAT.size, lon.size))
    field[:, 0] = 1.0
    assert np.abs(upsample(field, LAT, lon, kernel="convolution")[:, -FACTOR:]).max() == 0.0


@pytest.mark.parametrize(
    ("field", "lat", "sea", "message"),
    [
        (np.zeros((36, 18)), LAT, None, "put latitude and longitude last"),
        (np.zeros((18, 36)), LAT, np.ones((18, 36), bool), r"the fine grid \(54, 108\): give it on the fine grid"),
        (
            np.zeros((19, 36)),
            np.arange(-90.0, 91, 10),
            None,
            r"centred on a pole \(latitudes -90 to 90\).*drop the row",
        ),
    ],
    ids=["transposed", "sea on the coarse grid", "polar row"],
)
def test_bad_input_is_refused_with_the_way_out(field, lat, sea, message):
    with pytest.raises(ValueError, match=message):
        upsample(field, lat, sea=sea)


def test_an_unknown_kernel_is_refused():
    with pytest.raises(ValueError, match=r"unknown kernel 'linear': choose one of \['convolution', 'spline'\]"):
        Cubic("linear")


@few
@given(seeds, land_shares)
def test_the_continuation_keeps_what_is_there_and_stays_within_its_range(seed, land):
    field = random_field(seed, land)
    present = np.isfinite(field)
    filled = Extrapolation(present, periodic=True)(field)
    npt.assert_array_equal(filled[present], field[present])
    assert np.nanmin(field) <= filled.min()
    assert filled.max() <= np.nanmax(field)


def test_the_continuation_crosses_the_seam_only_where_there_is_none():
    field = np.array([[5.0, np.nan, np.nan, np.nan, 1.0, np.nan]])
    there = np.isfinite(field)
    npt.assert_allclose(Extrapolation(there, periodic=True)(field), [[5.0, 5.0, 3.0, 1.0, 1.0, 3.0]])
    npt.assert_allclose(Extrapolation(there, periodic=False)(field), [[5.0, 5.0, 3.0, 1.0, 1.0, 1.0]])


@pytest.fixture(scope="module")
def oisst(realdata):
    """A global day of sea surface temperature, 0.25 degrees."""
    (file,) = realdata.glob("sst/20151101*-NCEI-L4_GHRSST-*.nc")
    with xr.open_dataset(file) as ds:
        return ds.analysed_sst.values[0].astype("f8")


@pytest.mark.parametrize(
    ("kernel", "keep_means", "rmse"),
    [
        ("convolution", False, 0.1712),
        ("convolution", True, 0.1443),
        ("spline", False, 0.1592),
        ("spline", True, 0.1376),
    ],
)
def test_a_real_field_rebuilt_from_its_1_degree_means_has_the_documented_rmse(oisst, kernel, keep_means, rmse):
    sea = np.isfinite(oisst)
    lat, lon = np.arange(-89.5, 90), np.arange(-179.5, 180)
    area = cell_area(nest(lat, 4), nest(lon, 4)) * sea
    sums = [x.reshape(180, 4, 360, 4).sum(axis=(1, 3)) for x in (np.where(sea, oisst, 0.0) * area, area)]
    coarse = np.divide(*sums, out=np.full((180, 360), np.nan), where=sums[1] > 0)
    fine = Cubic(kernel).upsample(coarse, lat, lon, 4, keep_means, sea)
    assert np.sqrt(np.average((fine - oisst)[sea] ** 2, weights=area[sea])) == pytest.approx(rmse, abs=1e-4)
