"""Upsampling of labelled fields: any names, any order of dimensions, lazily."""

import dask
import numpy as np
import numpy.testing as npt
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import adaf_xr
from adaf_xr import ocean_mask
from adaf_xr.inference import engines
from adaf_xr.sphere import cell_area


@pytest.fixture(autouse=True)
def cubic(monkeypatch):
    """What must hold of every engine is shown with the one that needs no weights."""
    monkeypatch.setattr(engines, "UPSAMPLING_DEFAULT", ("cubic",))


def coarse(dims=("time", "latitude", "longitude"), names=("latitude", "longitude")):
    lat, lon = np.arange(-20.5, -9), np.arange(-30.5, -15)
    time = np.array(["2020-01-01", "2020-01-02"], "datetime64[ns]")
    values = np.sin(lat / 5)[None, :, None] * np.cos(lon / 4)[None, None, :] + np.arange(2)[:, None, None]
    base = xr.DataArray(
        values.astype("f4"), {"time": time, names[0]: lat, names[1]: lon}, ("time", *names), "sst", {"units": "degC"}
    )
    return base.transpose(*dims)


@settings(max_examples=10, deadline=None)
@given(st.permutations(["time", "lat", "lon"]), st.sampled_from([1, 2, 3, 4]), st.booleans())
def test_dimension_order_names_and_laziness_of_the_input_change_nothing(dims, factor, lazy):
    field = coarse(dims, names=("lat", "lon"))
    fine = (field.chunk(time=1) if lazy else field).adaf.upsample(factor)
    assert fine.dims == tuple(dims)
    assert dask.is_dask_collection(fine.data)
    assert fine.name == "sst"
    assert fine.attrs == {"units": "degC"}
    expected = coarse().adaf.upsample(factor)
    npt.assert_array_equal(fine.transpose("time", "lat", "lon"), expected)
    npt.assert_allclose(fine.lat.values.reshape(-1, factor).mean(axis=1), field.lat)


def test_building_computes_nothing(nothing_computes):
    field = coarse().chunk(time=1)
    assert field.adaf.upsample().chunks == ((1, 1), (48,), (64,))
    field.to_dataset().adaf.upsample(2, keep_means=True)


def test_kept_means_are_area_weighted_means_over_the_fine_sea():
    field = coarse()
    fine = field.adaf.upsample(4, keep_means=True).compute()
    area = xr.DataArray(cell_area(fine.latitude, fine.longitude), dims=("latitude", "longitude"))
    box = {"latitude": 4, "longitude": 4}
    total = (fine * area).coarsen(box).sum() / area.coarsen(box).sum()
    npt.assert_allclose(total, field, atol=2e-6)


def test_a_given_mask_is_the_land_of_the_result():
    field = coarse()
    mask = xr.DataArray(np.random.default_rng(0).random((24, 32)) > 0.3, dims=("latitude", "longitude"))
    fine = field.adaf.upsample(2, mask=mask)
    npt.assert_array_equal(np.isfinite(fine), np.broadcast_to(mask, fine.shape))
    with pytest.raises(ValueError, match=r"mask has shape .24, 32., and the fine grid .48, 64."):
        field.adaf.upsample(4, mask=mask)


def test_land_of_a_field_with_land_is_refined_by_the_ocean_mask_and_only_there():
    lat, lon = np.arange(30.5, 45), np.arange(-10.5, 5)
    sea = ocean_mask.sea(lat, lon)
    field = xr.DataArray(np.where(sea, 15.0, np.nan), {"lat": lat, "lon": lon}, ("lat", "lon"))
    fine = field.adaf.upsample()
    inside = np.kron(sea, np.ones((4, 4), bool))
    npt.assert_array_equal(np.isfinite(fine), inside & ocean_mask.sea(fine.lat.values, fine.lon.values))
    npt.assert_array_equal(np.isfinite(xr.full_like(field, 15.0).adaf.upsample()), True)


def test_a_dataset_keeps_what_is_not_on_the_grid_and_drops_what_was_cut_to_it():
    field = coarse()
    ds = field.to_dataset().assign(
        offset=("time", [0.0, 1.0]), crs=0, bounds=(("latitude", "corner"), np.zeros((field.latitude.size, 2)))
    )
    fine = ds.assign_attrs(history="before").adaf.upsample(2)
    assert set(fine.data_vars) == {"sst", "offset", "crs"}
    assert fine.attrs["history"].startswith("before\nadaf_xr")
    assert "cubic" in fine.attrs["history"]


def test_every_level_and_time_keeps_its_own_coast_however_it_is_chunked():
    field = coarse().expand_dims(depth=[0.0, 500.0]).copy()
    field[1, :, :6] = np.nan
    field[:, 1, :, 8:] = np.nan
    fine = field.adaf.upsample(2).compute()
    npt.assert_array_equal(np.isfinite(fine), np.kron(np.isfinite(field), np.ones((1, 1, 2, 2), bool)))
    for chunks in ({"time": 1}, {"depth": 1, "time": 1}):
        xr.testing.assert_identical(field.chunk(chunks).adaf.upsample(2).compute(), fine)


def test_fill_values_that_a_file_misspells_are_missing():
    field = coarse().isel(time=0).assign_attrs(FillValue=-9999.0)
    field[2:5, 3:6] = -9999.0
    fine = field.adaf.upsample(2).compute()
    assert np.isnan(fine[4:10, 6:12]).all()
    assert fine.min() >= field.where(field > -9999).min() - 0.1


def test_flags_codes_and_dates_are_repeated_not_interpolated():
    field = coarse().isel(time=0)
    ds = field.to_dataset().assign(
        quality=field.copy(data=np.random.default_rng(0).integers(0, 6, field.shape)),
        basin=field.copy(data=np.random.default_rng(1).integers(0, 9, field.shape) / 1.0).assign_attrs(
            flag_values=[0, 1]
        ),
        land=field > 0,
        seen=field.copy(data=np.full(field.shape, np.datetime64("2020-01-01", "ns"))),
    )
    fine = ds.adaf.upsample(2)
    for name in ("quality", "basin", "land", "seen"):
        assert fine[name].dtype == ds[name].dtype
        npt.assert_array_equal(fine[name][::2, ::2], ds[name])
        npt.assert_array_equal(fine[name][1::2, 1::2], ds[name])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: coarse().adaf.upsample(0), "factor=0"),
        (lambda: coarse().adaf.upsample(2.5), "factor=2.5"),
        (lambda: coarse().adaf.upsample(model="cubik"), "did you mean 'cubic'"),
        (coarse().drop_vars("latitude").adaf.upsample, "no 1-D latitude and longitude"),
        (coarse().isel(latitude=[0, 1, 5]).adaf.upsample, "the axis is not regular"),
        (coarse().assign_coords(latitude=np.linspace(-90, 90, 12)).adaf.upsample, "centred on a pole"),
        (xr.Dataset({"t": ("x", [1.0])}).adaf.upsample, "no variable of"),
    ],
)
def test_impossible_input_says_why(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_function_is_the_accessor():
    xr.testing.assert_identical(adaf_xr.upsample(coarse(), 2), coarse().adaf.upsample(2))
