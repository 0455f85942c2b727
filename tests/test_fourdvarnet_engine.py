"""4DVarNet as an engine: sums of days, windows of days, tiles, and `assimilate` with it."""

import pickle

import dask
import dask.array as da
import numpy as np
import numpy.testing as npt
import pytest
import torch
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from test_fourdvarnet_published import lightning, paper_state

import adaf_xr
from adaf_xr import checkpoint
from adaf_xr.checkpoint import CheckpointError, Reference
from adaf_xr.inference import engines
from adaf_xr.inference.assimilation import PROTOCOL
from adaf_xr.inference.consecutive import Windows
from adaf_xr.inference.notices import NoObservationsWarning
from adaf_xr.models.base import Background, Targets
from adaf_xr.models.fourdvarnet import Window, light, network_for, small
from adaf_xr.models.fourdvarnet.engine import FourDVarNet
from adaf_xr.models.fourdvarnet.gridding import DAY, DailySums
from adaf_xr.models.fourdvarnet.tiles import Cuts
from adaf_xr.models.fourdvarnet.weights import checkpoint_of
from adaf_xr.models.weights import weights_of
from adaf_xr.normalisation import standard
from adaf_xr.points.arrays import Points

NORMALISATION = {"ssh": standard(0.2, 0.5), "currents": standard(0.0, 0.8), "sst": standard(18.0, 4.0)}
SIZES = {"days": 3, "width": 3}
SSH = small("unet-ssh", **SIZES)
SST = small("4dvarnet-ssh-sst", hidden=3, features=2, blocks=2, steps=2, **SIZES)
STACKED = small("unet-ssh-sst", **SIZES)
DIRECT = light(days=3, width=3, hidden=3, steps=2, descent=0.1)

FIRST = np.datetime64("2020-01-01", "ns")
SERIES = FIRST + np.arange(6) * DAY
LATITUDE, LONGITUDE = 30.05 + 0.1 * np.arange(24), -50.05 + 0.1 * np.arange(32)


def engine(configuration=SSH, seed=0, **options):
    """An engine of a network with random weights, larger than they are at first, so that observations tell."""
    network = network_for(configuration, seed=seed)
    for weight in network.parameters():
        weight.data *= 1.5
    return FourDVarNet(network, **{"normalisation": NORMALISATION, "spacing": 0.1, **options})


def ocean(day, latitude, longitude):
    """A height that moves."""
    phase = 2.0 * latitude + 1.5 * longitude + 0.4 * day
    return 0.2 + 0.4 * np.sin(phase)


def series(latitude=LATITUDE, longitude=LONGITUDE, land=True, days=SERIES.size):
    """An interpolated height of some days: half of the truth, with land in a corner."""
    number = np.arange(days)[:, None, None]
    zos = 0.5 * ocean(number, latitude[None, :, None], longitude[None, None, :])
    if land:
        zos[:, (latitude < 30.5)[:, None] & (np.mod(longitude, 360.0) < 310.5)[None, :]] = np.nan
    axes = {"time": SERIES[:days], "latitude": latitude, "longitude": longitude}
    return xr.Dataset({"zos": (tuple(axes), zos.astype("f4"), {"units": "m"})}, axes).chunk(time=1)


def seen(n=600, seed=0, days=SERIES.size, source="ssh", name="zos"):
    """Points of the truth, of all days."""
    rng = np.random.default_rng(seed)
    latitude, longitude = rng.uniform(30.1, 32.2, n), rng.uniform(-49.9, -47.0, n)
    time = FIRST - DAY // 2 + (rng.random(n) * days * 86400e9).astype("m8[ns]")
    value = ocean((time - FIRST) / DAY, latitude, longitude) + (18.0 if name == "thetao" else 0.0)
    coords = {"longitude": longitude, "latitude": latitude, "depth": np.zeros(n), "time": time}
    return xr.Dataset(
        {name: ("obs", value)},
        {key: ("obs", values) for key, values in coords.items()},
        {"featureType": "point", "source": source},
    )


def columns(points):
    """Points as engines take them."""
    held = {str(name): variable.values for name, variable in points.variables.items()}
    return Points.from_columns(held, points.attrs["source"])


