"""The engine that is taken when none is named: each variable by the first that knows it, as if it were alone."""

import subprocess
import sys

import numpy as np
import numpy.testing as npt
import pytest
import shipped_toy
import toy
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import adaf_xr
from adaf_xr import checkpoint
from adaf_xr.cf.canonical import SOURCES, VARIABLES
from adaf_xr.inference import engines, sharing, together
from adaf_xr.inference.encoding import Scene
from adaf_xr.inference.notices import NoObservationsWarning
from adaf_xr.models.base import Background
from adaf_xr.models.optimal_interpolation import OptimalInterpolation
from adaf_xr.points.arrays import Points

property_test = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

GRID = {"latitude": [21.3, 23.0, 26.2], "longitude": [-36.0, -33.3]}


@pytest.fixture
def weights(monkeypatch, tmp_path):
    """Path and hash of weights that are shipped, and the default before oi."""
    return shipped_toy.install(monkeypatch, tmp_path / "weights")


@pytest.fixture
def obs():
    """What four observing systems say over six days; the anomaly's is a source that only oi uses."""
    return xr.DataTree.from_dict(
        {
            "/ssh": toy.points(90, 1, names=("zos",), days=6),
            "/insitu": toy.points(60, 2, names=("thetao", "so", "uo"), days=6, source="insitu"),
            "/ice": toy.points(50, 3, names=("siconc",), days=6, source="ice", offset=1.0),
            "/wind": toy.points(40, 4, names=("uas", "siconc"), days=6, source="wind", offset=1.0),
        }
    )


def background(*names):
    bg = toy.background(3, names=names)
    return bg.assign(siconc=bg.siconc + 0.9) if "siconc" in names else bg


def assimilate(obs, bg, **how):
    return adaf_xr.assimilate(obs, bg, grid=GRID, **how)


class TestEachVariableHasItsEngine:
    @property_test
    @given(
        st.sets(st.sampled_from(["thetao", "so", "zos"]), min_size=1),
        st.sets(st.sampled_from(["uo", "siconc"]), min_size=1),
        st.sampled_from([None, "2D", ("4D", "1h")]),
        st.booleans(),
    )
    def test_engines_together_are_the_engines_alone(self, weights, obs, known, unknown, window, lazy):
        if lazy:
            obs = xr.DataTree.from_dict({f"/{k}": toy.lazy(node.to_dataset(), 17) for k, node in obs.children.items()})
        both = assimilate(obs, background(*known, *unknown), window=window)
        for names, model in ((known, "adaf-ocean"), (unknown, "oi")):
            alone = assimilate(obs, background(*names), window=window, model=model)
            assert {*names, *(f"{name}_std" for name in names)} == set(alone.data_vars)
            xr.testing.assert_identical(both[list(alone.data_vars)].drop_attrs().load(), alone.drop_attrs().load())
            assert all(both[name].attrs == alone[name].attrs for name in alone.data_vars)

    @pytest.mark.parametrize("depth", [[0.5, 10.0, 50.0, 500.0], [500.0, 50.0, 10.0, 0.5], [12.0, 12.5]])
    def test_levels_that_an_engine_does_not_reach_are_the_next_ones(self, weights, obs, depth):
        bg = toy.background(2, names=("zos",), depth=depth)
        shallow, below = (np.flatnonzero((np.array(depth) <= 12.0) == wanted) for wanted in (True, False))
        both = assimilate(obs, bg).load()
        assert both.thetao.dims == ("time", "depth", "latitude", "longitude")
        learned = assimilate(obs, bg.isel(depth=shallow), model="adaf-ocean").load()
        classic = assimilate(obs, bg[["thetao"]], model="oi").load()
        for name in ("thetao", "thetao_std"):
            xr.testing.assert_equal(both[name].isel(depth=shallow), learned[name])
            xr.testing.assert_equal(both[name].isel(depth=below), classic[name].isel(depth=below))
        for name in ("zos", "zos_std"):
            xr.testing.assert_equal(both[name], learned[name])

    @pytest.mark.parametrize(("depth", "model"), [([0.5, 10.0], "adaf-ocean"), ([13.0, 100.0], "oi")])
    def test_levels_that_one_engine_has_alone_are_its_own(self, weights, obs, depth, model):
        bg = toy.background(2, names=(), depth=depth)
        xr.testing.assert_identical(assimilate(obs, bg).load(), assimilate(obs, bg, model=model).load())

    def test_depth_belongs_to_those_that_have_it(self, weights, obs):
        bg = toy.background(2, names=("siconc",), depth=[0.5, 10.0])
        both = assimilate(obs, bg).load()
        xr.testing.assert_equal(both.siconc, assimilate(obs, bg[["siconc"]], model="oi").siconc.load())
        xr.testing.assert_equal(both.thetao, assimilate(obs, bg[["thetao"]], model="adaf-ocean").thetao.load())

    def test_the_spacing_is_that_of_the_first(self, weights, obs):
        an = adaf_xr.assimilate(obs, background("zos", "siconc"))
        assert float(an.latitude.diff("latitude").mean()) == pytest.approx(0.5)

    def test_one_engine_alone_is_as_if_it_had_been_named(self, weights, obs):
        for name, model in (("siconc", "oi"), ("zos", "adaf-ocean")):
            default, named = (assimilate(obs, background(name), model=m) for m in (None, model))
            assert default.attrs == named.attrs
            assert default[name].data.name == named[name].data.name

    def test_an_engine_without_any_variable_is_not_even_made(self, weights, obs, monkeypatch):
        monkeypatch.setitem(engines.ASSIMILATION, "oi", lambda: pytest.fail("oi has nothing to do here"))
        assert assimilate(obs, background("zos", "so")).attrs["adaf_model"] == "adaf-ocean"

    def test_a_call_with_equal_arguments_has_equal_keys(self, weights, obs):
        bg = background("zos", "siconc")
        assert assimilate(obs, bg).zos.data.name == assimilate(obs, bg).zos.data.name
        assert assimilate(obs, bg).zos.data.name != assimilate(obs, bg, window="2D").zos.data.name

    def test_a_background_of_ice_loads_no_torch(self):
        program = (
            "import sys, toy, adaf_xr\n"
            "bg, obs = toy.background(1, names=('siconc',)), toy.points(names=('siconc',), source='ice')\n"
            "an = adaf_xr.assimilate(obs, bg).compute()\n"
            "print(an.attrs['adaf_model'], 'torch' in sys.modules)"
        )
        command = [sys.executable, "-c", program]
        done = subprocess.run(command, cwd=toy.__file__.rpartition("/")[0], capture_output=True, text=True, check=True)
        assert done.stdout.split() == ["oi", "False"]


