"""The scale that maps with land resolve, from waves of known length."""

import dask
import numpy as np
import numpy.testing as npt
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from adaf_xr import metrics
from adaf_xr.metrics import boxes
from adaf_xr.metrics.resolution import DEGREE

SPACING = 0.5
LATITUDE, LONGITUDE = np.arange(-29.75, 30, SPACING), np.arange(0.25, 60, SPACING)
few = settings(max_examples=5)


def noise(seed: int, times: int = 2, shortest: float = 0.0, longest: float = np.inf) -> xr.DataArray:
    """Noise of wavelengths between two limits [km], in degrees of the equator."""
    rng = np.random.default_rng(seed)
    shape = (LATITUDE.size, LONGITUDE.size)
    k = np.hypot(*np.meshgrid(*(np.fft.fftfreq(n, SPACING * DEGREE) for n in shape), indexing="ij"))
    wanted = (k > 1.0 / longest) & (k * shortest < 1.0)
    values = np.fft.ifft2(np.fft.fft2(rng.normal(size=(times, *shape))) * wanted).real
    time = np.datetime64("2020-01-01", "ns") + np.arange(times) * np.timedelta64(1, "D")
    axes = {"time": time, "latitude": LATITUDE, "longitude": LONGITUDE}
    return xr.DataArray(values.astype("f4"), axes, list(axes), "zos", {"units": "m"})


def with_land(field: xr.DataArray) -> xr.DataArray:
    """An island in one of the sixteen boxes."""
    here = (abs(field.latitude - 5) < 1) & (abs(field.longitude - 5) < 2)
    return field.where(~here)


@pytest.mark.parametrize("limit", [250.0, 500.0])
def test_waves_longer_than_a_limit_are_resolved_and_shorter_ones_are_not(limit):
    truth = noise(0)
    right = noise(0, shortest=limit)
    got = metrics.resolution_in_boxes(with_land(right), with_land(truth))
    # A box holds wavelengths that are whole parts of it, and its window spreads each over its neighbours; waves are
    # longer by up to 15 % in degrees of longitude at 30 degrees than those that were made.
    assert abs(1.0 / got - 1.0 / limit) < 2.0 / (15.0 * DEGREE)


def test_one_box_without_land_has_the_resolution_of_the_map():
    truth, rec = (each.isel(latitude=slice(60, 90), longitude=slice(0, 30)) for each in (noise(1), noise(1, 2, 400.0)))
    npt.assert_allclose(metrics.resolution_in_boxes(rec, truth), metrics.effective_resolution(rec, truth), rtol=0.03)


@few
@given(st.integers(0, 1000))
def test_what_happens_in_a_box_with_land_does_not_count(seed):
    truth, rec = noise(seed), noise(seed, shortest=300.0)
    beside = (truth.latitude > 0) & (truth.latitude < 15) & (truth.longitude < 15)
    changed = rec.where(~beside, 1e3)
    assert metrics.resolution_in_boxes(with_land(changed), truth) == metrics.resolution_in_boxes(with_land(rec), truth)


@few
@given(st.integers(0, 1000), st.integers(1, 4))
def test_neither_the_order_of_times_nor_how_many_are_held_at_once_matters(seed, days):
    truth, rec = noise(seed, 4), noise(seed, 4, shortest=300.0)
    whole = metrics.resolution_in_boxes(rec, truth)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(boxes, "VALUES", days * truth[0].size)
        parts = metrics.resolution_in_boxes(rec.isel(time=[2, 0, 3, 1]).chunk(time=1), truth.isel(time=[2, 0, 3, 1]))
    npt.assert_allclose(parts, whole, rtol=1e-9)


def test_no_more_of_a_field_is_in_memory_than_it_holds_at_once(monkeypatch):
    truth, rec = (noise(0, 6, shortest).chunk(time=1) for shortest in (0.0, 300.0))
    monkeypatch.setattr(boxes, "VALUES", 2 * truth[0].size)
    sizes = []
    load = xr.DataArray.load
    monkeypatch.setattr(xr.DataArray, "load", lambda self, **how: sizes.append(self.size) or load(self, **how))
    with dask.config.set(scheduler="synchronous"):
        metrics.resolution_in_boxes(rec, truth)
    assert max(sizes) == 2 * truth[0].size


def test_what_cannot_be_told_says_why():
    truth = noise(0)
    everywhere = truth.where((truth.latitude % 5 > 1) | (truth.longitude % 5 > 1))
    with pytest.raises(ValueError, match="no box of 15 by 15 degrees within 60 degrees of the equator lacks land"):
        metrics.resolution_in_boxes(everywhere, truth)
    with pytest.raises(ValueError, match="is in 'm' and the reconstruction in 'cm'"):
        metrics.resolution_in_boxes(truth.assign_attrs(units="cm"), truth)
    assert np.isnan(metrics.resolution_in_boxes(0.0 * truth, truth))
