"""Sea level that is wrong at the scale of basins: found where it is there, and nothing else is touched."""

from dataclasses import replace

import numpy as np
import numpy.testing as npt
import pytest
from small_ocean import WHEN, analysed, made, small

from adaf_xr.models.adaf_ocean.engine import AdafOcean
from adaf_xr.models.adaf_ocean.large_scale import variances, with_large_scale
from adaf_xr.models.adaf_ocean.sums import Sums
from adaf_xr.models.base import Background, Targets
from adaf_xr.points.arrays import Points

LATITUDE, LONGITUDE = np.arange(-59.5, 60.0), np.arange(-179.5, 180.0)


def basins(latitude, longitude):
    """A rise of sea level [m] over thousands of kilometres, without a seam."""
    return 0.08 * np.cos(np.radians(3.0 * latitude)) * np.cos(np.radians(2.0 * longitude))


def eddies(latitude, longitude):
    """Waves of four degrees [m]."""
    return 0.08 * np.sin(np.radians(90.0 * latitude)) * np.sin(np.radians(90.0 * longitude))


def flat(**fields):
    zero = np.zeros((LATITUDE.size, LONGITUDE.size))
    return Background(LATITUDE, LONGITUDE, np.empty(0), {"zos": zero, **fields})


def observed(field, number=12000, variable="zos", seed=0):
    """Noisy readings of a field at places that cover the sea evenly."""
    rng = np.random.default_rng(seed)
    latitude, longitude = np.degrees(np.arcsin(rng.uniform(-0.86, 0.86, number))), rng.uniform(-180.0, 180.0, number)
    days, noise = rng.uniform(-4.9, 4.9, number), 0.03 * rng.standard_normal(number)
    return made(latitude, longitude, field(latitude, longitude) + noise, variable, "ssh", 0.03, days=days)


def corrected(points, background=None):
    background = flat() if background is None else background
    return with_large_scale(background, Sums.of(points, WHEN))


def rms(x):
    return float(np.sqrt(np.mean(np.square(x))))


def both(latitude, longitude):
    return basins(latitude, longitude) + eddies(latitude, longitude)


class TestLargeScale:
    def test_it_is_found_among_eddies_and_noise(self):
        truth = basins(LATITUDE[:, None], LONGITUDE)
        found = corrected(observed(both)).fields["zos"]
        assert rms(found - truth) < 0.25 * rms(truth)

    @pytest.mark.parametrize("field", [eddies, lambda latitude, longitude: 0.0 * latitude], ids=["eddies", "nothing"])
    def test_where_it_is_right_the_background_comes_back_itself(self, field):
        background = flat()
        assert corrected(observed(field), background) is background

    @pytest.mark.parametrize("number", [0, 1, 2, 12])
    def test_few_observations_say_nothing_of_it(self, number):
        background = flat()
        assert corrected(observed(basins, number), background) is background

    def test_only_sea_level_is_touched_and_land_stays(self):
        level, warm = np.zeros((2, LATITUDE.size, LONGITUDE.size))
        level[40:60, 100:130] = np.nan
        background = flat(zos=level, thetao=warm)
        found = corrected(observed(basins), background)
        assert found.fields["thetao"] is warm and not level[0].any()
        npt.assert_array_equal(np.isnan(found.fields["zos"]), np.isnan(level))

    def test_an_anomaly_is_corrected_by_anomalies(self):
        fields = {"sla": np.zeros((LATITUDE.size, LONGITUDE.size))}
        background = replace(flat(), fields=fields)
        assert corrected(observed(basins), background) is background
        found = corrected(observed(basins, variable="sla"), background).fields["sla"]
        npt.assert_allclose(found, corrected(observed(basins)).fields["zos"], atol=1e-9)

    def test_neither_order_nor_parts_nor_the_cut_of_longitude_matter(self):
        points = observed(both)
        expected = corrected(points).fields["zos"]
        order = np.random.default_rng(1).permutation(len(points))
        shuffled = points.take(order)
        parts = Sums.of(shuffled.take(slice(0, 5000)), WHEN) + Sums.of(shuffled.take(slice(5000, None)), WHEN)
        npt.assert_allclose(with_large_scale(flat(), parts).fields["zos"], expected, atol=1e-9)
        east = replace(flat(), longitude=LONGITUDE + 180.0)
        npt.assert_allclose(np.roll(corrected(points, east).fields["zos"], 180, 1), expected, atol=1e-9)

    def test_the_variances_are_those_of_the_parts(self):
        """Of means over cells that are far from one another, beside a field that covaries as the scale says."""
        sums = Sums.of(observed(both, 40000), WHEN)
        found = []

        def kept(wide):
            found.append(variances(wide))
            return found[-1]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("adaf_xr.models.adaf_ocean.large_scale.variances", kept)
            with_large_scale(flat(), sums)
        (broad, rest), inside = found[0], np.abs(LATITUDE) < 59.0
        weight = np.cos(np.radians(LATITUDE[inside]))
        expected = np.average(basins(LATITUDE[inside, None], LONGITUDE).var(1), weights=weight)
        assert broad == pytest.approx(expected, rel=0.35)
        assert 0.0 < rest < broad


class TestEngine:
    WHERE = Targets(np.arange(-40.0, 41.0, 8.0), np.arange(-170.0, 171.0, 10.0))

    def test_it_comes_before_the_network(self):
        """What the network sees, and adds to, is the corrected background."""
        points, alone = observed(both), AdafOcean(small(), large_scale=False)
        found = analysed(points, flat(), self.WHERE, AdafOcean(small()))
        expected = analysed(points, corrected(points), self.WHERE, alone)
        without = analysed(points, flat(), self.WHERE, alone)
        for name, field in expected.mean.items():
            npt.assert_array_equal(found.mean[name], field)
            npt.assert_array_equal(found.std[name], expected.std[name])
        assert rms(found.mean["zos"] - without.mean["zos"]) > 0.02

    def test_without_observations_the_analysis_is_the_background(self):
        found = analysed(Points.empty(), flat(), self.WHERE, AdafOcean(small()))
        npt.assert_array_equal(found.mean["zos"], 0.0)
