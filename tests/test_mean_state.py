"""The mean state below the global nature run: known places, no seam, stable columns, and the recipe that makes it."""

import subprocess
import sys

import gsw
import numpy as np
import numpy.testing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adaf_xr.ocean_mask import sea
from adaf_xr.osse import columns, globe, mean_state_recipe
from adaf_xr.osse.mean_state import FILE, KINDS, mean_state
from adaf_xr.sphere import cell_area

LAT, LON = np.arange(-89.0, 90, 2.0), np.arange(-179.0, 180, 2.0)


def at(latitude, longitude, kind="observed"):
    state = mean_state(kind, [latitude], [longitude])
    return {name: float(getattr(state, name)[0, 0]) for name in ("thetao", "so", "zos", "eddies")}


def test_known_places():
    assert at(0.0, 160.0)["thetao"] > 28.5, "the warm pool"
    assert at(0.0, -95.0)["thetao"] < at(0.0, 160.0)["thetao"] - 3.0, "the cold tongue"
    assert at(85.0, 0.0)["thetao"] < -1.5
    assert at(34.0, 20.0)["so"] > 38.0, "the eastern Mediterranean"
    assert at(25.0, -40.0)["so"] > at(10.0, -100.0)["so"] + 2.0, "the salty Atlantic and the fresh eastern Pacific"
    assert at(33.0, -68.0)["zos"] - at(41.0, -62.0)["zos"] > 0.5, "the Gulf Stream"
    assert at(-40.0, 150.0)["zos"] - at(-62.0, 150.0)["zos"] > 1.0, "the circumpolar current"
    assert at(38.0, -65.0)["eddies"] > 5 * at(-20.0, -110.0)["eddies"]


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_everywhere_and_within_what_oceans_do(kind):
    state = mean_state(kind, LAT, LON)
    wet, area = sea(LAT, LON), cell_area(LAT, LON)
    for field, low, high in (
        (state.thetao, -2, 31),
        (state.so, 4, 41),
        (state.zos, -1.7, 1.7),
        (state.eddies, 0.009, 0.31),
    ):
        assert field.shape == (LAT.size, LON.size)
        assert np.isfinite(field).all(), "land too: gradients at coasts need it"
        assert low <= field[wet].min() <= field[wet].max() <= high
    # The ocean's surface is at 18 degC and 34.7 on average (Levitus 1982); ours to a season.
    assert np.average(state.thetao[wet], weights=area[wet]) == pytest.approx(18.0, abs=2.0)
    assert np.average(state.so[wet], weights=area[wet]) == pytest.approx(34.7, abs=0.6)


@pytest.mark.parametrize("kind", KINDS)
def test_it_has_neither_seam_nor_pole(kind):
    edge = mean_state(kind, LAT, [179.999, -180.0 + 0.001])
    poles = mean_state(kind, [-89.999, 89.999], LON)
    inland = mean_state(kind, LAT, LON)
    for name in ("thetao", "so", "zos", "eddies"):
        steepest = np.abs(np.diff(getattr(inland, name), axis=1)).max()
        npt.assert_allclose(*getattr(edge, name).T, atol=2e-3 * steepest)
        assert np.ptp(getattr(poles, name), axis=1).max() < 5e-3 * np.ptp(getattr(inland, name))


@given(st.integers(0, 179), st.sampled_from(KINDS))
@settings(max_examples=20)
def test_the_convention_of_longitude_does_not_matter(columns_, kind):
    start = mean_state(kind, LAT[::9], LON).thetao
    turned = mean_state(kind, LAT[::9], LON[0] + 2.0 * np.arange(columns_, columns_ + 180)).thetao
    npt.assert_allclose(turned, np.roll(start, -columns_, axis=1), atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_its_columns_are_statically_stable(kind):
    state = mean_state(kind, LAT, LON)
    j, i = np.nonzero(sea(LAT, LON))
    j, i = j[::7], i[::7]
    z = np.arange(0.0, 3950.0, 50.0)[:, None]
    pressure = gsw.p_from_z(-z, LAT[j])
    salinity = columns.salinity(z, state.so[j, i], state.so[j, i], 0.0)
    temperature = columns.temperature(z, state.thetao[j, i], state.thetao[j, i], 0.0)
    absolute = salinity * 35.16504 / 35.0
    squared, _ = gsw.Nsquared(absolute, gsw.CT_from_pt(absolute, temperature), pressure, LAT[j])
    # Splines between capped values overshoot by hundredths: 2e-7 is a fiftieth of a thermocline's.
    assert squared.min() > -2e-7


def test_another_ocean_is_refused():
    with pytest.raises(ValueError, match="no mean state 'mars': use one of observed, analytic"):
        mean_state("mars", LAT, LON)


def test_the_file_is_small():
    assert FILE.stat().st_size < 300_000


def test_the_recipe_makes_the_shipped_file_again(realdata, tmp_path):
    mean_state_recipe.write(realdata, tmp_path / "again.npz")
    with np.load(tmp_path / "again.npz") as again, np.load(FILE) as shipped:
        assert sorted(again) == sorted(shipped)
        for name in shipped:
            # Rounding of another machine's transforms may move a value by one step.
            npt.assert_allclose(np.cumsum(again[name], axis=1), np.cumsum(shipped[name], axis=1), atol=1)


def test_the_recipe_says_what_it_needs(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file matches 'sst/.*name the folder that holds sst/, reanalysis/"):
        mean_state_recipe.fields(tmp_path)
    command = [sys.executable, "-m", "adaf_xr.osse.mean_state_recipe"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "usage: python -m adaf_xr.osse.mean_state_recipe FOLDER" in run.stderr


@given(st.integers(0, 35), st.floats(10.0, 40.0), st.integers(0, 2**31))
@settings(max_examples=25)
def test_smoothing_turns_with_the_globe_and_keeps_within_bounds(turn, sigma, seed):
    field = np.random.default_rng(seed).uniform(2.0, 3.0, (18, 36))
    field[np.random.default_rng(seed + 1).uniform(size=field.shape) < 0.3] = np.nan
    smooth = globe.smooth(field, sigma)
    npt.assert_allclose(globe.smooth(np.roll(field, turn, axis=1), sigma), np.roll(smooth, turn, axis=1), atol=1e-9)
    assert 2.0 - 1e-9 <= np.nanmin(smooth) <= np.nanmax(smooth) <= 3.0 + 1e-9


def test_filling_keeps_what_is_there():
    field = np.where(sea(LAT, LON), mean_state("observed", LAT, LON).thetao, np.nan)
    whole = globe.filled(field)
    assert np.isfinite(whole).all()
    npt.assert_array_equal(whole[np.isfinite(field)], field[np.isfinite(field)])
    assert np.nanmin(field) <= whole.min() <= whole.max() <= np.nanmax(field)


@given(st.floats(-85.0, 85.0), st.floats(-180.0, 180.0), st.integers(0, 3))
@settings(max_examples=30)
def test_interpolation_is_exact_for_smooth_fields_across_seam_and_poles(latitude, longitude, wave):
    def harmonic(lat, lon):
        return np.cos(np.radians(lat)) ** wave * np.cos(wave * np.radians(lon)) + np.sin(np.radians(lat))

    axes = np.arange(-89.5, 90), np.arange(-179.5, 180)
    field = harmonic(axes[0][:, None], axes[1][None, :])
    found = globe.interpolated(field, [latitude], [longitude])
    npt.assert_allclose(found[0, 0], harmonic(latitude, longitude), atol=1e-6)
