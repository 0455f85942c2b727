"""Learned super-resolution as an engine: theorems with weights drawn at random, and shipped ones on real fields."""

import pickle
from functools import cache
from pathlib import Path

import numpy as np
import numpy.testing as npt
import pytest
import torch
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from nested_means import means_of

import adaf_xr
from adaf_xr import checkpoint
from adaf_xr.checkpoint import Checkpoint, CheckpointError
from adaf_xr.grids import nest
from adaf_xr.models.cubic import Cubic
from adaf_xr.models.super_resolution import FACTOR, NAME, Configuration
from adaf_xr.models.super_resolution.engine import AdafOceanSR
from adaf_xr.models.super_resolution.features import LARGEST, Features
from adaf_xr.models.super_resolution.means import block_means, without_means
from adaf_xr.models.super_resolution.nesting import resampled
from adaf_xr.models.super_resolution.network import Network, network_of
from adaf_xr.training.super_resolution.options import Data
from adaf_xr.training.super_resolution.preparing import held_out

LAT, LON = np.arange(-81.0, 90, 18), np.arange(-170.0, 180, 20)
"""A small globe, 10 x 18 cells."""

few = settings(max_examples=12)
seeds = st.integers(0, 100)
factors = st.sampled_from([2, 3, 4])
both = st.booleans()


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A small network that answers with much more than a trained one would."""
    return str(written(tmp_path_factory.mktemp("weights") / "random.safetensors", lambda weight: 0.3 * weight))


def written(path, change, **header):
    """A checkpoint of a small network."""
    size = Configuration(width=6, blocks=1)
    generator = torch.Generator().manual_seed(1)
    drawn = {
        name: torch.randn(weight.shape, generator=generator) for name, weight in Network(size).state_dict().items()
    }
    held = {name: change(weight).numpy() for name, weight in drawn.items()}
    parts = {"family": NAME, "weights": held, "configuration": size.as_dict(), **header}
    checkpoint.write(Checkpoint(**parts), path)
    return path


@pytest.fixture(scope="module")
def engine(weights):
    return AdafOceanSR(weights)


@cache
def random_field(seed, land=0.3, shape=(LAT.size, LON.size)):
    random = np.random.default_rng(seed)
    field = random.standard_normal(shape)
    return np.where(random.random(shape) < land, np.nan, field)


def random_sea(seed, factor=FACTOR):
    return np.random.default_rng(seed + 1000).random((LAT.size * factor, LON.size * factor)) < 0.7


def close(found, wanted, size=1.0):
    """But for rounding in single precision."""
    npt.assert_allclose(found, wanted, rtol=0, atol=3e-5 * size)


def test_random_weights_answer_with_more_than_rounding(engine):
    """Without which the theorems below would say nothing."""
    field = random_field(0)
    change = engine.upsample(field, LAT, LON, 4) - Cubic().upsample(field, LAT, LON, 4, True)
    assert np.nanstd(change) > 0.1


@few
@given(seeds, factors, st.floats(1e-6, 1e6), st.floats(-100, 100))
def test_the_unit_and_the_offset_of_a_field_do_not_matter(engine, seed, factor, scale, offset):
    field, sea = random_field(seed), random_sea(seed, factor)
    there = engine.upsample(scale * (field + offset), LAT, LON, factor, False, sea)
    close(there / scale - offset, engine.upsample(field, LAT, LON, factor, False, sea))


@few
@given(seeds, factors, st.floats(-1e4, 1e4))
def test_a_constant_stays_what_it_is(engine, seed, factor, value):
    field = 0.0 * random_field(seed) + value
    fine = engine.upsample(field, LAT, LON, factor, sea=random_sea(seed, factor))
    npt.assert_allclose(fine[np.isfinite(fine)], value, rtol=1e-11, atol=1e-11)


@few
@given(seeds, factors, both)
def test_means_over_the_nested_sea_cells_are_kept(engine, seed, factor, keep):
    field, sea = random_field(seed), random_sea(seed, factor)
    fine = engine.upsample(field, LAT, LON, factor, keep, sea)
    means = means_of(fine, nest(LAT, factor), nest(LON, factor), factor)[0]
    held = np.isfinite(field) & np.isfinite(means)
    npt.assert_allclose(means[held], field[held], atol=1e-12)


@few
@given(seeds, factors, st.integers(1, LON.size - 1), both)
def test_it_commutes_with_rotation_by_whole_cells(weights, seed, factor, cells, averaged):
    engine = AdafOceanSR(weights, averaged=averaged)
    field, sea = random_field(seed), random_sea(seed, factor)
    turned = engine.upsample(
        np.roll(field, cells, 1), LAT, LON - 20.0 * cells + 360.0, factor, sea=np.roll(sea, cells * factor, 1)
    )
    close(turned, np.roll(engine.upsample(field, LAT, LON, factor, sea=sea), cells * factor, 1))


@few
@given(seeds, factors, both)
def test_the_order_of_latitude_does_not_matter(weights, seed, factor, averaged):
    engine = AdafOceanSR(weights, averaged=averaged)
    field, sea = random_field(seed), random_sea(seed, factor)
    flipped = engine.upsample(field[::-1], LAT[::-1], LON, factor, sea=sea[::-1])
    close(flipped[::-1], engine.upsample(field, LAT, LON, factor, sea=sea))


@few
@given(seeds)
def test_the_mean_of_eight_views_turns_with_the_field(weights, seed):
    engine = AdafOceanSR(weights, averaged=True)
    side = np.arange(9.0) - 4.0
    field = random_field(seed, shape=(9, 9))
    here = engine.upsample(field, side, side, 4)
    close(engine.upsample(field[:, ::-1], side, side, 4)[:, ::-1], here)
    # Cells are as good as square at the equator, but not quite: they weigh by their area.
    npt.assert_allclose(engine.upsample(field.T, side, side, 4).T, here, rtol=0, atol=0.02)


@few
@given(seeds, factors)
def test_values_are_where_the_sea_is_and_nowhere_else(engine, seed, factor):
    field, sea = random_field(seed), random_sea(seed, factor)
    npt.assert_array_equal(np.isfinite(engine.upsample(field, LAT, LON, factor, sea=sea)), sea)
    coarse = np.isfinite(field).repeat(factor, 0).repeat(factor, 1)
    npt.assert_array_equal(np.isfinite(engine.upsample(field, LAT, LON, factor)), coarse)


@few
@given(seeds, factors)
def test_leading_axes_are_independent_and_may_differ_in_their_land(engine, seed, factor):
    levels = np.stack([random_field(seed), 1e3 * random_field(seed + 1, 0.6), np.full((LAT.size, LON.size), np.nan)])
    fine = engine.upsample(levels, LAT, LON, factor)
    for level in range(3):
        npt.assert_array_equal(fine[level], engine.upsample(levels[level], LAT, LON, factor))
    assert np.isnan(fine[2]).all()


def test_what_lies_far_off_in_a_region_does_not_matter(engine):
    lon, field = np.arange(40.0), random_field(3, 0.2, (LAT.size, 40)).copy()
    before = engine.upsample(field, LAT, lon, 4)
    field[:, 0] += 0.1
    after = engine.upsample(field, LAT, lon, 4)
    assert np.nanmax(np.abs(after - before)[:, :8]) > 0.01
    npt.assert_allclose(after[:, -80:], before[:, -80:], rtol=0, atol=2e-3)


@pytest.mark.parametrize("shape", [(2, 2), (2, 9), (7, 2), (3, 3)])
def test_the_smallest_regions_are_refined(engine, shape):
    field = random_field(5, 0.0, shape)
    fine = engine.upsample(field, np.arange(shape[0]) + 10.0, np.arange(shape[1]) + 20.0, 4)
    assert np.isfinite(fine).all()
    npt.assert_allclose(fine.reshape(shape[0], 4, shape[1], 4).mean((1, 3)), field, atol=0.01)


def test_a_globe_of_two_columns_goes_round(engine):
    field = random_field(5, 0.0, (4, 2))
    lat, lon = np.array([-60.0, -20, 20, 60]), np.array([90.0, 270])
    close(engine.upsample(field[:, ::-1], lat, lon + 180, 4), np.roll(engine.upsample(field, lat, lon, 4), 4, 1))


def test_no_field_and_no_sea_are_valid_inputs(engine):
    assert engine.upsample(np.empty((0, LAT.size, LON.size)), LAT, LON, 4).shape == (0, 40, 72)
    assert np.isnan(engine.upsample(random_field(0), LAT, LON, 4, sea=np.zeros((40, 72), bool))).all()
    assert np.isnan(engine.upsample(np.full((LAT.size, LON.size), np.nan), LAT, LON, 4)).all()


def test_one_value_alone_is_a_constant(engine):
    field = np.full((LAT.size, LON.size), np.nan)
    field[4, 4] = 7.0
    npt.assert_allclose(engine.upsample(field, LAT, LON, 4)[16:20, 16:20], 7.0)


def test_a_factor_of_one_is_the_identity(engine):
    npt.assert_allclose(engine.upsample(random_field(3), LAT, LON, 1), random_field(3), atol=1e-12)


def test_a_factor_of_two_is_the_mean_of_that_of_four(engine):
    """In open water, where cells are as large as their neighbours."""
    field, lat, lon = random_field(3, 0.0, (10, 12)), np.arange(-4.5, 5.0), np.arange(12.0)
    added = {f: engine.upsample(field, lat, lon, f) - Cubic().upsample(field, lat, lon, f, True) for f in (2, 4)}
    halves = added[4].reshape(20, 2, 24, 2).mean((1, 3))
    npt.assert_allclose(halves, added[2], atol=0.01 * np.std(added[2]))


def test_an_unlearned_network_adds_nothing(tmp_path):
    silent = AdafOceanSR(written(tmp_path / "silent.safetensors", torch.zeros_like))
    field = random_field(2)
    npt.assert_array_equal(silent.upsample(field, LAT, LON, 4), Cubic().upsample(field, LAT, LON, 4, True))


@pytest.mark.parametrize("factor", [5, 8])
def test_other_factors_are_refused_with_the_way_out(engine, factor):
    with pytest.raises(ValueError, match=f"refines 2, 3, 4 times, not {factor}: .* model='cubic'"):
        engine.upsample(random_field(0), LAT, LON, factor)


def test_a_transposed_field_is_refused(engine):
    with pytest.raises(ValueError, match="put latitude and longitude last"):
        engine.upsample(random_field(0).T, LAT, LON, 4)


def test_a_checkpoint_of_another_family_is_refused(tmp_path):
    path = written(tmp_path / "other.safetensors", torch.clone, family="adaf-ocean-cnp")
    with pytest.raises(CheckpointError, match="holds a 'adaf-ocean-cnp', not a network of the family 'adaf-ocean-sr'"):
        AdafOceanSR(path)
    with pytest.raises(CheckpointError, match="of family 'adaf-ocean-cnp' holds no network of 'adaf-ocean-sr'"):
        network_of(checkpoint.read(path))


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        ({"width": 8, "blocks": 1}, "0 missing, 0 surplus, 7 of another shape"),
        ({"width": 0, "blocks": 1}, "width=0: a whole number from 1 to"),
        ({"width": 6, "depth": 1}, "has no 'depth': it has width, blocks"),
    ],
)
def test_weights_that_do_not_fit_their_configuration_are_refused(tmp_path, configuration, message):
    path = written(tmp_path / "misfit.safetensors", torch.clone, configuration=configuration)
    with pytest.raises(CheckpointError, match=message):
        AdafOceanSR(path).upsample(random_field(0), LAT, LON, 4)


def test_a_device_that_is_not_there_is_named(engine):
    with pytest.raises(ValueError, match="device='cuda:7'"):
        engine.to("cuda:7").upsample(random_field(0), LAT, LON, 4)


def test_it_travels_without_its_weights(engine):
    assert len(pickle.dumps(engine)) < 1000
    copy = pickle.loads(pickle.dumps(engine))
    npt.assert_array_equal(copy.upsample(random_field(1), LAT, LON, 4), engine.upsample(random_field(1), LAT, LON, 4))


def test_it_is_lazy_and_the_same_in_any_chunks(weights):
    days = np.stack([random_field(seed, 0.0) for seed in range(3)])
    axes = {"time": np.arange(3), "latitude": LAT, "longitude": LON}
    field = xr.DataArray(days, axes, list(axes), name="thetao", attrs={"standard_name": "sea_water_temperature"})
    whole = adaf_xr.upsample(field.chunk(time=3), model=weights).compute(scheduler="synchronous")
    lazy = adaf_xr.upsample(field.chunk(time=1), model=weights)
    assert lazy.chunks is not None
    npt.assert_array_equal(lazy.compute(scheduler="threads"), whole)
    npt.assert_array_equal(whole, AdafOceanSR(weights).upsample(days, LAT, LON, 4))


@few
@given(seeds, st.integers(1, 4))
def test_what_is_left_without_means_has_none_and_no_value_on_land(seed, factor):
    random = torch.Generator().manual_seed(seed)
    fine = torch.randn(2, 1, 3 * factor, 2 * factor, generator=random, dtype=torch.float64)
    weight = torch.rand(fine.shape, generator=random, dtype=torch.float64)
    weight = torch.where(weight > 0.4, weight, 0.0)
    left = without_means(fine, weight, factor)
    assert block_means(left, weight, factor).abs().max() < 1e-12
    assert (left[weight == 0] == 0).all()
    npt.assert_allclose(without_means(left, weight, factor), left, atol=1e-12)


@pytest.mark.parametrize("before", [2, 3, 4])
@pytest.mark.parametrize("after", [1, 2, 3, 4])
def test_other_parts_of_a_cell_keep_its_mean(before, after):
    fine = np.random.default_rng(0).standard_normal((3 * before, 2 * before))
    means = resampled(fine, before, after).reshape(3, after, 2, after).mean((1, 3))
    npt.assert_allclose(means, fine.reshape(3, before, 2, before).mean((1, 3)), atol=1e-12)


@few
@given(seeds)
def test_the_pattern_has_about_the_same_strength_everywhere(seed):
    """A field fifty times livelier in one half than in the other."""
    field = random_field(seed, 0.2, (20, 60)) * np.where(np.arange(60) < 30, 50.0, 1.0)
    features = Features.of(field, periodic=False)
    present = np.isfinite(field)
    strength = [np.std(features.pattern[:, half][present[:, half]]) for half in (slice(0, 18), slice(42, 60))]
    assert 0.5 < strength[0] / strength[1] < 2.0
    assert np.abs(features.pattern).max() <= LARGEST


SHIPPED = Path(adaf_xr.__file__).parent / "weights" / f"{NAME}.safetensors"


def test_the_shipped_weights_are_small_and_say_where_they_come_from():
    held = checkpoint.read(SHIPPED)
    assert SHIPPED.stat().st_size < 1.5e6
    assert held.family == NAME
    assert {array.dtype for array in held.weights.values()} == {np.dtype("f2")}
    assert held.provenance["training"]["seed"] == 0
    assert held.provenance["validation"]["loss"] < 0.95
    assert any("NCEI" in label for label in held.provenance["fields"])
    assert not any("MUR" in label or "2016" in label for label in held.provenance["fields"])


@pytest.fixture(scope="module")
def rebuilt(realdata):
    """RMSE of a real field rebuilt from its means over 4 x 4 cells, in the longitudes that training does not see."""

    def rmse(pattern, name, engine):
        (file,) = realdata.glob(pattern)
        with xr.open_dataset(file) as ds:
            truth = ds[name].values[0].astype("f8")
            axes = (ds[axis].values.astype("f8") for axis in ds[name].dims[-2:])
            lat, lon = (np.linspace(axis[0], axis[-1], axis.size) for axis in axes)
        coarse, *axes, area = means_of(truth, lat, lon)
        sea = area > 0
        fine = engine.upsample(coarse, *axes, 4, isinstance(engine, AdafOceanSR), sea)
        here = sea & held_out(lon, Data())
        return np.sqrt(np.average((fine - truth)[here] ** 2, weights=area[here]))

    return rmse


@pytest.mark.parametrize(
    ("pattern", "name", "gain"),
    [("sst/20151101*-NCEI-L4_GHRSST-*.nc", "analysed_sst", 0.17), ("ssh/nrt_global_allsat_phy_l4_*.nc", "adt", 0.20)],
)
def test_the_shipped_weights_beat_plain_cubic_upsampling_of_real_fields_as_documented(rebuilt, pattern, name, gain):
    ours, plain = (rebuilt(pattern, name, engine) for engine in (AdafOceanSR(SHIPPED), Cubic()))
    assert ours < (1.0 - gain) * plain
