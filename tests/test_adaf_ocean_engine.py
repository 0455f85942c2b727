"""The default model as an engine: variables and levels, checkpoints and devices, and `assimilate` with it."""

import pickle
from dataclasses import replace

import numpy as np
import numpy.testing as npt
import pytest
import torch
import xarray as xr
from dask.base import tokenize
from small_ocean import (
    BOX,
    FIRST,
    POINTS,
    SMALL,
    WHEN,
    WHERE,
    analysed,
    axes,
    background,
    engine,
    increments,
    made,
    observed,
    same,
    small,
)

import adaf_xr
from adaf_xr import checkpoint
from adaf_xr.checkpoint import CheckpointError, Reference
from adaf_xr.inference.notices import NoObservationsWarning
from adaf_xr.models.adaf_ocean.channels import ANOMALY, STATE
from adaf_xr.models.adaf_ocean.configuration import Configuration
from adaf_xr.models.adaf_ocean.engine import REACH, AdafOcean
from adaf_xr.models.adaf_ocean.large_scale import HALO
from adaf_xr.models.adaf_ocean.weights import checkpoint_of
from adaf_xr.models.base import Background, Targets
from adaf_xr.models.first_guess import at_targets
from adaf_xr.models.weights import weights_of
from adaf_xr.points.arrays import Points


class TestVariables:
    def test_only_those_of_the_background_are_given(self):
        first = background(*axes(1.0, BOX), names=("thetao", "zos"))
        with_ice = replace(first, fields={**first.fields, "siconc": np.zeros((24, 24))})
        assert set(analysed(POINTS, with_ice).mean) == {"thetao", "zos"}

    def test_anomalies_are_corrected_as_sea_level_is(self):
        heights = background(*axes(1.0, BOX), names=("zos", "thetao"))
        anomalies = replace(heights, fields={ANOMALY: heights.fields["zos"], "thetao": heights.fields["thetao"]})
        points = observed(60, sources=("ssh", "sst"))
        own = replace(points, variable=np.where(points.variable == 4, 5, points.variable).astype("i1"))
        found, expected = analysed(own, anomalies), analysed(points, heights)
        assert set(found.mean) == {ANOMALY, "thetao"}
        npt.assert_array_equal(found.mean[ANOMALY], expected.mean["zos"])
        npt.assert_array_equal(found.std[ANOMALY], expected.std["zos"])
        npt.assert_array_equal(found.mean["thetao"], expected.mean["thetao"])

    def test_sea_level_and_anomaly_together_are_each_corrected_by_their_own(self):
        both = background(*axes(1.0, BOX), names=("zos", "thetao"))
        both.fields[ANOMALY] = both.fields["zos"] - 0.4
        heights, own = made(36.0, -28.0, 0.9, "zos", "ssh"), made(33.0, -25.0, -0.9, ANOMALY, "ssh")
        found = analysed(Points.concatenate([heights, own]), both)
        without = {name: {n: v for n, v in both.fields.items() if n != name} for name in ("zos", ANOMALY)}
        absolute = analysed(heights, replace(both, fields=without[ANOMALY]))
        relative = analysed(own, replace(both, fields=without["zos"]))
        assert set(found.mean) == {"zos", "thetao", ANOMALY}
        npt.assert_array_equal(found.mean["zos"], absolute.mean["zos"])
        npt.assert_array_equal(found.mean["thetao"], absolute.mean["thetao"])
        npt.assert_array_equal(found.mean[ANOMALY], relative.mean[ANOMALY])