class TestWhatIsTold:
    def test_history_says_which_engine_made_what_and_from_which_weights(self, weights, obs):
        an = assimilate(obs, background("so", "siconc", "zos"))
        oi = OptimalInterpolation().spec.provenance
        provenance = f"so, zos by adaf-ocean (a toy; checkpoint sha256 {weights[1]}); siconc by oi ({oi})"
        did = "ssh, insitu, ice, wind into so, siconc, zos; observations from 5 days before to 5 days after"
        assert an.attrs["history"] == f"adaf_xr {adaf_xr.__version__}: assimilate({did}); {provenance}"
        assert an.attrs["adaf_provenance"] == provenance
        assert an.attrs["adaf_model"] == "adaf-ocean, oi"

    @pytest.mark.parametrize(
        ("depth", "at"), [([0.5, 50.0], "0.5 m"), ([0.5, 2.0, 9.6, 50.0], "0.5 to 9.6 m"), ([50.0, 9.6], "9.6 m")]
    )
    def test_history_says_which_levels(self, weights, obs, depth, at):
        an = assimilate(obs, toy.background(1, names=("zos", "siconc"), depth=depth))
        provenance = an.attrs["adaf_provenance"]
        assert provenance.startswith(f"zos, thetao at {at} by adaf-ocean (")
        assert "; siconc, thetao at other levels by oi (" in provenance
        assert "into zos, siconc, thetao; observations" in an.attrs["history"]

    def test_what_no_engine_knows_is_said_to_be_kept(self, weights, obs):
        an = assimilate(obs, background("zos", "uas"))
        assert "into zos; uas as in the background; observations" in an.attrs["history"]
        npt.assert_allclose(an.uas[0], 0.01 * an.latitude + 0.02 * an.longitude, rtol=1e-5)
        assert "uas_std" not in an

    @pytest.mark.parametrize("model", [None, "oi", "adaf-ocean"])
    def test_a_background_that_no_engine_knows_is_refused_at_the_call(self, weights, obs, model, nothing_computes):
        with pytest.raises(ValueError, match=r"analyses .*, and the background has uas: nothing of it would change"):
            assimilate(obs, background("uas"), model=model)

    def test_no_observation_at_all_is_said_once(self, weights):
        bg = background("zos", "siconc").isel(time=slice(1))
        with pytest.warns(NoObservationsWarning) as said:
            an = assimilate([], bg).compute()
        assert len(said) == 1
        npt.assert_allclose(an.zos - (0.01 * an.latitude + 0.02 * an.longitude), 0.25, atol=1e-6)