def background(bg, time, around):
    """The background of an analysis with the days around it."""
    held = {t: {"zos": bg.zos.sel(time=t).values} for t in around}
    axes = (bg.latitude.values, bg.longitude.values, np.empty(0))
    return Background(*axes, {"zos": bg.zos.sel(time=time).values}, held)


OBS, BG = seen(), series()
HERE = Targets(LATITUDE, LONGITUDE)


def analysed(model, bg=BG, obs=OBS, day=2, targets=HERE):
    """An analysis of the third day without dask."""
    around = SERIES[day - 1 : day + 2]
    first = background(bg, SERIES[day], around)
    return model.analyse(model.encode(columns(obs), first, SERIES[day]), first, targets).mean


class TestSums:
    @settings(max_examples=20, deadline=None)
    @given(st.integers(0, 2**32 - 1), st.integers(1, 5))
    def test_parts_in_any_order_add_up_to_the_whole(self, seed, parts):
        rng = np.random.default_rng(seed)
        points = Points.concatenate([columns(OBS), columns(seen(200, 1, source="sst", name="thetao"))])
        where = rng.integers(0, parts, len(points))
        order = rng.permutation(len(points))
        axes = SERIES[1:4], LATITUDE, LONGITUDE
        whole = DailySums.of(points, *axes)
        pieces = [DailySums.of(points.take(order[where[order] == part]), *axes) for part in rng.permutation(parts)]
        added = sum(pieces, DailySums.of(Points.empty(), *axes))
        npt.assert_array_equal(added.key, whole.key)
        npt.assert_array_equal(added.count, whole.count)
        npt.assert_allclose(added.total, whole.total, rtol=1e-12)

    def test_a_cell_has_the_mean_of_its_points_of_the_day(self):
        points = columns(OBS)
        means = DailySums.of(points, SERIES[1:4], LATITUDE, LONGITUDE).means("ssh")
        day = np.floor((points.time - (SERIES[1] - DAY // 2)) / DAY)
        row = np.rint((points.latitude - LATITUDE[0]) / 0.1)
        column = np.rint((points.longitude - LONGITUDE[0]) / 0.1)
        expected = np.full(means.shape, np.nan)
        for d, j, i in {*zip(day.astype(int), row.astype(int), column.astype(int), strict=True)}:
            if 0 <= d < 3:
                expected[d, j, i] = points.value[(day == d) & (row == j) & (column == i)].mean()
        npt.assert_allclose(means, expected, rtol=1e-6)
        assert 0.02 < np.isfinite(means).mean() < 0.2

    def test_noon_to_noon_and_half_a_cell_around_the_grid(self):
        edges = np.array([LATITUDE[0] - 0.049, LATITUDE[0] - 0.051])
        time = np.array([SERIES[1] - DAY // 2] * 2) - np.array([0, 0], "m8[ns]")
        at = {"longitude": np.full(2, -48.0), "latitude": edges, "depth": np.zeros(2), "time": time}
        found = DailySums.of(Points.from_columns({**at, "zos": np.ones(2)}, "ssh"), SERIES[1:4], LATITUDE, LONGITUDE)
        assert found.count.tolist() == [1]
        before = Points.from_columns({**at, "time": time - np.timedelta64(1, "ns"), "zos": np.ones(2)}, "ssh")
        assert not DailySums.of(before, SERIES[1:4], LATITUDE, LONGITUDE).key.size

    def test_other_days_and_other_grids_do_not_add_up(self):
        one = DailySums.of(Points.empty(), SERIES[1:4], LATITUDE, LONGITUDE)
        for other in (
            DailySums.of(Points.empty(), SERIES[:3], LATITUDE, LONGITUDE),
            DailySums.of(Points.empty(), SERIES[1:4], LATITUDE[1:], LONGITUDE),
            DailySums.of(Points.empty(), SERIES[1:4], LATITUDE, LONGITUDE, SERIES[1]),
        ):
            with pytest.raises(ValueError, match="do not add up: encode both for the same days on the same grid"):
                one + other


class TestWindows:
    @given(st.integers(1, 9), st.data())
    def test_the_analysis_is_in_the_middle_or_as_near_as_the_series_lets_it(self, days, data):
        number = data.draw(st.integers(days, 20))
        dates = FIRST + np.arange(number) * DAY
        at = data.draw(st.integers(0, number - 1))
        window = Windows(dates[[at]], dates, days, "toy")[0]
        assert window.size == days and at in window and (np.diff(window) == 1).all()
        assert window[0] >= 0 and window[-1] < number
        # No other window of the series has the day nearer to its middle.
        off = [abs(at - (first + days // 2)) for first in range(number - days + 1)]
        assert abs(at - (window[0] + days // 2)) == min(off)

    def test_a_window_does_not_go_across_a_gap(self):
        dates = FIRST + np.array([0, 1, 2, 5, 6, 7, 8]) * DAY
        found = Windows(dates[[2, 3, 6]], dates, 3, "toy")
        assert [window.tolist() for window in found] == [[0, 1, 2], [3, 4, 5], [4, 5, 6]]
        assert found.centres.tolist() == (FIRST + np.array([1, 6, 7]) * DAY).tolist()

    def test_what_is_too_short_says_how_long_it_must_be(self):
        match = "'unet-ssh' sees 3 consecutive days, and the background has 2 in a row at 2020-01-01T00:00"
        with pytest.raises(ValueError, match=match):
            adaf_xr.assimilate(OBS, BG.isel(time=slice(2)), model=engine())
        every_other = BG.isel(time=[0, 2, 4])
        with pytest.raises(ValueError, match=r"has 1 in a row .* give it a longer series, of every day"):
            adaf_xr.assimilate(OBS, every_other, model=engine())

    def test_a_time_between_days_is_refused(self):
        with pytest.raises(ValueError, match=r"2020-01-02T06:00 is none of the background's, 2020-01-01T00:00 to"):
            adaf_xr.assimilate(OBS, BG, model=engine(), time="2020-01-02T06")


class TestTiles:
    @settings(deadline=None)
    @given(st.integers(1, 80), st.integers(1, 90), st.sampled_from([1, 4, 8]), st.booleans())
    def test_weights_add_up_to_one(self, size, tile, multiple, periodic):
        cuts = Cuts.of(size * multiple, tile, multiple, periodic)
        total = np.zeros(cuts.size)
        for number, start in enumerate(cuts.starts):
            assert start % multiple == 0 and cuts.tile % multiple == 0
            assert periodic or start + cuts.tile <= cuts.size
            assert (cuts.weights(number) > 0.0).all()
            np.add.at(total, cuts.cells(number), cuts.weights(number))
        npt.assert_allclose(total, 1.0, rtol=0, atol=1e-14)

    @given(st.integers(41, 400))
    def test_the_middle_of_a_tile_is_its_own_and_its_rim_is_not(self, size):
        cuts = Cuts.of(size * 4, 160, 4)
        for number in range(1, len(cuts.starts) - 1):
            weights = cuts.weights(number)
            assert weights[0] < 1e-5 > weights[-1]
        assert cuts.weights(0)[0] == 1.0 == cuts.weights(len(cuts.starts) - 1)[-1]

    def test_a_quarter_more_is_still_one_tile(self):
        assert Cuts.of(140, 120, 4).starts == (0,) and Cuts.of(140, 120, 4).tile == 140
        assert Cuts.of(152, 120, 4).starts == (0, 32)

    def test_one_tile_is_the_network_itself(self):
        model = engine(SST, clouds=True)
        obs = [columns(OBS), columns(seen(source="sst", name="thetao"))]
        bg = series(land=False)
        first = background(bg, SERIES[2], SERIES[1:4])
        encoded = model.encode(Points.concatenate(obs), first, SERIES[2])
        fields = {
            "ssh": encoded.means("ssh"),
            "oi": bg.zos.values[1:4],
            "sst": encoded.means("sst"),
        }
        quantity = {"ssh": "ssh", "oi": "ssh", "sst": "sst"}
        tensors = {
            name: torch.from_numpy(((x - NORMALISATION[q].offset) / NORMALISATION[q].scale).astype("f4"))[None]
            for name, q in quantity.items()
            for x in [fields[name]]
        }
        answer = model.weights.network(Window(**tensors))[-1]
        found = model.analyse(encoded, first, HERE).mean
        for name, part in (("zos", answer.ssh), ("uo", answer.u), ("vo", answer.v)):
            affine = NORMALISATION["ssh" if name == "zos" else "currents"]
            npt.assert_allclose(found[name], affine.backward(part[0, 1].double().numpy()), rtol=1e-5, atol=1e-6)

    def test_far_from_their_edges_the_cut_of_tiles_does_not_matter(self):
        # Direct inversion sees no farther than 3 + 1 + 1 + 1 cells, and on means of 4 as many of these.
        latitude, longitude = 30.05 + 0.1 * np.arange(192), LONGITUDE[:12]
        bg = series(latitude, longitude, land=False)
        obs = seen(4000).assign_coords(latitude=("obs", np.random.default_rng(5).uniform(30.1, 49.0, 4000)))
        targets = Targets(latitude, longitude)
        whole, cut = (analysed(engine(tile=tile), bg, obs, targets=targets) for tile in (192, 144))
        for name in whole:
            npt.assert_allclose(cut[name][:26], whole[name][:26], rtol=1e-5, atol=1e-6)
            npt.assert_allclose(cut[name][-26:], whole[name][-26:], rtol=1e-5, atol=1e-6)
            # In between answers of two tiles meet, each with an edge that is not there.
            assert 1e-4 < np.abs(cut[name] - whole[name]).max() < 0.5 * whole[name].std()

    def test_what_is_wanted_does_not_change_what_is_found(self):
        model = engine(tile=16)
        whole = analysed(model)
        part = analysed(model, targets=Targets(LATITUDE[3:5], LONGITUDE[20:28]))
        for name in whole:
            npt.assert_array_equal(part[name], whole[name][3:5, 20:28])


class TestEngine:
    def test_the_spec_says_what_it_reads_and_gives(self, tmp_path):
        spec = engine(SST).spec
        assert (spec.name, spec.variables, spec.adds) == ("4dvarnet-ssh-sst", ("zos",), ("uo", "vo"))
        assert (spec.days, spec.sources, spec.predictors) == (3, ("ssh", "sst"), ("thetao",))
        assert spec.needs == ("zos",) and not spec.gives_std and spec.grid == 0.1
        assert [span / DAY for span in spec.window] == [1.5, 1.5]
        assert spec.provenance == "4DVarNet, from memory, windows of 3 days, tiles of 120 cells"
        assert engine(spacing=0.10000000000000005).spec.grid == 0.1
        assert engine(SSH).spec.name == "unet-ssh" and engine(SSH).spec.sources == ("ssh",)
        plain = engine(DIRECT).spec
        assert (plain.name, plain.days, plain.adds) == ("4dvarnet-ssh", 1, ())

    def test_a_checkpoint_is_an_engine_and_stays_out_of_graphs(self, tmp_path):
        network = network_for(SSH, seed=0)
        path = tmp_path / "a.safetensors"
        provenance = {"data": {"experiment": {"name": "toy-v1"}}, "spacing": 0.1}
        checkpoint.write(checkpoint_of(SSH, weights_of(network), NORMALISATION, provenance), path)
        filed = engines.resolve(str(path), engines.ASSIMILATION, PROTOCOL, None)
        assert filed.spec.checkpoint == Reference.of(path).sha256
        assert filed.spec.provenance.endswith("trained on toy-v1")
        lazy = adaf_xr.assimilate(OBS.chunk(obs=200), BG, model=filed)
        held = adaf_xr.assimilate(OBS, BG, model=FourDVarNet(network, normalisation=NORMALISATION))
        xr.testing.assert_allclose(lazy.isel(time=2).compute(), held.isel(time=2).compute(), rtol=1e-5)
        assert len(pickle.dumps(filed)) < 4_000
        with dask.config.set(scheduler="processes", num_workers=1):
            xr.testing.assert_allclose(lazy.isel(time=2).compute(), held.isel(time=2).compute(), rtol=1e-5)

    def test_without_a_normalisation_there_is_no_unit(self, tmp_path):
        with pytest.raises(CheckpointError, match="no normalisation of ssh and currents"):
            FourDVarNet(network_for(SSH, seed=0))
        assert FourDVarNet(network_for(DIRECT, seed=0), normalisation={"ssh": standard(0.0, 1.0)}).spec.adds == ()

    def test_units_come_and_go(self):
        twice = {name: standard(2.0 * a.offset, 2.0 * a.scale) for name, a in NORMALISATION.items()}
        found = analysed(engine())
        large = analysed(engine(normalisation=twice), 2.0 * BG, OBS.assign(zos=2.0 * OBS.zos))
        for name in found:
            npt.assert_allclose(large[name], 2.0 * found[name], rtol=1e-5, atol=1e-5)

    @pytest.mark.parametrize("configuration", [SSH, STACKED, SST, DIRECT], ids=["unet", "stacked", "sst", "light"])
    def test_every_kind_analyses_the_sea_and_nothing_else(self, configuration):
        obs = [OBS, seen(source="sst", name="thetao")]
        an = adaf_xr.assimilate(obs, BG, model=engine(configuration)).compute()
        assert set(an.data_vars) == ({"zos"} if configuration is DIRECT else {"zos", "uo", "vo"})
        for field in an.data_vars.values():
            npt.assert_array_equal(np.isfinite(field.values), np.isfinite(BG.zos.values))
        assert an.sizes == BG.sizes and float((an.zos - BG.zos).std()) > 0.01

    def test_training_mode_and_later_changes_of_a_network_do_not_matter(self):
        network = network_for(SST.but(sst="none", features=0), seed=0).train()
        model = FourDVarNet(network, normalisation=NORMALISATION)
        first = analysed(model)
        for weight in network.parameters():
            weight.data.zero_()
        again = analysed(model)
        npt.assert_array_equal(first["zos"], again["zos"])
        assert network.training

    def test_a_grid_of_another_spacing_is_refused_with_the_way_out(self):
        coarse = series(30.05 + 0.25 * np.arange(24), -50.05 + 0.25 * np.arange(32))
        lazy = adaf_xr.assimilate(OBS, coarse, model=engine())
        with pytest.raises(
            ValueError, match=r"trained on cells of 0.1 degrees, .* 0.25 degrees of latitude and .*interp"
        ):
            lazy.isel(time=2).compute()
        near = series(30.05 + 0.0833 * np.arange(24), -50.05 + 0.0833 * np.arange(32))
        assert np.isfinite(adaf_xr.assimilate(OBS, near, model=engine()).zos.isel(time=2).compute()).any()

    def test_a_single_analysis_needs_its_days(self):
        alone = background(BG, SERIES[2], [])
        with pytest.raises(ValueError, match=r"sees 3 days and was given 0 backgrounds: set Background.around"):
            engine().encode(columns(OBS), alone, SERIES[2])

    def test_inference_mode_of_torch_is_refused(self):
        with torch.inference_mode(), pytest.raises(RuntimeError, match=r"torch.inference_mode"):
            analysed(engine(SST.but(sst="none", features=0)))


class TestAnalyses:
    def test_nothing_is_computed_before_it_is_asked_for(self):
        read = []
        values = BG.zos.data.map_blocks(lambda block: (read.append(1), block)[1], dtype="f4", meta=np.empty((0, 0, 0)))
        lazy = adaf_xr.assimilate(OBS.chunk(obs=100), BG.assign(zos=BG.zos.copy(data=values)), model=engine())
        assert not read
        lazy.zos.isel(time=2).compute()
        assert len(read) == 3  # the days of its window, and no other

    def test_a_year_adds_little_to_the_graph(self):
        days = FIRST + np.arange(365) * DAY
        zos = da.zeros((365, 24, 32), chunks=(1, 24, 32), dtype="f4")
        year = BG.isel(time=0, drop=True).drop_vars("zos").assign_coords(time=days)
        year["zos"] = ("time", "latitude", "longitude"), zos, {"units": "m"}
        lazy = adaf_xr.assimilate(seen(3650, days=365).chunk(obs=100), year, model=engine())
        layers = {name: layer for name, layer in lazy.__dask_graph__().layers.items() if name.startswith("adaf-")}
        assert len(layers) > 5 and sum(len(pickle.dumps(layer)) for layer in layers.values()) < 500_000

    def test_order_and_chunks_of_points_do_not_matter(self):
        model, order = engine(SST), np.random.default_rng(0).permutation(OBS.sizes["obs"])
        sst = seen(source="sst", name="thetao")
        whole = adaf_xr.assimilate([OBS, sst], BG, model=model).compute()
        shuffled = adaf_xr.assimilate(
            [OBS.isel(obs=order).chunk(obs=37), sst.chunk(obs=100)], BG, model=model
        ).compute()
        for name in whole:
            npt.assert_allclose(shuffled[name], whole[name], rtol=1e-4, atol=1e-5)

    @pytest.mark.parametrize("turned", ["longitude", "latitude"])
    def test_conventions_do_not_matter(self, turned):
        east, south = BG.assign_coords(longitude=BG.longitude + 360.0), BG.isel(latitude=slice(None, None, -1))
        other = east if turned == "longitude" else south
        found, expected = (adaf_xr.assimilate(OBS, bg, model=engine(tile=16)).compute() for bg in (other, BG))
        found = found.assign_coords(longitude=expected.longitude).sortby("latitude")
        xr.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)

    def test_some_times_are_those_of_the_whole_series(self):
        whole = adaf_xr.assimilate(OBS, BG, model=engine()).compute()
        for time in ("2020-01-01", "2020-01-04", slice("2020-01-05", None)):
            part = adaf_xr.assimilate(OBS, BG, model=engine(), time=time)
            xr.testing.assert_equal(part.compute(), whole.sel(time=part.time))

    def test_at_the_ends_the_nearest_window_inside_is_taken(self):
        model = engine()
        an = adaf_xr.assimilate(OBS, BG, model=model, time=SERIES[0]).compute()
        first = background(BG, SERIES[0], SERIES[:3])
        alone = model.analyse(model.encode(columns(OBS), first, SERIES[0]), first, HERE).mean
        npt.assert_allclose(an.zos[0], alone["zos"], rtol=1e-6)

    def test_observations_of_other_days_do_not_matter(self):
        near = OBS.isel(obs=np.abs((OBS.time - SERIES[2]).values) <= np.timedelta64(30, "h"))
        found, expected = (adaf_xr.assimilate(obs, BG, model=engine(), time=SERIES[2]).compute() for obs in (near, OBS))
        outside = OBS.where(abs(OBS.time - SERIES[2]) > np.timedelta64(36, "h"), drop=True)
        assert outside.sizes["obs"] and not np.allclose(found.zos, expected.zos, equal_nan=True)
        moved = OBS.assign(zos=OBS.zos + 3.0 * (abs(OBS.time - SERIES[2]) > np.timedelta64(36, "h")))
        xr.testing.assert_equal(adaf_xr.assimilate(moved, BG, model=engine(), time=SERIES[2]).compute(), expected)

    def test_without_observations_it_is_the_background_and_says_so(self):
        nothing = OBS.isel(obs=slice(0, 0))
        with pytest.warns(NoObservationsWarning, match="rests on the background alone"):
            an = adaf_xr.assimilate(nothing, BG, model=engine(), time=SERIES[2]).compute()
        npt.assert_allclose(an.zos[0], BG.zos[2], atol=1e-7)
        assert an.uo.isnull().all()
        known = BG.assign(uo=BG.zos.assign_attrs(units="m s-1"))
        with pytest.warns(NoObservationsWarning):
            an = adaf_xr.assimilate(nothing, known, model=engine(), time=SERIES[2]).compute()
        npt.assert_allclose(an.uo[0], known.uo[2], atol=1e-7)

    def test_days_without_observations_are_fine(self):
        rest = OBS.isel(obs=np.abs((OBS.time - SERIES[2]).values) > np.timedelta64(12, "h"))
        an = adaf_xr.assimilate(rest, BG, model=engine(), time=SERIES[2]).compute()
        npt.assert_array_equal(np.isfinite(an.uo[0]), np.isfinite(BG.zos[2]))

    def test_a_day_without_background_is_named(self):
        gap = BG.assign(zos=BG.zos.where(BG.time != SERIES[3]))
        with pytest.raises(ValueError, match=r"no sea surface height at all on 2020-01-04, .* analysis of 2020-01-03"):
            adaf_xr.assimilate(OBS, gap, model=engine(), time=SERIES[2]).compute()

    def test_other_targets_are_reached_by_interpolation(self):
        at = xr.Dataset(coords={"latitude": ("p", [31.23, 31.3]), "longitude": ("p", [-48.57, -48.0])})
        whole = adaf_xr.assimilate(OBS, BG, model=engine(), time=SERIES[2])
        points = adaf_xr.assimilate(OBS, BG, model=engine(), time=SERIES[2], grid=at).compute()
        expected = whole.compute().interp(latitude=at.latitude, longitude=at.longitude)
        npt.assert_allclose(points.zos, expected.zos, rtol=1e-5)


class TestTemperature:
    def test_observations_that_have_none_are_refused_before_anything_is_computed(self):
        for obs in (OBS, [OBS, seen(source="insitu", name="thetao")]):
            with pytest.raises(
                ValueError, match=r"'4dvarnet-ssh-sst' sees thetao, which neither .* \(ssh, sst are used\)"
            ):
                adaf_xr.assimilate(obs, BG, model=engine(SST))

    def test_where_there_is_none_it_is_asked_for(self):
        elsewhere = seen(source="sst", name="thetao").assign_coords(time=("obs", np.full(600, SERIES[-1] + 9 * DAY)))
        with pytest.raises(
            ValueError, match=r"no sea surface temperature from 2020-01-02 to 2020-01-04, .*'4dvarnet-ssh'"
        ):
            adaf_xr.assimilate([OBS, elsewhere], BG, model=engine(SST), time=SERIES[2]).compute()

    def test_temperature_alone_leaves_the_height_as_it_was(self):
        nothing, sst = OBS.isel(obs=slice(0, 0)), seen(source="sst", name="thetao")
        an = adaf_xr.assimilate([nothing, sst], BG, model=engine(SST), time=SERIES[2]).compute()
        npt.assert_allclose(an.zos[0], BG.zos[2], atol=1e-7)
        assert an.vo.isnull().all()

    def test_an_analysis_of_it_may_be_in_the_background(self):
        sst = (18.0 + BG.zos).assign_attrs(units="degC")
        model = engine(STACKED)
        an = adaf_xr.assimilate(OBS, BG.assign(thetao=sst), model=model, time=SERIES[2]).compute()
        other = adaf_xr.assimilate(OBS, BG.assign(thetao=sst + 3.0), model=model, time=SERIES[2]).compute()
        assert float(np.abs(an.zos - other.zos).max()) > 1e-3
        npt.assert_array_equal(an.thetao[0], sst[2])

    def test_observations_of_it_go_before_the_background(self):
        sst, seen_sst = (18.0 + BG.zos).assign_attrs(units="degC"), seen(source="sst", name="thetao")
        for model in (engine(STACKED), engine(SST)):
            found = [
                adaf_xr.assimilate([OBS, seen_sst], bg, model=model, time=SERIES[2]).zos.compute()
                for bg in (BG, BG.assign(thetao=sst), BG.assign(thetao=sst + 3.0))
            ]
            xr.testing.assert_equal(found[0], found[1])
            xr.testing.assert_equal(found[0], found[2])

    def test_gaps_are_filled_for_networks_that_know_none(self):
        # A temperature that changes evenly is known between two days that saw it, and beside land is what is there.
        rise = 18.0 + 0.5 * xr.DataArray(np.arange(SERIES.size), {"time": SERIES}, ["time"])
        sst = (rise + 0.0 * BG.zos.fillna(0.0)).assign_attrs(units="degC")
        hidden = np.random.default_rng(0).random((24, 32)) < 0.4
        holes = sst.where((sst.time != SERIES[2]) | ~xr.DataArray(hidden, dims=("latitude", "longitude")))
        for configuration in (STACKED, SST):
            found = {
                clouds: [
                    adaf_xr.assimilate(
                        OBS, BG.assign(thetao=field), model=engine(configuration, clouds=clouds), time=SERIES[2]
                    ).zos.compute()
                    for field in (sst, holes)
                ]
                for clouds in (False, True)
            }
            npt.assert_allclose(*found[False], rtol=1e-4, atol=1e-5)
            assert float(abs(found[True][0] - found[True][1]).max()) > 1e-3

    def test_a_checkpoint_says_whether_it_knows_clouds(self, tmp_path):
        for clouds in (False, True):
            provenance = {"training": {"data": {"clouds": clouds}}}
            held = checkpoint_of(STACKED, weights_of(network_for(STACKED, seed=0)), NORMALISATION, provenance)
            checkpoint.write(held, tmp_path / f"{clouds}.safetensors")
            assert FourDVarNet(tmp_path / f"{clouds}.safetensors").clouds == clouds

    def test_without_a_normalisation_its_own_spread_is_the_unit(self):
        plain = {name: NORMALISATION[name] for name in ("ssh", "currents")}
        model = FourDVarNet(engine(STACKED).weights.network, normalisation=plain)
        sst = (18.0 + BG.zos).assign_attrs(units="degC")
        found = [
            adaf_xr.assimilate(OBS, BG.assign(thetao=field.assign_attrs(units="degC")), model=model, time=SERIES[2])
            for field in (sst, 3.0 * sst - 30.0)
        ]
        npt.assert_allclose(found[0].zos.compute(), found[1].zos.compute(), rtol=1e-4, atol=1e-5)


class TestPublished:
    @pytest.mark.parametrize("experiment", engines.FOURDVARNET)
    def test_a_file_of_the_paper_is_an_engine(self, experiment, tmp_path, monkeypatch):
        monkeypatch.setenv("ADAF_XR_CACHE", str(tmp_path / "cache"))
        state = paper_state(experiment, days=3, width=3, hidden=4, features=2)
        path = lightning(tmp_path / "published.ckpt", state)
        model = FourDVarNet(engines.published_file(path, experiment=experiment))
        assert (model.spec.name, model.spec.grid, model.spec.days) == (experiment, 0.05, 3)
        assert model.normalisation["ssh"] == standard(0.314463, 0.38866)
        assert model.normalisation["currents"] == standard(0.0, 0.50973)
        fine = series(30.025 + 0.05 * np.arange(24), -50.025 + 0.05 * np.arange(32))
        obs = [OBS, seen(source="sst", name="thetao")]
        an = adaf_xr.assimilate(obs, fine, model=model, time=SERIES[2]).compute()
        for name in ("zos", "uo", "vo"):
            npt.assert_array_equal(np.isfinite(an[name][0]), np.isfinite(fine.zos[2]))


class TestGlobe:
    def test_turning_the_globe_by_the_distance_of_its_tiles_turns_the_analysis(self):
        cuts = Cuts.of(72, 48, 2, periodic=True)
        assert cuts.starts == (0, 24, 48)
        latitude, longitude = np.arange(-22.5, 23.0, 5.0), np.arange(2.5, 360.0, 5.0)
        wave = np.sin(np.radians(2 * longitude))[None, None, :] + np.sin(np.radians(latitude))[None, :, None]
        axes = {"time": SERIES, "latitude": latitude, "longitude": longitude}
        zos = 0.3 * wave * (1 + 0.1 * np.arange(SERIES.size)[:, None, None])
        bg = xr.Dataset({"zos": (tuple(axes), zos.astype("f4"), {"units": "m"})}, axes)
        rng = np.random.default_rng(0)
        east, north = rng.uniform(-180.0, 180.0, 600), rng.uniform(-24.0, 24.0, 600)
        obs = OBS.assign_coords(longitude=("obs", east), latitude=("obs", north))
        moved = OBS.assign_coords(longitude=("obs", (east + 120.0 + 180.0) % 360.0 - 180.0), latitude=("obs", north))
        turned = bg.roll(longitude=24).assign_coords(longitude=longitude)
        model = engine(SSH.but(prior_pooling=2), spacing=5.0, tile=48)
        here = Targets(latitude, longitude)
        found, expected = (analysed(model, b, o, targets=here) for o, b in ((moved, turned), (obs, bg)))
        for name in expected:
            npt.assert_allclose(np.roll(found[name], -24, axis=1), expected[name], rtol=1e-5, atol=1e-5)
            assert expected[name].std() > 1e-3
