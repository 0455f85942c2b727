"""How a background and sums of observations are laid out on the lattice, and what features are made of them."""

import numpy as np
import numpy.testing as npt
import pytest
import torch
from small_ocean import STATIC, WHEN, axes, background, made, observed, sea

from adaf_xr import kinematics, ocean_mask
from adaf_xr.cf.canonical import CODES, SOURCES
from adaf_xr.models.adaf_ocean.backdrop import Backdrop
from adaf_xr.models.adaf_ocean.channels import ANOMALY, BINS, CHANNELS, FLOOR, STATE, STATE_CHANNELS
from adaf_xr.models.adaf_ocean.features import EDDIES, Features
from adaf_xr.models.adaf_ocean.frame import BLOCK, Frame
from adaf_xr.models.adaf_ocean.innovations import RECENCY
from adaf_xr.models.adaf_ocean.network import widths_of_input
from adaf_xr.models.adaf_ocean.planes import EQUATOR, blurred, filled, geostrophic, refined
from adaf_xr.models.adaf_ocean.scene import Scene
from adaf_xr.models.adaf_ocean.sums import Sums
from adaf_xr.models.base import Background

OPEN = (-40.0, -16.0, 24.0, 48.0)
"""A box that the shipped mask calls sea, but for a few islands."""


def scene_of(first, points=None, level=0):
    frame = Frame.around(first)
    sums = Sums.nothing(WHEN) if points is None else Sums.of(points, WHEN)
    return Scene.of(first, sums, frame, level), frame


def features_of(first, points=None):
    scene, frame = scene_of(first, points)
    return Features.of(scene, torch.from_numpy(frame.latitude.astype("f4")), frame.wraps), scene, frame


def where(frame, latitude, longitude, refinement=1):
    """Row and column of the cell of a frame at a position."""
    row = int(np.floor((latitude + 90.0 - frame.south) * refinement))
    return row, int(np.floor(np.mod(longitude + 180.0 - frame.west, 360.0) * refinement))