class TestDepth:
    DEPTH = np.array([30.0, 0.5, 11.4, 100.0])

    def first(self, depth=DEPTH):
        flat = background(*axes(1.0, BOX))
        deep = {name: np.stack([values - 0.01 * d for d in depth]) for name, values in flat.fields.items()}
        return Background(flat.latitude, flat.longitude, depth, {**deep, "zos": flat.fields["zos"]})

    def test_levels_near_the_surface_are_analysed_with_it_and_deeper_ones_kept(self):
        first = self.first()
        found = analysed(POINTS, first)
        surface = {name: values if values.ndim == 2 else values[1] for name, values in first.fields.items()}
        flat = increments(POINTS, replace(first, depth=np.empty(0), fields=surface))
        for name in STATE:
            guess = at_targets(first.fields[name], first, WHERE).reshape(found.mean[name].shape)
            if name == "zos":
                npt.assert_allclose(found.mean[name] - guess, flat[name], atol=1e-12)
                continue
            assert found.mean[name].shape == (4, *WHERE.shape)
            for level, depth in enumerate(self.DEPTH):
                expected = flat[name] if depth < 12.0 else 0.0
                npt.assert_allclose(found.mean[name][level] - guess[level], expected, atol=1e-5)
                assert np.isfinite(found.std[name][level]).all() == (depth < 12.0)

    def test_a_background_that_begins_below_the_surface_is_refused(self):
        first = self.first(np.array([40.0, 100.0, 200.0, 300.0]))
        with pytest.raises(ValueError, match=r"down to 12 m, and the shallowest .* at 40 m: add .* or take model='oi'"):
            analysed(POINTS, first)


class TestEngine:
    def written(self, path, **options):
        checkpoint.write(checkpoint_of(SMALL, weights_of(small()), **options), path)
        return path

    def test_the_spec_says_what_it_reads_and_gives(self, tmp_path):
        spec = engine().spec
        assert spec.name == "adaf-ocean" and spec.variables == (*STATE, ANOMALY) and not spec.needs and not spec.adds
        assert set(spec.sources) == {"insitu", "sst", "sss", "ssh", "wind", "ice"}
        assert spec.predictors == ("uas", "vas", "siconc") and spec.gives_std and spec.grid == 0.25
        assert [span / np.timedelta64(1, "D") for span in spec.window] == [5.0, 5.0]
        assert spec.provenance == "ADAF-Ocean network, from memory" and not spec.checkpoint
        path = self.written(tmp_path / "a.safetensors", provenance={"data": {"experiment": {"name": "toy-v1"}}})
        spec = AdafOcean(path).spec
        assert spec.provenance == "ADAF-Ocean network, trained on toy-v1"
        assert spec.checkpoint == Reference.of(path).sha256
        said = self.written(tmp_path / "b.safetensors", provenance={"trained_on": "this and that"})
        assert AdafOcean(said).spec.provenance.endswith("trained on this and that")

    def test_calibration_multiplies_standard_errors_and_nothing_else(self, tmp_path):
        paths = tmp_path / "plain.safetensors", tmp_path / "fitted.safetensors"
        factors = {"zos": 1.5, "so": 0.8}
        for path, calibration in zip(paths, (None, factors), strict=True):
            checkpoint.write(checkpoint_of(SMALL, weights_of(small()), calibration=calibration), path)
        plain, fitted = (analysed(POINTS, model=AdafOcean(path)) for path in paths)
        same(fitted.mean, plain.mean, atol=0)
        for name in STATE:
            npt.assert_allclose(fitted.std[name], factors.get(name, 1.0) * plain.std[name], rtol=1e-6)

    def test_the_halo_is_as_wide_as_what_matters(self):
        assert engine().spec.halo == HALO
        alone = AdafOcean(small(), large_scale=False)
        assert alone.spec.halo == pytest.approx(np.radians(SMALL.reach + REACH) * 6371.0)
        assert (
            Configuration().reach > replace(SMALL, blocks=(1, 2)).reach == SMALL.reach + 4
        )  # two convolutions on tokens

    def test_in_a_file_its_weights_stay_out_of_graphs(self, tmp_path):
        path = self.written(tmp_path / "a.safetensors")
        filed = AdafOcean(path)
        assert len(pickle.dumps(filed)) < 2000 and hash(filed) == hash(AdafOcean(str(path)))
        assert tokenize(filed) == tokenize(AdafOcean(Reference.of(path))) != tokenize(engine())
        assert tokenize(engine()) == tokenize(AdafOcean(small())) != tokenize(AdafOcean(small(seed=1)))
        found, expected = analysed(POINTS, model=filed), analysed(POINTS)
        for name in STATE:  # weights in a file have half precision
            change = np.abs(expected.mean[name] - at_targets(FIRST.fields[name], FIRST, WHERE)[0]).max()
            npt.assert_allclose(found.mean[name], expected.mean[name], atol=0.02 * change)
        same(analysed(POINTS, model=pickle.loads(pickle.dumps(filed))), found, atol=0)

    def test_a_device_that_is_not_there(self):
        moved = engine().to("cuda:7")
        assert moved.device == "cuda:7" and engine().device == "cpu"
        with pytest.raises(ValueError, match=r"device='cuda:7': .* has cpu"):
            analysed(POINTS, model=moved)
        with pytest.raises(ValueError, match="no device that torch knows"):
            analysed(POINTS, model=engine().to("abacus"))

    def test_what_is_no_network(self, tmp_path):
        with pytest.raises(TypeError, match="Linear is no network: give a checkpoint, its path, or an AdafOcean"):
            AdafOcean(torch.nn.Linear(1, 1))
        with pytest.raises(CheckpointError, match="no checkpoint"):
            AdafOcean(tmp_path / "nothing.safetensors")

    def test_weights_want_no_gradient_whoever_calls(self):
        network = small().requires_grad_(True)
        found = analysed(POINTS, model=AdafOcean(network))
        same(found, analysed(POINTS), atol=0)
        assert all(parameter.grad is None for parameter in network.parameters())


