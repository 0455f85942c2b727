"""The published network as an engine: against a plain loop over windows, and the theorems of every engine."""

import pickle
from dataclasses import replace
from functools import cache
from itertools import pairwise

import dask.array as da
import numpy as np
import numpy.testing as npt
import pytest
import torch
import xarray as xr
from dask.base import tokenize
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_network import SMALL, WHAT, WHEN, background, cells_of, made, observed

import adaf_xr
from adaf_xr import checkpoint, grids
from adaf_xr.cell_means import Lattice
from adaf_xr.cf.canonical import CODES, SOURCES, VARIABLES
from adaf_xr.checkpoint import Checkpoint, CheckpointError, Reference
from adaf_xr.inference import targets as inference_targets
from adaf_xr.inference.notices import NoObservationsWarning
from adaf_xr.models.base import Background, Targets
from adaf_xr.models.cnp import THINNED, AdafOceanCNP, ConditionalNeuralProcess, released, thinned
from adaf_xr.models.cnp.day import Day
from adaf_xr.models.cnp.lattices import lattice_of, lattice_of_phase
from adaf_xr.models.cnp.patches import inputs, targets
from adaf_xr.models.cnp.tiles import residuals
from adaf_xr.models.cnp.weights import checkpoint_of
from adaf_xr.models.cnp.windows import Tiling
from adaf_xr.models.weights import weights_of
from adaf_xr.points.arrays import Points