class TestFrame:
    @pytest.mark.parametrize(
        "box", [OPEN, (-40.0, -30.0, -5.0, 3.0), (170.0, 195.0, 10.0, 20.0), (-3.0, 4.0, 80.0, 90.0), None]
    )
    def test_it_holds_the_background_and_a_block_beside_it_on_whole_blocks(self, box):
        latitude, longitude = axes(1.0, box)
        frame = Frame.around(background(latitude, longitude, ("zos",)))
        assert frame.rows % BLOCK == frame.columns % BLOCK == frame.south % BLOCK == frame.west % BLOCK == 0
        assert frame.wraps == (box is None)
        for side in (-8.0, 8.0):
            assert frame.holds(np.clip(latitude + side, -90.0, 90.0), np.full(latitude.size, longitude[0])).all()
            assert frame.holds(np.full(longitude.size, latitude[0]), longitude + side).all()
        if box is not None:
            assert not frame.holds(latitude[:1], longitude[:1] - 16.1).any()
            assert not frame.holds(latitude[:1], longitude[-1:] + 16.1).any()

    def test_conventions_of_longitude_give_the_same_frame(self):
        latitude, longitude = axes(1.0, (170.0, 200.0, 10.0, 30.0))
        here, there = (Frame.around(background(latitude, lon, ("zos",))) for lon in (longitude, longitude - 360.0))
        assert here == there

    def test_cells_and_points_agree(self):
        frame = Frame(96, 350 // BLOCK * BLOCK, 24, 32)
        rng = np.random.default_rng(0)
        latitude, longitude = rng.uniform(-90, 90, 4000), rng.uniform(-180, 180, 4000)
        number = np.floor((latitude + 90.0) * 4).astype("i8") * 1440 + np.floor((longitude + 180.0) * 4).astype("i8")
        inside, cell = frame.cells(number, 4)
        npt.assert_array_equal(inside, np.flatnonzero(frame.holds(latitude, longitude)))
        expected = [where(frame, latitude[n], longitude[n], 4) for n in inside]
        npt.assert_array_equal(np.divmod(cell, frame.columns * 4), np.array(expected).T)
        assert inside.size > 20


class TestPlanes:
    def test_geostrophy_is_that_of_the_kinematics_but_for_the_equator(self):
        latitude = torch.arange(-79.5, 80.0, dtype=torch.float64)
        height = torch.from_numpy(np.random.default_rng(0).standard_normal((160, 24)))
        u, v = kinematics.geostrophic(height, latitude, 1.0, 1.0, periodic=True)
        faded = np.sin(np.radians(EQUATOR)) ** 2 / torch.sin(torch.deg2rad(latitude)) ** 2
        found = geostrophic(height, latitude, wraps=True) * (1.0 + faded)[:, None]
        torch.testing.assert_close(found[:, 1:-1], torch.stack([u, v])[:, 1:-1], rtol=1e-9, atol=1e-9)

    def test_geostrophy_stays_finite_at_the_equator_and_the_poles(self):
        height = torch.eye(5)
        for latitude in (torch.linspace(-2.0, 2.0, 5), torch.linspace(87.0, 91.0, 5)):
            assert torch.isfinite(geostrophic(height, latitude, wraps=False)).all()

    @pytest.mark.parametrize("sigma", [1.0, 2.0, 4.0])
    def test_a_blur_keeps_sums_and_reaches_three_standard_deviations(self, sigma):
        point = torch.zeros(1, 40, 40, dtype=torch.float64)
        point[0, 20, 20] = 1.0
        plane = blurred(point, sigma, wraps=False)[0]
        assert plane.sum().item() == pytest.approx(1.0)
        rows = torch.nonzero(plane.sum(1))[[0, -1], 0]
        assert (rows - 20).tolist() == [-round(3 * sigma), round(3 * sigma)]

    def test_a_blur_goes_around_the_globe(self):
        planes = torch.from_numpy(np.random.default_rng(0).standard_normal((2, 16, 32)))
        turned = blurred(planes.roll(5, -1), 2.0, True)
        torch.testing.assert_close(turned, blurred(planes, 2.0, True).roll(5, -1))

    def test_refining_keeps_planes(self):
        rows, columns = torch.meshgrid(torch.arange(6.0), torch.arange(8.0), indexing="ij")
        fine = refined(2.0 * rows - columns, 4, wraps=False)
        finer = (torch.arange(24.0) + 0.5) / 4 - 0.5, (torch.arange(32.0) + 0.5) / 4 - 0.5
        expected = 2.0 * finer[0][:, None] - finer[1][None]
        torch.testing.assert_close(fine[2:-2, 2:-2], expected[2:-2, 2:-2])

    def test_filling_goes_as_far_as_it_should(self):
        planes = torch.full((1, 9, 9), torch.nan)
        planes[0, 4, 4] = 3.0
        held, present = filled(torch.nan_to_num(planes), torch.isfinite(planes), 2, wraps=False)
        inside = torch.zeros(9, 9)
        inside[2:7, 2:7] = 1.0
        torch.testing.assert_close(present[0], inside)
        torch.testing.assert_close(held[0], 3.0 * inside)


class TestBackground:
    def test_one_on_the_lattice_stays_as_it_is(self):
        first = background(*axes(1.0, OPEN), land=[(-30.0, -28.0, 30.0, 33.0)])
        frame = Frame.around(first)
        laid = Backdrop.of(first, 0, frame)
        row, column = where(frame, first.latitude[0], first.longitude[0])
        for place, name in enumerate(STATE):
            npt.assert_allclose(laid.coarse[place, row : row + 24, column : column + 24], first.fields[name], rtol=1e-6)
        assert laid.coarse[:, :row].isnan().all() and laid.coarse[:, :, :column].isnan().all()
        assert laid.fine.isnan().all() and laid.between is None

    @pytest.mark.parametrize("spacing", [0.25, 0.5, 1 / 12])
    def test_a_finer_one_gives_means_over_cells_weighted_by_area(self, spacing):
        box, land = (-40.0, -32.0, 60.0, 68.0), [(-40.0, -37.2, 62.1, 64.6)]
        first = background(*axes(spacing, box), ("zos",), land=land)
        frame = Frame.around(first)
        coarse = Backdrop.of(first, 0, frame).coarse[0]
        for latitude, longitude in ((60.5, -39.5), (62.5, -38.5), (64.5, -37.5), (67.5, -32.5)):
            rows, columns = np.abs(first.latitude - latitude) < 0.5, np.abs(first.longitude - longitude) < 0.5
            values = first.fields["zos"][np.ix_(rows, columns)]
            area = np.cos(np.radians(first.latitude[rows]))[:, None] * np.isfinite(values)
            found = float(coarse[where(frame, latitude, longitude)])
            if not area.any():
                assert np.isnan(found)
                continue
            assert found == pytest.approx(np.nansum(area * np.nan_to_num(values)) / area.sum(), rel=1e-6)
        assert coarse[where(frame, 63.5, -38.5)].isnan()  # all of it is land

    @pytest.mark.parametrize("phase", [0.0, 0.37])
    def test_cells_across_edges_count_in_both(self, phase):
        latitude, longitude = axes(0.25, (-40.0, -30.0, -5.0, 5.0), phase)
        plane = 0.3 * latitude[:, None] - 0.2 * longitude[None]
        first = Background(latitude, longitude, np.empty(0), {"zos": plane})
        frame = Frame.around(first)
        laid = Backdrop.of(first, 0, frame)
        for refinement, planes in ((1, laid.coarse), (4, laid.fine)):
            rows, columns = frame.axes(refinement)
            inner = np.ix_(np.abs(rows) < 3.0, np.abs(columns + 35.0) < 3.0)
            expected = 0.3 * rows[:, None] - 0.2 * columns[None]
            # Areas shrink towards the poles, which moves means by a little.
            npt.assert_allclose(planes[0].numpy()[inner], expected[inner], atol=3e-4)

    @pytest.mark.parametrize("spacing", [0.6, 0.8, 1.5, 2.0])
    def test_no_holes_whatever_the_spacing(self, spacing):
        latitude, longitude = np.arange(20.0, 50.0, spacing), np.arange(-50.0, -20.0, spacing)
        frame = Frame.around(first := background(latitude, longitude, ("zos",)))
        coarse = Backdrop.of(first, 0, frame).coarse[0].numpy()
        rows, columns = frame.axes(1)
        inner = np.ix_((rows > 20.5) & (rows < latitude[-1]), (columns > -49.5) & (columns < longitude[-1]))
        assert np.isfinite(coarse[inner]).all()

    def test_wide_columns_are_no_fine_background(self):
        latitude, longitude = np.arange(20.25, 50.0, 0.5), np.arange(-50.0, -20.0, 1.25)
        frame = Frame.around(first := background(latitude, longitude, ("zos",)))
        laid = Backdrop.of(first, 0, frame)
        rows, columns = frame.axes(1)
        inner = np.ix_((rows > 21.0) & (rows < 49.0), (columns > -49.0) & (columns < -22.0))
        assert np.isfinite(laid.coarse[0].numpy()[inner]).all() and laid.fine[0].isnan().all()

    @pytest.mark.parametrize("spacing", [0.25, 1.0])
    def test_order_of_latitude_and_conventions_of_longitude(self, spacing):
        latitude, longitude = axes(spacing, (170.0, 194.0, -12.0, 12.0))
        first = background(latitude, longitude)
        turned = {name: values[::-1] for name, values in first.fields.items()}
        other = Background(latitude[::-1], longitude - 360.0, first.depth, turned)
        here, there = (Backdrop.of(b, 0, Frame.around(b)) for b in (first, other))
        for one, two in ((here.coarse, there.coarse), (here.fine, there.fine)):
            torch.testing.assert_close(one, two, rtol=1e-6, atol=1e-6, equal_nan=True)

    @pytest.mark.parametrize("spacing", [0.25, 1.0])
    def test_where_a_global_one_is_cut_does_not_matter(self, spacing):
        latitude, longitude = axes(spacing, None)
        first = background(latitude, longitude, ("thetao",))
        turned = np.roll(first.fields["thetao"], -100, 1)
        other = Background(latitude, longitude + 100 * spacing, first.depth, {"thetao": turned})
        here, there = (Backdrop.of(b, 0, Frame.around(b)) for b in (first, other))
        torch.testing.assert_close(here.coarse, there.coarse, rtol=1e-5, atol=1e-5, equal_nan=True)

    def test_a_level_and_what_has_none(self):
        latitude, longitude = axes(1.0, OPEN)
        flat = background(latitude, longitude)
        deep = np.stack([flat.fields["thetao"] - 1.0, flat.fields["thetao"]])
        first = Background(latitude, longitude, np.array([40.0, 0.5]), {**flat.fields, "thetao": deep})
        frame = Frame.around(first)
        torch.testing.assert_close(
            Backdrop.of(first, 1, frame).coarse, Backdrop.of(flat, 0, frame).coarse, equal_nan=True
        )

    def test_land_is_that_of_the_background_refined_by_the_shipped_mask(self):
        latitude, longitude = axes(1.0, (-12.0, 12.0, 32.0, 48.0))
        known = ocean_mask.sea(latitude, longitude)
        fields = {"zos": np.where(known, sea("zos", latitude[:, None], longitude[None]), np.nan)}
        scene, frame = scene_of(Background(latitude, longitude, np.empty(0), fields))
        fine = ocean_mask.sea(*frame.axes(4))
        nested = scene.sea.numpy().repeat(4, 0).repeat(4, 1)
        whole = fine.reshape(frame.rows, 4, frame.columns, 4).any((1, 3)).repeat(4, 0).repeat(4, 1)
        npt.assert_array_equal(scene.fine_sea, nested & np.where(whole, fine, True))
        assert 0 < scene.fine_sea.sum() < 16 * scene.sea.sum()


class TestInnovations:
    FIRST = background(*axes(1.0, OPEN))
    POINTS = observed(50)

    def test_every_plane_against_a_loop_over_points(self):
        """Each observation less the background at the centre of its cell and the slope from there."""
        scene, frame = scene_of(self.FIRST, self.POINTS)
        held = filled(torch.nan_to_num(scene.coarse), torch.isfinite(scene.coarse), 3, frame.wraps)[0]
        grids = {1: held.numpy().astype("f8"), 4: refined(held, 4, frame.wraps).numpy().astype("f8")}
        weight, innovation = np.zeros((2, 7, 5, *frame.shape))
        value, mass = np.zeros((2, 3, 5, *frame.shape))
        precision, pull = np.zeros((2, 2, 4 * frame.rows, 4 * frame.columns))
        p = self.POINTS
        for n in range(len(p)):
            pair = SOURCES[p.source[n]], list(CODES)[p.variable[n]]
            place, channel = next((k, c) for k, c in enumerate(CHANNELS) if (c.source, c.variable) == pair)
            error = channel.error if np.isnan(p.error[n]) else max(float(p.error[n]), 0.2 * channel.error)
            w, k = (channel.error / error) ** 2, 4 if channel.fine else 1
            bin_ = int(((p.time[n] - WHEN) / np.timedelta64(1, "D") + 5.0) // 2.0)
            here = where(frame, p.latitude[n], p.longitude[n])
            if place >= len(STATE_CHANNELS):
                value[place - 7, bin_][here] += w * p.value[n]
                mass[place - 7, bin_][here] += w
                continue
            field = grids[k][STATE.index(channel.variable)]
            i, j = where(frame, p.latitude[n], p.longitude[n], k)
            north = (p.latitude[n] + 90.0 - frame.south) * k - i - 0.5
            east = np.mod(p.longitude[n] + 180.0 - frame.west, 360.0) * k - j - 0.5
            slope = (field[i + 1, j] - field[i - 1, j]) / 2 * north + (field[i, j + 1] - field[i, j - 1]) / 2 * east
            departure = p.value[n] - field[i, j] - slope
            weight[place, bin_][here] += w
            innovation[place, bin_][here] += w * departure
            if channel.variable in STATE[:2]:
                share = w / channel.error**2 * RECENCY[bin_]
                precision[STATE.index(channel.variable)][i, j] += share
                pull[STATE.index(channel.variable)][i, j] += share * departure
        npt.assert_allclose(scene.weight, weight, rtol=1e-5)
        npt.assert_allclose(scene.innovation, innovation, rtol=1e-3, atol=2e-4)
        npt.assert_allclose(scene.value_weight, mass, rtol=1e-5)
        npt.assert_allclose(scene.value, value, rtol=1e-5, atol=1e-6)
        npt.assert_allclose(scene.precision, precision, rtol=1e-5)
        npt.assert_allclose(scene.pull, pull, rtol=1e-3, atol=1e-1)

    @pytest.mark.parametrize(
        ("spacing", "phase"), [(1.0, 0.5), (1.0, 0.0), (1.0, 0.3), (0.25, 0.5), (0.25, 0.0), (0.75, 0.5), (1 / 12, 0.0)]
    )
    def test_observations_of_the_background_itself_are_no_innovations(self, spacing, phase):
        """Whatever grid the background is on: what the analysis adds to is what observations are compared with."""
        latitude, longitude = axes(spacing, OPEN, phase)
        first = background(latitude, longitude)
        rng = np.random.default_rng(0)
        at = rng.uniform(30.0, 42.0, 4000), rng.uniform(-34.0, -22.0, 4000)
        from adaf_xr.grids import sample

        for name, source in (("zos", "ssh"), ("thetao", "sst")):
            truth = sample(first.fields[name], latitude, longitude, *at)
            scene, _ = scene_of(first, made(*at, truth, name, source))
            place = [c.source for c in STATE_CHANNELS].index(source)
            mean = scene.innovation[place].sum(0) / scene.weight[place].sum(0)
            left = mean[torch.isfinite(mean)].square().mean().sqrt().item()
            assert left < 0.02 * first.fields[name].std()

    def test_where_the_background_is_missing_observations_of_it_count_for_nothing(self):
        first = background(*axes(1.0, OPEN), names=("zos", "so"))
        scene, _ = scene_of(first, self.POINTS)
        has = torch.tensor([c.variable in ("zos", "so") for c in STATE_CHANNELS])
        assert not scene.weight[~has].any() and scene.weight[has].flatten(1).any(1).all()
        land = background(*axes(1.0, OPEN), land=[(-34.0, -22.0, 30.0, 42.0)])
        inland, beach = (made(lat, -28.5, 0.3, "zos", "ssh") for lat in (36.5, 31.5))
        salt = made(36.5, -28.5, 36.0, "so", "sss")
        for points in (inland, salt):
            assert not scene_of(land, points)[0].weight.any()
            assert scene_of(self.FIRST, points)[0].weight.any()
        assert scene_of(land, beach)[0].weight.any()

    def test_a_background_of_anomalies_is_compared_with_anomalies(self):
        heights = background(*axes(1.0, OPEN), names=("zos",))
        anomalies = Background(heights.latitude, heights.longitude, heights.depth, {ANOMALY: heights.fields["zos"]})
        points = {name: made(36.2, -28.7, 0.3, name, "ssh") for name in ("zos", ANOMALY)}
        scenes = {
            (of, by): scene_of(first, points[by])[0]
            for of, first in (("zos", heights), (ANOMALY, anomalies))
            for by in points
        }
        torch.testing.assert_close(scenes["zos", "zos"].innovation, scenes[ANOMALY, ANOMALY].innovation)
        assert not scenes["zos", ANOMALY].weight.any() and not scenes[ANOMALY, "zos"].weight.any()
        assert scenes[ANOMALY, ANOMALY].weight.any()

    def test_observations_outside_the_frame_count_for_nothing(self):
        assert not scene_of(self.FIRST, made(36.0, 60.0, 0.3, "zos", "ssh"))[0].weight.any()


class TestFeatures:
    FIRST = background(*axes(1.0, OPEN))
    HERE = 36.3, -28.6

    def one(self, error=0.03, value=0.1, first=FIRST):
        """Features of one observation of sea level, `value` above the background."""
        from adaf_xr.grids import sample

        at = sample(first.fields["zos"], first.latitude, first.longitude, *(np.array([x]) for x in self.HERE))
        return features_of(first, made(*self.HERE, at + value, "zos", "ssh", error))

    def test_there_are_as_many_as_the_network_takes_and_all_are_finite(self):
        first = background(*axes(1.0, OPEN), names=("zos", "thetao"), land=[(-30.0, -25.0, 30.0, 35.0)])
        found, _, frame = features_of(first, observed(60))
        n_coarse, n_fine = widths_of_input()
        assert found.coarse.shape == (n_coarse, *frame.shape)
        assert found.fine.shape == (n_fine, 2 * frame.rows, 2 * frame.columns)
        for planes in (found.coarse, found.fine, found.scale, found.gate):
            assert torch.isfinite(planes).all()
        assert (found.scale > 0).all()

    def test_the_scale_is_the_strength_of_eddies_above_a_floor(self):
        found, scene, frame = features_of(background(*axes(1.0, OPEN)))
        middle = where(frame, 36.0, -28.0)
        held = torch.nan_to_num(scene.coarse).double()
        inside = scene.sea.double()
        share = blurred(inside, EDDIES, False)
        eddies = (held - blurred(held, EDDIES, False) / share.clamp_min(1e-3)) * inside
        variance = blurred(eddies**2, EDDIES, False) / share.clamp_min(1e-3)
        for place, name in enumerate(STATE):
            expected = np.hypot(variance[place][middle].sqrt().item(), FLOOR[name])
            assert found.scale[place][middle].item() == pytest.approx(expected, rel=1e-4)

    @pytest.mark.parametrize("eddies", [0.0, 0.2, 0.4])
    def test_where_a_background_has_no_eddies_the_scale_is_the_misfit_beyond_errors_of_observations(self, eddies):
        latitude, longitude = axes(1.0, OPEN)
        flat = Background(latitude, longitude, np.empty(0), {"zos": np.zeros((latitude.size, longitude.size))})
        rng = np.random.default_rng(3)
        rows, columns = (part.ravel() for part in np.meshgrid(latitude, longitude, indexing="ij"))
        departures = np.hypot(eddies, 0.02) * rng.standard_normal(rows.size)
        found, _, frame = features_of(flat, made(rows, columns, departures, "zos", "ssh", 0.02))
        row, column = where(frame, 36.0, -28.0)
        scale = found.scale[0, row - 4 : row + 4, column - 4 : column + 4].mean().item()
        assert scale == pytest.approx(max(eddies, FLOOR["zos"]), rel=0.25)

    def test_the_estimate_of_a_cell_is_the_innovation_weighed_against_the_scale(self):
        found, _, frame = self.one(error=0.06, value=0.1)
        here = where(frame, *self.HERE)
        unit, weight = found.scale[0][here].item(), 0.25
        expected = weight * 0.1 / (weight + (0.03 / unit) ** 2) / unit
        estimate, known = found.coarse[2], found.coarse[BINS + 2]  # sea level is the first channel, now the third bin
        assert estimate[here].item() == pytest.approx(expected, rel=0.03)
        assert known[here].item() == pytest.approx(np.log1p(weight * (unit / 0.03) ** 2), rel=1e-3)
        assert torch.count_nonzero(estimate) == torch.count_nonzero(known) == 1

    def test_the_gate_opens_where_something_is_observed_within_six_cells(self):
        gate, frame = self.one()[0].gate, self.one()[2]
        row, column = where(frame, *self.HERE)
        rows, columns = (torch.arange(n) for n in frame.shape)
        near = ((rows - row).abs() <= 6)[:, None] & ((columns - column).abs() <= 6)[None]
        assert not gate[~near].any()
        assert (gate[near] > 0).all() and 0.2 < gate[row, column] <= gate.max() < 1.0
        assert not features_of(self.FIRST)[0].gate.any()

    def test_an_observation_with_a_huge_error_is_none(self):
        nothing, poor = features_of(self.FIRST)[0], self.one(error=1e9)[0]
        torch.testing.assert_close(poor.coarse, nothing.coarse, rtol=0, atol=1e-6)
        torch.testing.assert_close(poor.fine, nothing.fine, rtol=0, atol=1e-6)
        assert poor.gate.max() < 1e-6

    def test_twice_the_eddies_innovations_and_errors_are_the_same_but_for_floors(self):
        latitude, longitude = axes(1.0, OPEN)
        scales = 1e3, 2e3
        both = []
        for factor in scales:
            eddies = {name: factor * (values - values.mean()) for name, values in self.FIRST.fields.items()}
            parts = []
            for name, source in (("zos", "ssh"), ("thetao", "sst"), ("so", "insitu"), ("uo", "insitu")):
                rng = np.random.default_rng(CODES[name])
                at = rng.uniform(26.0, 46.0, 50), rng.uniform(-38.0, -18.0, 50)
                parts.append(made(*at, factor * rng.standard_normal(50), name, source, 0.3 * factor))
            first = Background(latitude, longitude, np.empty(0), eddies)
            both.append(features_of(first, type(parts[0]).concatenate(parts))[0])
        one, two = both
        at_sea = (..., slice(8, 32), slice(16, 40))  # of the frame; on land there is the floor only
        torch.testing.assert_close(two.scale[at_sea], 2.0 * one.scale[at_sea], rtol=1e-4, atol=0)
        torch.testing.assert_close(two.gate, one.gate, rtol=1e-3, atol=1e-5)
        torch.testing.assert_close(two.fine, one.fine, rtol=1e-3, atol=1e-3)
        same = torch.ones(len(one.coarse), dtype=torch.bool)
        same[STATIC + 5 : STATIC + 15] = False  # the large scale and the logarithm of the scale
        torch.testing.assert_close(two.coarse[same][at_sea], one.coarse[same][at_sea], rtol=1e-3, atol=1e-3)
        assert one.coarse[:STATIC].abs().max() > 0.5

    def test_the_size_of_the_input_does_not_matter_to_its_middle(self):
        large = background(*axes(1.0, (-64.0, 0.0, 10.0, 60.0)))
        part = background(*axes(1.0, (-56.0, -8.0, 12.0, 60.0)))
        (all_, _, wide), (some, _, narrow) = (features_of(first, observed(60)) for first in (large, part))
        reach = 2 * 9 + 1  # two blurs of three standard deviations, and a cell for what is interpolated
        rows, columns = slice(12 + reach, 60 - reach), slice(-56 + reach, -8 - reach)
        cut = (
            [slice(rows.start + 90 - frame.south, rows.stop + 90 - frame.south) for frame in (wide, narrow)],
            [slice(columns.start + 180 - frame.west, columns.stop + 180 - frame.west) for frame in (wide, narrow)],
        )
        torch.testing.assert_close(
            all_.coarse[:, cut[0][0], cut[1][0]], some.coarse[:, cut[0][1], cut[1][1]], rtol=1e-4, atol=1e-5
        )