class TestAssimilate:
    def labelled(self, names=("zos", "thetao")):
        dims = ("latitude", "longitude")
        fields = {name: (dims, FIRST.fields[name], {"units": "m" if name == "zos" else "degC"}) for name in names}
        return xr.Dataset(fields, {"latitude": FIRST.latitude, "longitude": FIRST.longitude, "time": WHEN})

    def tree(self, points):
        nodes = {}
        for source, name, variable in (("ssh", "zos", 4), ("sst", "thetao", 0)):
            rows = points.take(points.variable == variable)
            rows = rows.take(rows.source == (3 if source == "ssh" else 1))
            where = {c: ("obs", getattr(rows, c)) for c in ("longitude", "latitude", "depth", "time")}
            attrs = {"featureType": "point", "source": source}
            values = {name: ("obs", rows.value), f"{name}_error": ("obs", rows.error)}
            nodes[source] = xr.Dataset(values, where, attrs)
        return xr.DataTree.from_dict(nodes)

    def test_lazily_it_is_the_engine(self):
        first = background(*axes(1.0, BOX), names=("zos", "thetao"))
        model = engine()
        an = adaf_xr.assimilate(self.tree(POINTS), self.labelled(), model=model, region=(-36.0, -20.0, 28.0, 44.0))
        assert an.zos.dtype == "f8" and "ADAF-Ocean network" in an.attrs["history"]
        found = an.isel(time=0).compute()
        points = observed(60, sources=("ssh", "sst"))
        expected = analysed(points, first, Targets(an.latitude.values, an.longitude.values))
        for name in ("zos", "thetao"):
            sea = np.isfinite(found[name].values)  # the shipped mask knows islands
            npt.assert_allclose(found[name].values[sea], expected.mean[name][sea], atol=1e-6)
            npt.assert_allclose(found[f"{name}_std"].values[sea], expected.std[name][sea], rtol=1e-5)
            assert sea.mean() > 0.9

    def test_no_observation_is_the_background_with_a_warning(self):
        nothing = self.tree(POINTS.take(slice(0, 0)))
        an = adaf_xr.assimilate(nothing, self.labelled(), model=engine(), region=(-36.0, -20.0, 28.0, 44.0))
        with pytest.warns(NoObservationsWarning, match="ssh: no valid value"):
            found = an.isel(time=0).compute()
        where = Targets(found.latitude.values, found.longitude.values)
        expected = at_targets(FIRST.fields["zos"], FIRST, where)[0]
        sea = np.isfinite(found.zos.values)
        npt.assert_array_equal(found.zos.values[sea], expected[sea])

    def test_variables_that_it_does_not_know(self):
        ice = self.labelled(("zos",)).rename(zos="siconc")
        ice.siconc.attrs["units"] = "1"
        with pytest.raises(ValueError, match="analyses zos, thetao, so, uo, vo, sla, and the background has"):
            adaf_xr.assimilate(self.tree(POINTS), ice, model=engine())