CELLS = SMALL.but(phase="cell")
PHASES = pytest.mark.parametrize("phase", ["node", "cell"])
property_test = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@cache
def small(phase="cell", seed=0):
    """A network whose answers differ visibly from window to window."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = ConditionalNeuralProcess(SMALL.but(phase=phase)).eval().requires_grad_(False)
    for parameter in network.parameters():
        parameter.mul_(2.0)
    return network


def without_longitude():
    """A network that does not look at the sine and cosine of longitude."""
    network = ConditionalNeuralProcess(CELLS).requires_grad_(False)
    network.load_state_dict(small().state_dict())
    state, tokens = network.state_dict(), CELLS.token_width
    for source in CELLS.sources:
        state[f"encoder.{source.key}_encoders.0.weight"][:, 2:4] = 0.0
        state[f"encoder.{source.key}_encoders.1.weight"][:, CELLS.encoder_width + 2 : CELLS.encoder_width + 4] = 0.0
    for layer in (0, 2):
        state[f"decoder.layers.{layer}.weight"][:, tokens + 2 : tokens + 4] = 0.0
    return network


def engine(phase="cell", **options):
    return AdafOceanCNP(small(phase), **options)


def analysed(points, first, where=None, model=None):
    """Means of an engine; the targets are the cells of the background."""
    model = model or engine()
    where = where or cells_of(first)
    return model.analyse(model.encode(points, first, WHEN), first, where).mean


def close(found, expected, part=1e-5):
    """Equal to single precision in units of the ranges."""
    for name, (low, high) in zip(SMALL.variables, SMALL.ranges, strict=True):
        npt.assert_allclose(found[name], expected[name], rtol=0, atol=part * (high - low), err_msg=name)


class ByHand:
    """The engine written out: dictionaries for lattices, loops over windows, sources, cells and targets."""

    def __init__(self, network, points, first, phase):
        self.network, self.known, self.first, self.node = network, network.configuration, first, phase == "node"
        self.values = {source.key: self.gridded(source, points) for source in self.known.observed if source.gridded}
        self.rows = self.insitu(points)

    def cell(self, source, latitude, longitude):
        s, half = source.spacing, 0.5 if self.node and source.spacing == 10.0 else 0.0
        return int(np.floor((latitude + 90) / s + half)), int(np.floor(longitude / s + half)) % round(360 / s)

    def gridded(self, source, points):
        found = {}
        for n in range(len(points)):
            if SOURCES[points.source[n]] != source.kind:
                continue
            name = list(CODES)[points.variable[n]]
            if source.kind == "sst":
                day = points.time[n].astype("M8[D]")
                hour = (points.time[n] - day) / np.timedelta64(1, "h") + points.longitude[n] / 15
                name += ":day" if 6 <= hour % 24 < 18 else ":night"
            cell = self.cell(source, points.latitude[n], points.longitude[n])
            found.setdefault(cell, {}).setdefault(name, []).append(points.value[n])
        return {cell: {name: np.mean(v) for name, v in names.items()} for cell, names in found.items()}

    def insitu(self, points):
        found = {}
        for n in range(len(points)):
            if SOURCES[points.source[n]] == "insitu":
                place = points.time[n], points.longitude[n], points.latitude[n], points.depth[n]
                found.setdefault(place, {})[list(CODES)[points.variable[n]]] = points.value[n]
        return [(*place, v["thetao"], v["so"]) for place, v in sorted(found.items()) if len(v) == 2]

    def features(self, latitude, longitude, depth=0.0):
        phi, lam = np.radians(latitude), np.radians(longitude)
        return [np.sin(phi), np.cos(phi), np.sin(lam), np.cos(lam), 2 * depth / 20 - 1]

    def channel(self, source, name, row, column):
        n_lat = round(180 / source.spacing)
        column %= 2 * n_lat
        if not 0 <= row < n_lat:
            return np.nan
        if source.kind == "background":
            return self.first.fields[name][row, column]
        cell = self.values[source.key].get((row, column), {})
        if not name.startswith("wind"):
            return cell.get(name, np.nan)
        u, v = cell.get("uas", np.nan), cell.get("vas", np.nan)
        return np.hypot(u, v) if name == "wind_speed" else np.degrees(np.arctan2(u, v)) % 360

    def patch(self, source, latitude, longitude):
        table = []
        row, column = self.cell(source, latitude, longitude)
        offset = 0.0 if self.node and source.spacing == 10.0 else 0.5
        for i in range(row - source.shape[0] // 2, row - source.shape[0] // 2 + source.shape[0]):
            for j in range(column - source.shape[1] // 2, column - source.shape[1] // 2 + source.shape[1]):
                point = self.features(-90 + (i + offset) * source.spacing, (j + offset) * source.spacing)
                for name, (low, high) in zip(source.channels, source.ranges, strict=True):
                    x = 2 * (self.channel(source, name, i, j) - low) / (high - low) - 1
                    point.append(0.0 if np.isnan(x) else x)
                table.append(point)
        return table

    def nearby(self, source, latitude, longitude):
        rows = []
        for _, lam, phi, depth, temperature, salinity in self.rows:
            if abs(phi - latitude) <= 20 and abs((lam - longitude + 180) % 360 - 180) <= 40 and depth <= 10:
                rows.append((phi, lam, depth, temperature, salinity))
        rows = (rows + [(0, 0, 0, 0, 0)] * source.points)[: source.points]
        return [[*self.features(*row[:3]), 2 * (row[3] + 3) / 39 - 1, 2 * row[4] / 40 - 1] for row in rows]

    def analysis(self, k, steps):
        r, n_lat, n_lon = 10 / k, 18 * k, 36 * k
        at = 0.0 if self.node else 0.5
        latitude, longitude = -90 + (np.arange(n_lat) + at) * r, (np.arange(2 * n_lon) + at) * r
        total, count = np.zeros((5, n_lat, n_lon)), np.zeros((n_lat, n_lon))
        order = [(a * k + c, b * k + d) for a in range(4) for b in range(8) for c in range(k) for d in range(k)]
        starts = list(range(0, n_lat - 4 * k + 1, steps[0]))
        for i in starts + ([n_lat - 4 * k] if starts[-1] < n_lat - 4 * k else []):
            for j in range(0, n_lon, steps[1]):
                centre = latitude[i + 2 * k], longitude[j + 4 * k]
                if not self.node:  # of the coarse cell that begins there
                    centre = tuple(axis + (k - 1) * r / 2 for axis in centre)
                tables = {
                    source.key: torch.tensor([(self.patch if source.gridded else self.nearby)(source, *centre)])
                    for source in self.known.sources
                }
                where = torch.tensor([[self.features(latitude[i + a], longitude[j + b]) for a, b in order]])
                said = self.network({key: table.float() for key, table in tables.items()}, where.float())[0].numpy()
                for (a, b), values in zip(order, said, strict=True):
                    total[:, i + a, (j + b) % n_lon] += values
                    count[i + a, (j + b) % n_lon] += 1
        first = np.stack([self.first.fields[name] for name in self.known.variables])
        guess = grids.regrid(first, self.first.latitude, self.first.longitude, latitude, longitude[:n_lon])
        scale = np.array([(high - low) / 2 for low, high in self.known.ranges])[:, None, None]
        mean = guess + scale * total / count
        return Targets(latitude, longitude[:n_lon]), dict(zip(self.known.variables, mean, strict=True))


class TestAgainstALoop:
    @PHASES
    @pytest.mark.parametrize(("k", "steps"), [(1, (2, 2)), (1, (3, 5)), (2, (7, 16))])
    def test_the_globe_is_that_of_a_loop_over_windows(self, phase, k, steps):
        points, first = observed(60), background(phase=phase)
        where, expected = ByHand(small(phase), points, first, phase).analysis(k, steps)
        model = engine(phase, lat_step=steps[0], lon_step=steps[1])
        found = analysed(points, first, where, model)
        close(found, expected)
        guess = grids.regrid(first.fields["zos"], first.latitude, first.longitude, where.latitude, where.longitude)
        assert np.std(found["zos"] - guess) > 0.01

    def test_windows_that_do_not_overlap_are_direct_calls_of_the_network(self):
        first, points = background(), observed()
        model = engine(lat_step=4, lon_step=8)
        day = model.encode(points, first, WHEN).day(CELLS, first)
        found = analysed(points, first, model=model)
        lattice = Lattice(10.0, -85.0, 5.0)
        for row, column in ((0, 8), (8, 16)):
            centre = lattice.latitude([row + 2]), lattice.longitude([column + 4])
            where = targets(lattice, np.array([row]), np.array([column]), 0.0, CELLS)
            said = small()(inputs(day, *centre, 0.0, CELLS), where)[0].numpy().T.reshape(5, 4, 8)
            for name, (low, high), residual in zip(CELLS.variables, CELLS.ranges, said, strict=True):
                box = np.s_[row : row + 4, column : column + 8]
                expected = first.fields[name][box] + residual * (high - low) / 2
                npt.assert_allclose(found[name][box], expected, atol=1e-5 * (high - low))

    def test_shared_points_give_what_each_window_gives_alone(self):
        """The released network, where tiles share most: beyond the South Pole and across the prime meridian."""
        network = released(seed=0).eval().requires_grad_(False)
        known, rng = network.configuration, np.random.default_rng(0)
        day_of = {}
        for source in known.sources:
            if source.gridded:
                low, high = np.array(source.ranges).T[:, :, None, None]
                noise = rng.random((1, *lattice_of(source, known).shape), "f4")
                day_of[source.key] = np.where(noise < 0.4, np.float32(np.nan), low + (high - low) * noise).astype("f4")
        day = Day(day_of, np.float32([[-86.0, 4.0, 2.0, 1.0, 34.0], [-80.0, -3.0, 2.0, 2.0, 33.0]]))
        tiling = Tiling.of(Lattice(1.0, -90.0, 0.0), known)
        rows, columns = np.array([0, 0, 5, 5]), np.array([350, 355, 350, 355])
        found = list(residuals(network, day, tiling, (rows, columns), 0.0, 300))
        assert [part[:2] for part in found] == [(0, 350), (0, 355), (5, 350), (5, 355)]
        where = targets(tiling.lattice, rows, columns, 0.0, known)
        alone = network(inputs(day, *tiling.centres(rows, columns), 0.0, known), where)
        together = np.stack([part[2] for part in found]).reshape(4, 5, 200).transpose(0, 2, 1)
        npt.assert_allclose(together, alone, atol=1e-5)
        assert float(alone.std(dim=0).max()) > 1e-4


class TestTheorems:
    @property_test
    @given(st.randoms(use_true_random=False), st.lists(st.integers(0, 1000), max_size=3))
    def test_neither_order_nor_chunks_of_observations_matter(self, random, cuts):
        points, first, model = observed(), background(), engine()
        shuffled = points.take(np.array(random.sample(range(len(points)), len(points))))
        parts = [
            model.encode(shuffled.take(slice(*pair)), first, WHEN) for pair in pairwise([0, *sorted(cuts), len(points)])
        ]
        whole = parts[0]
        for part in parts[1:]:
            whole = whole + part
        close(model.analyse(whole, first, cells_of(first)).mean, analysed(points, first, model=model))

    @property_test
    @given(st.integers(0, 17), st.integers(1, 6), st.integers(0, 35), st.integers(1, 12), st.sampled_from([1, 2]))
    def test_a_box_of_targets_is_the_piece_of_the_globe(self, row, high, column, wide, k):
        points, first = observed(40), background()
        latitude, longitude = grids.nest(first.latitude, k), grids.nest(first.longitude, k)
        whole = analysed(points, first, Targets(latitude, longitude))
        rows = np.arange(row * k, min((row + high) * k, latitude.size))
        columns = (column * k + np.arange(max(2, wide * k))) % longitude.size
        box = Targets(latitude[rows], longitude[columns])
        close(analysed(points, first, box), {name: field[np.ix_(rows, columns)] for name, field in whole.items()})

    @PHASES
    @pytest.mark.parametrize("west", [100.0, -260.0])
    def test_a_regional_background_that_holds_the_windows_gives_the_piece_of_the_globe(self, phase, west):
        points, first, model = observed(), background(phase=phase), engine(phase)
        rows, columns = np.arange(4, 14), 10 + np.arange(17)
        fields = {name: values[np.ix_(rows, columns)] for name, values in first.fields.items()}
        # Eastward from 100 to 270, or the same a turn to the west: across the antimeridian either way.
        longitude = first.longitude[columns] - 100.0 + west
        region = Background(first.latitude[rows], longitude, first.depth, fields)
        where = Targets(first.latitude[[8, 9]], np.array([-175.0, -165.0]) - (5.0 if phase == "node" else 0.0))
        found, whole = (analysed(points, guess, where, model) for guess in (region, first))
        close(found, whole)

    @PHASES
    def test_conventions_of_axes_change_nothing(self, phase):
        points, first, model = observed(), background(phase=phase), engine(phase)
        turned = background(phase=phase, west=-180.0)
        fields = {name: np.roll(values, 18, axis=1)[::-1] for name, values in first.fields.items()}
        other = Background(turned.latitude[::-1], turned.longitude, turned.depth, fields)
        found = analysed(points, other, model=model)
        expected = analysed(points, first, model=model)
        close({name: np.roll(field[::-1], -18, axis=1) for name, field in found.items()}, expected)

    def test_the_globe_has_no_seam(self):
        """Without eyes for longitude, and without the Sun, the analysis turns with what it is made of."""
        points, first = observed(sources=tuple(name for name in WHAT if name != "sst")), background()
        model = AdafOceanCNP(without_longitude())
        moved = replace(points, longitude=points.longitude % 360.0 - 180.0)
        rolled = replace(first, fields={name: np.roll(values, 18, axis=1) for name, values in first.fields.items()})
        here, there = analysed(points, first, model=model), analysed(moved, rolled, model=model)
        close({name: np.roll(field, -18, axis=1) for name, field in there.items()}, here)

    def test_weights_of_zero_give_the_background(self):
        network = ConditionalNeuralProcess(CELLS).requires_grad_(False)
        for weight in network.parameters():
            weight.zero_()
        first = background()
        found = analysed(observed(), first, model=AdafOceanCNP(network))
        for name in CELLS.variables:
            npt.assert_array_equal(found[name], first.fields[name])

    def test_no_observation_at_all_is_a_valid_input(self):
        first = background()
        found = analysed(Points.empty(), first)
        assert all(np.isfinite(field).all() for field in found.values())

    @pytest.mark.parametrize("source", list(WHAT))
    def test_a_source_that_is_missing_on_a_day_is_zeros_to_the_network(self, source):
        points, first, model = observed(), background(), engine()
        without = observed(sources=tuple(name for name in WHAT if name != source))
        mine = points.take(points.source == SOURCES.index(source))
        day = model.encode(without, first, WHEN).day(CELLS, first)
        (key,) = [s.key for s in CELLS.sources if s.kind == source]
        table = inputs(day, np.array([5.0]), np.array([5.0]), 0.0, CELLS)[key]
        assert source == "insitu" or not table[..., 5:].any()
        with_it, without_it = analysed(points, first), analysed(without, first)
        assert len(mine) and max(np.abs(with_it[n] - without_it[n]).max() for n in with_it) > 1e-3


class TestTargets:
    def test_land_is_missing_and_windows_over_land_only_are_left_out(self, monkeypatch):
        first, network, asked = background(), small(), []
        monkeypatch.setattr(
            network, "decode", lambda tokens, at: asked.append(len(tokens)) or type(network).decode(network, tokens, at)
        )
        sea = np.zeros((18, 36), bool)
        sea[0, :2] = True
        found = analysed(observed(), first, cells_of(first, sea), AdafOceanCNP(network))
        for name in CELLS.variables:
            npt.assert_array_equal(np.isfinite(found[name]), sea)
        # One row of windows holds the southernmost row, and four or five columns of them each of two cells.
        assert sum(asked) == 4
        asked.clear()
        nothing = analysed(observed(), first, cells_of(first, np.zeros_like(sea)), AdafOceanCNP(network))
        assert not asked and not np.isfinite(nothing["zos"]).any()

    def test_land_of_the_background_is_land_of_the_analysis_and_changes_no_other_cell_by_being_left_out(self):
        first = background()
        first.fields["thetao"][3:9, 5:20] = np.nan
        found = analysed(observed(), first)
        npt.assert_array_equal(np.isnan(found["thetao"]), np.isnan(first.fields["thetao"]))
        assert np.isfinite(found["zos"]).all()

    @pytest.mark.parametrize("gridded", [True, False])
    def test_other_targets_get_the_interpolated_increment(self, gridded):
        points, first, rng = observed(), background(), np.random.default_rng(4)
        latitude, longitude = rng.uniform(-80, 80, 7), np.sort(rng.uniform(-180, 180, 7))
        whole = analysed(points, first)
        found = analysed(points, first, Targets(np.sort(latitude), longitude, gridded))
        look = grids.regrid if gridded else grids.sample
        axes = first.latitude, first.longitude, np.sort(latitude), longitude
        close(found, {name: look(field, *axes) for name, field in whole.items()})

    @PHASES
    @pytest.mark.parametrize("k", [1, 2])
    def test_targets_between_the_cells_of_the_network_get_the_interpolated_increment(self, phase, k):
        """A token knows no place of its own: asked half a cell beside it, the network moves its increment there."""
        points, first, model = observed(), background(phase=phase), engine(phase)
        lattice = lattice_of_phase(10.0 / k, phase)
        axes = lattice.latitude(np.arange(18 * k)), lattice.longitude(np.arange(36 * k))
        guess = grids.regrid(first.fields["zos"], first.latitude, first.longitude, *axes)
        increment = analysed(points, first, Targets(*axes), model)["zos"] - guess
        beside = lattice_of_phase(10.0 / k, "cell" if phase == "node" else "node")
        where = Targets(beside.latitude(np.arange(1, 18 * k - 1)), beside.longitude(np.arange(36 * k)) - 180.0)
        expected = grids.regrid(increment, *axes, where.latitude, where.longitude)
        expected += grids.regrid(first.fields["zos"], first.latitude, first.longitude, where.latitude, where.longitude)
        npt.assert_allclose(analysed(points, first, where, model)["zos"], expected, atol=1e-5)

    def test_points_at_the_pole_and_the_antimeridian_have_an_analysis(self):
        first = background()
        where = Targets(np.array([89.9, -89.9, 0.0]), np.array([180.0, -180.0, 359.9]), False)
        assert all(np.isfinite(field).all() for field in analysed(observed(), first, where).values())

    def test_a_row_on_the_north_pole_takes_the_increment_of_the_row_before(self):
        """Lattices of nodes end before the pole, as published."""
        first, model = background(phase="node"), engine("node")
        latitude = np.append(first.latitude, 90.0)
        fields = {name: np.concatenate([values, values[-1:]]) for name, values in first.fields.items()}
        with_pole = Background(latitude, first.longitude, first.depth, fields)
        found = analysed(observed(), with_pole, Targets(latitude, first.longitude), model)
        npt.assert_allclose(found["zos"][-1], found["zos"][-2], rtol=1e-6)

    def test_a_query_grid_may_be_asked_for(self):
        points, first = observed(), background()
        fine = grids.nest(first.latitude, 2), grids.nest(first.longitude, 2)
        rows, columns = np.arange(8, 20), np.arange(30, 50)
        place = Targets(fine[0][rows], fine[1][columns])
        direct = analysed(points, first, place, engine(lat_res=5.0, lon_res=5.0))
        close(direct, analysed(points, first, place))
        coarse = analysed(points, first, place, engine(lat_res=10.0, lon_res=10.0))
        whole, guess = analysed(points, first), {}
        for name, field in whole.items():
            guess[name] = grids.regrid(field, first.latitude, first.longitude, place.latitude, place.longitude)
        close(coarse, guess)
        assert np.abs(coarse["zos"] - direct["zos"]).max() > 1e-3

    @pytest.mark.parametrize("depth", [[0.494, 1.541, 9.573], [0.0, 12.0], [5.0]])
    def test_the_shallowest_level_is_the_surface_that_the_network_was_trained_for(self, depth):
        points, first = observed(), background(depth=depth)
        flat = Background(
            first.latitude, first.longitude, np.empty(0), {n: v[..., :18, :36] for n, v in first.fields.items()}
        )
        flat.fields.update({n: v[0] for n, v in first.fields.items() if v.ndim == 3})
        found, expected = analysed(points, first), analysed(points, flat)
        npt.assert_array_equal(found["zos"], expected["zos"])
        for name in ("thetao", "so", "uo", "vo"):
            npt.assert_array_equal(found[name][0], expected[name])
            npt.assert_array_equal(found[name][1:], first.fields[name][1:])

    def test_depth_step_counts_levels_and_deeper_ones_keep_the_background(self):
        depth = [0.5, 5.0, 12.0, 19.0, 25.0, 400.0]
        first, points = background(depth=depth), observed()
        for step, levels in ((1, [0, 1, 2, 3]), (2, [0, 2]), (3, [0, 3])):
            found = analysed(points, first, cells_of(first), engine(depth_step=step))
            assert found["thetao"].shape == (6, 18, 36) and found["zos"].shape == (18, 36)
            changed = [n for n in range(6) if np.abs(found["uo"][n] - first.fields["uo"][n]).max() > 0]
            assert changed == levels
            for level in levels:
                flat = {n: v[level] if v.ndim == 3 else v for n, v in first.fields.items()}
                assert not np.array_equal(found["so"][level], flat["so"])
        alone = analysed(points, first, cells_of(first), engine(depth_step=4))
        close({"zos": alone["zos"]} | {n: alone[n][0] for n in ("thetao", "so", "uo", "vo")},
              {"zos": found["zos"]} | {n: found[n][0] for n in ("thetao", "so", "uo", "vo")})  # fmt: skip

    def test_levels_in_any_order_are_the_same_levels(self):
        first, points = background(depth=[0.5, 12.0, 300.0]), observed()
        fields = {name: values[::-1] if values.ndim == 3 else values for name, values in first.fields.items()}
        turned = Background(first.latitude, first.longitude, first.depth[::-1], fields)
        found, expected = (analysed(points, guess, model=engine(depth_step=1)) for guess in (turned, first))
        close({n: v[::-1] if v.ndim == 3 else v for n, v in found.items()}, expected)


class TestRefusals:
    def test_resolutions_must_be_alike_and_nest(self):
        with pytest.raises(ValueError, match=r"lat_res=5\.0 and lon_res=None differ"):
            engine(lat_res=5.0)
        with pytest.raises(ValueError, match="targets 3 degrees apart do not nest in the network's cells of 10"):
            engine(lat_res=3.0, lon_res=3.0)

    @pytest.mark.parametrize("name", ["lat_step", "lon_step", "depth_step", "batch_block"])
    @pytest.mark.parametrize("value", [0, -5, 2.5, "5"])
    def test_counts_must_be_counts(self, name, value):
        with pytest.raises(ValueError, match=f"{name} is {value!r}: a whole number from 1"):
            engine(**{name: value})

    @pytest.mark.parametrize("value", [0, -1.0, float("nan"), "1"])
    def test_resolutions_must_be_degrees(self, value):
        with pytest.raises(ValueError, match=f"lat_res is {value!r}: a finite number above 0"):
            engine(lat_res=value, lon_res=value)

    def test_steps_that_leave_cells_out_are_named(self):
        first = background()
        with pytest.raises(ValueError, match="lat_step=5: windows of 4 x 8 cells leave no target out"):
            analysed(observed(), first, model=engine(lat_step=5))

    def test_a_background_below_the_reach_of_the_network(self):
        with pytest.raises(ValueError, match=r"the network reaches 20 m, .* lies at 30 m"):
            analysed(Points.empty(), background(depth=[30.0, 50.0]))

    def test_what_is_no_network(self, tmp_path):
        with pytest.raises(TypeError, match="Linear is no network"):
            AdafOceanCNP(torch.nn.Linear(1, 1))
        file = tmp_path / "other.safetensors"
        checkpoint.write(Checkpoint("line", {"w": np.ones(1, "f4")}), file)
        with pytest.raises(CheckpointError, match="holds a 'line', not a network of the family 'adaf-ocean-cnp'"):
            AdafOceanCNP(file)


def datasets(points):
    """Points as the public face of observations has them, one dataset per source."""
    found = []
    for number, source in enumerate(SOURCES):
        mine = points.take(points.source == number)
        parts = {name: mine.take(mine.variable == code) for name, code in CODES.items()}
        parts = {name: part for name, part in parts.items() if len(part)}
        if parts:
            one = next(iter(parts.values()))
            coords = {name: ("obs", getattr(one, name)) for name in ("longitude", "latitude", "depth", "time")}
            data = {name: ("obs", part.value) for name, part in parts.items()}
            found.append(xr.Dataset(data, coords, {"featureType": "point", "source": source}))
    return found


def labelled(first, time=WHEN):
    """A background as a lazy dataset."""
    coords = {"time": [time], "latitude": first.latitude, "longitude": first.longitude}
    dims = ("time", "latitude", "longitude")
    return xr.Dataset(
        {name: (dims, values[None].astype("f4")) for name, values in first.fields.items()}, coords
    ).chunk()


class TestThroughAssimilate:
    def test_it_is_lazy_labelled_and_without_standard_errors(self, nothing_computes):
        an = adaf_xr.assimilate(datasets(observed()), labelled(background()), model=engine())
        assert list(an.data_vars) == list(SMALL.variables)
        assert an.sizes == {"time": 1, "latitude": 18, "longitude": 36}
        assert "ancillary_variables" not in an.zos.attrs
        assert an.attrs["adaf_model"] == "adaf-ocean-cnp"

    def test_it_gives_what_the_engine_gives_at_sea(self):
        points, first = observed(), background()
        an = adaf_xr.assimilate(datasets(points), labelled(first), model=engine()).compute().isel(time=0)
        sea = np.isfinite(an.zos.values)
        assert 0.5 < sea.mean() < 0.9
        expected = analysed(points, first)
        for name in SMALL.variables:
            within = np.clip(expected[name], *VARIABLES[name].limits)
            npt.assert_allclose(an[name].values[sea], within[sea], atol=2e-4)

    def test_it_goes_to_the_device_that_is_asked_for(self):
        first, points = labelled(background()), datasets(observed(20))
        here = adaf_xr.assimilate(points, first, model=engine(device="nowhere"), device="cpu")
        xr.testing.assert_identical(here.compute(), adaf_xr.assimilate(points, first, model=engine()).compute())
        with pytest.raises(ValueError, match="device='nowhere'"):
            adaf_xr.assimilate(points, first, model=engine(), device="nowhere").compute()

    def test_other_variables_pass_through(self):
        first = labelled(background())
        first["siconc"] = first.zos * 0 + 0.25
        an = adaf_xr.assimilate(datasets(observed()), first, model=engine()).compute()
        assert np.nanmin(an.siconc) == np.nanmax(an.siconc) == 0.25

    @property_test
    @given(st.integers(1, 200), st.integers(36, 400))
    def test_chunks_of_observations_and_of_the_output_do_not_matter(self, chunk, cells):
        observations, first = datasets(observed(60)), labelled(background())
        whole = adaf_xr.assimilate(observations, first, model=engine()).compute()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(inference_targets, "CELLS_PER_CHUNK", cells)
            cut = adaf_xr.assimilate([ds.chunk(obs=chunk) for ds in observations], first, model=engine())
            assert cut.zos.chunks[1][0] == max(1, min(18, cells // 36))
            xr.testing.assert_allclose(cut.compute(), whole, rtol=1e-5, atol=1e-4)

    def test_observations_of_the_day_before_count_and_no_others(self):
        first, day = labelled(background()), np.timedelta64(86_400_000_000_000, "ns")

        def at(time):
            points = made([5.0, 6.0], [5.0, -150.0], [1.0, -1.0], "sla", "ssh", time=time)
            return adaf_xr.assimilate(datasets(points), first, model=engine()).zos.compute()

        one = np.timedelta64(1, "ns")
        with pytest.warns(match="no usable observation"):
            nothing = at(WHEN)
        for counts, time in ((True, WHEN - one), (True, WHEN - day), (False, WHEN - day - one)):
            if not counts:
                with pytest.warns(match="no usable observation"):
                    xr.testing.assert_identical(at(time), nothing)
            else:
                assert np.abs(at(time) - nothing).max() > 1e-3

    def test_without_observations_it_corrects_the_background_all_the_same_and_says_no_other_thing(self):
        first = background()
        late = made([5.0, 6.0], [5.0, -150.0], [1.0, -1.0], "sla", "ssh", time=WHEN)
        with pytest.warns(NoObservationsWarning, match="so the analysis rests on the background alone"):
            an = adaf_xr.assimilate(datasets(late), labelled(first), model=engine()).zos.isel(time=0).compute()
        sea = np.isfinite(an.values)
        expected = np.clip(analysed(Points.empty(), first)["zos"], *VARIABLES["zos"].limits)
        npt.assert_allclose(an.values[sea], expected[sea], atol=1e-5)
        assert np.abs(an.values - first.fields["zos"])[sea].max() > 1e-2

    def test_observations_beyond_the_halo_of_a_region_do_not_matter(self):
        """The thinned network on its own degrees: what the region's box leaves out is in no window that touches it."""
        rng = np.random.default_rng(2)
        n = 6000
        where = np.degrees(np.arcsin(rng.uniform(-1, 1, n))), rng.uniform(-180, 180, n)
        points = Points.concatenate(
            [made(*where, rng.uniform(-1, 1, n), "sla", "ssh"), made(*where, rng.uniform(0, 1, n), "siconc", "ice")]
            + [made(*where, rng.uniform(5, 30, n), name, "insitu") for name in ("thetao", "so")]
        )
        network = thinned(seed=0).eval().requires_grad_(False)
        model = AdafOceanCNP(network)
        first = background(1.0, phase="node")
        region = (-32.0, -27.0, 55.0, 58.0)
        an = adaf_xr.assimilate(datasets(points), labelled(first), model=model, region=region).compute().isel(time=0)
        assert an.zos.shape == (4, 6) and np.isfinite(an.zos).all()
        expected = analysed(points, first, Targets(an.latitude.values, an.longitude.values), model)
        guess = first.fields["zos"][145:149, 328:334]
        npt.assert_allclose(an.zos, expected["zos"], atol=1e-5)
        assert np.abs(expected["zos"] - guess).max() > 1e-3

    def test_a_quarter_of_a_degree_from_the_thinned_network(self):
        model = AdafOceanCNP(thinned(seed=0), lat_res=0.25, lon_res=0.25)
        first = background(1.0)
        call = {"model": model, "region": (-40.0, -37.0, 30.0, 32.0)}
        an = adaf_xr.assimilate(datasets(observed()), labelled(first), grid=0.25, **call).compute().isel(time=0)
        assert an.zos.shape == (8, 12) and np.isfinite(an.zos).all()
        guess = grids.regrid(first.fields["zos"], first.latitude, first.longitude, an.latitude, an.longitude)
        increment = an.zos.values - guess
        # Sixteen targets share a token and differ in their positions: smooth within a cell, and not constant.
        assert 0 < np.ptp(increment[:4, :4]) < 0.05 < THINNED.ranges[-1][1]

    def test_in_a_file_its_weights_stay_out_of_the_graph(self, tmp_path):
        file = tmp_path / "small.safetensors"
        checkpoint.write(checkpoint_of(CELLS, weights_of(small())), file)
        filed, held = AdafOceanCNP(file), engine()
        assert len(pickle.dumps(filed)) < 8000
        assert tokenize(filed) == tokenize(AdafOceanCNP(Reference.of(file))) != tokenize(held)
        assert tokenize(held) == tokenize(engine()) != tokenize(AdafOceanCNP(small(seed=1)))
        points, first = observed(), background()
        close(analysed(points, first, model=filed), analysed(points, first, model=held), 1e-7)
        assert filed.spec.checkpoint == Reference.of(file).sha256 and not held.spec.checkpoint
        assert filed.spec.provenance == "ADAF-Ocean network as published: windows of 40 x 80 degrees, the surface"
        deeper = "as published, from memory: windows of 40 x 80 degrees, depth_step 2 down to 20 m"
        assert engine(depth_step=2).spec.provenance.endswith(deeper)
        an = adaf_xr.assimilate(datasets(points), labelled(first), model=str(file))
        expected = adaf_xr.assimilate(datasets(points), labelled(first), model=held)
        xr.testing.assert_allclose(an.compute(), expected.compute())

    def test_a_year_is_a_small_graph_in_which_nothing_is_computed(self, tmp_path, nothing_computes):
        file = tmp_path / "small.safetensors"
        checkpoint.write(checkpoint_of(CELLS, weights_of(small())), file)
        first = labelled(background())
        year = WHEN + np.arange(365) * np.timedelta64(1, "D")
        lazy = {
            name: (("time", "latitude", "longitude"), da.zeros((365, 18, 36), chunks=(1, 18, 36), dtype="f4"))
            for name in SMALL.variables
        }
        guess = xr.Dataset(lazy, {"time": year, "latitude": first.latitude, "longitude": first.longitude})
        an = adaf_xr.assimilate(datasets(observed(20)), guess, model=file)
        graph = pickle.dumps(an.zos.__dask_graph__())
        assert len(graph) < 2**20
        assert pickle.loads(graph).keys() == an.zos.__dask_graph__().keys()

    def test_the_spec_says_what_the_network_reads(self):
        spec = engine().spec
        assert spec.variables == ("thetao", "so", "uo", "vo", "zos")
        assert set(spec.sources) == set(SOURCES)
        assert set(spec.predictors) == {"uas", "vas", "sla", "siconc"}
        absolute = AdafOceanCNP(ConditionalNeuralProcess(SMALL.with_sea_level("zos"))).spec
        assert set(absolute.predictors) == {"uas", "vas", "siconc"}
        assert [span / np.timedelta64(1, "h") for span in spec.window] == [24, 0]
        assert not spec.gives_std