class TestMembers:
    """What one member sees of points."""

    @property_test
    @given(st.integers(0, 2**32 - 1), st.integers(0, 200))
    def test_those_of_its_window_sources_and_variables_and_no_other(self, weights, seed, n):
        rng, noon, hour = np.random.default_rng(seed), np.datetime64("2020-01-01T12", "ns"), np.timedelta64(1, "h")
        zero = np.zeros(n)
        points = Points(
            zero, zero, zero, noon + rng.integers(-48, 48, n) * hour, np.arange(n), zero,
            rng.integers(0, len(VARIABLES), n).astype("i1"), rng.integers(0, len(SOURCES), n).astype("i1"),
        )  # fmt: skip
        member = together.Member(engines.ASSIMILATION["adaf-ocean"](), ("zos",))
        names, sources = list(VARIABLES), SOURCES
        expected = [
            row
            for row in range(n)
            if names[points.variable[row]] in ("zos", "uas")
            and sources[points.source[row]] in ("ssh", "insitu", "wind")
            and noon - 36 * hour <= points.time[row] < noon + 6 * hour
        ]
        assert member.selection(points, noon).value.tolist() == expected

    def test_all_of_them_are_taken_without_a_copy(self, weights):
        scene = Scene(np.datetime64("2020-01-02T12", "ns"), None)
        points = Points.from_columns(
            {
                name: np.zeros(3) if name != "time" else np.full(3, scene.time)
                for name in ("longitude", "latitude", "depth", "time", "zos")
            },
            "ssh",
        )
        member = together.Member(engines.ASSIMILATION["adaf-ocean"](), ("zos",))
        assert member.selection(points, scene.time) is points

    def test_of_the_background_its_own_fields_alone(self, weights):
        flat, deep = np.zeros((2, 3)), np.zeros((4, 2, 3))
        whole = Background(
            np.arange(2.0), np.arange(3.0), np.arange(4.0), {"zos": flat, "thetao": deep, "siconc": flat}
        )
        member = together.Member(engines.ASSIMILATION["adaf-ocean"](), ("zos",))
        assert (list(member.part_of(whole).fields), member.part_of(whole).depth.size) == (["zos"], 0)
        both = together.Member(member.engine, ("zos", "thetao")).part_of(whole)
        assert (list(both.fields), both.depth.size) == (["zos", "thetao"], 4)
        cut = together.Member(member.engine, ("zos", "thetao"), levels=(1.0, 3.0)).part_of(whole)
        assert cut.depth.tolist() == [1.0, 3.0]
        assert {name: values.shape for name, values in cut.fields.items()} == {"zos": (2, 3), "thetao": (2, 2, 3)}


class TestDevices:
    @pytest.mark.parametrize("window", [None, "4D"])
    def test_one_that_can_move_does_and_the_other_stays(self, weights, window):
        engine = sharing.default_engine(background("zos", "siconc"), window, "cuda:1")
        learned, classic = (member.engine for member in engine.members)
        assert (learned if window is None else learned.model).device == "cuda:1"
        assert (classic if window is None else classic.model) == OptimalInterpolation()

    def test_one_that_cannot_move_refuses_alone(self, weights):
        with pytest.raises(ValueError, match="OptimalInterpolation runs on the CPU only"):
            sharing.default_engine(background("siconc"), device="cuda")


class TestWhatIsShipped:
    """The defaults as they are, not as a test would have them."""

    @pytest.mark.parametrize("name", engines.ASSIMILATION_DEFAULT)
    def test_every_default_is_sound(self, name):
        engine = engines.resolve(name, engines.ASSIMILATION, ("spec", "encode", "analyse"), None)
        engines.check_spec(engine)
        assert engine.spec.name == name
        assert engine.spec.gives_std

    def test_every_level_of_every_variable_is_analysed(self, obs):
        names = ("so", "uo", "vo", "zos", "sla", "siconc")
        bg = toy.background(1, names=names, depth=[0.5, 100.0, 500.0])
        an = assimilate(obs, bg.assign(siconc=bg.siconc + 0.9, so=bg.so + 35)).compute()
        assert all(np.isfinite(an[f"{name}_std"]).all() for name in (*names, "thetao"))

    def test_optimal_interpolation_takes_what_is_left(self):
        assert engines.ASSIMILATION_DEFAULT[-1] == "oi"
        assert engines.UPSAMPLING_DEFAULT[-1] == "cubic"

    def test_what_one_engine_does_not_reach_the_last_one_knows(self):
        defaults = [engines.ASSIMILATION[name]().spec for name in engines.ASSIMILATION_DEFAULT]
        assert all(set(spec.variables) <= set(defaults[-1].variables) for spec in defaults)

    def test_a_checkpoint_that_lies_there_is_one_of_ours_by_its_name(self):
        from adaf_xr.inference import shipped

        files = sorted(shipped.FOLDER.glob("*"))
        assert sum(file.stat().st_size for file in files) <= 12e6
        for file in files:
            assert file.stem in {*engines.ASSIMILATION, *engines.UPSAMPLING}
            family = "4dvarnet" if file.stem in engines.FOURDVARNET else file.stem
            assert checkpoint.read(file).family == family

    @pytest.mark.parametrize("name", engines.FOURDVARNET)
    def test_an_experiment_of_4dvarnet_is_what_its_name_says(self, name):
        spec = engines.resolve(name, engines.ASSIMILATION, ("spec", "encode", "analyse"), None).spec
        assert spec.name == name
        assert set(spec.adds) == {"uo", "vo"}
        assert ("sst" in spec.sources) == name.endswith("sst")
