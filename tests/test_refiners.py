"""Which engine refines a field when none is named, and what the history says of it."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.testing as npt
import pytest
import xarray as xr

import adaf_xr
from adaf_xr.inference import engines
from adaf_xr.inference.refiners import PROTOCOL
from adaf_xr.models.cubic import Cubic


@dataclass(frozen=True)
class Learned:
    """Repeats the coarse value and adds 100, for what it is made for."""

    name: str = "toy-sr"
    provenance: str = "a toy"
    checkpoint: str = "ab12"
    variables: tuple = ("thetao", "zos")
    factors: tuple = (1, 2, 4)
    spacings: tuple = (0.5, 1.0)
    device: str = "cpu"

    def upsample(self, field, latitude, longitude, factor, keep_means=False, sea=None):
        return np.kron(field, np.ones((factor, factor))) + 100.0

    def to(self, device):
        return replace(self, device=device)


@pytest.fixture(autouse=True)
def default(monkeypatch):
    """The toy comes before cubic."""
    monkeypatch.setitem(engines.UPSAMPLING, "toy-sr", Learned)
    monkeypatch.setattr(engines, "UPSAMPLING_DEFAULT", ("toy-sr", "cubic"))


def coarse(name, spacing=1.0, **attrs):
    """A small smooth field on a regional grid of some spacing."""
    lat, lon = 20.5 + spacing * np.arange(6), -30.5 + spacing * np.arange(8)
    values = np.sin(lat)[:, None] + np.cos(lon)
    return xr.DataArray(values, {"latitude": lat, "longitude": lon}, ("latitude", "longitude"), name, attrs)


def is_learned(field, factor=4, **how):
    """Whether the toy made it, which 100 more than the field tells."""
    fine = adaf_xr.upsample(field, factor, **how)
    mean = float(fine.mean() - field.mean())
    assert min(abs(mean), abs(mean - 100)) < 0.5
    return mean > 50


@pytest.mark.parametrize(
    ("field", "learned"),
    [
        (coarse("thetao"), True),
        (coarse("analysed_sst", units="kelvin"), True),
        (coarse("anything", standard_name="sea_surface_height_above_geoid"), True),
        (coarse("adt"), True),
        (coarse("so"), False),
        (coarse("uas"), False),
        (coarse("chlorophyll"), False),
        (coarse(None), False),
        (coarse("zos_std", standard_name="sea_surface_height_above_geoid standard_error"), False),
        (coarse("zos", cell_methods="time: standard_deviation"), False),
        (coarse("thetao", spacing=0.5), True),
        (coarse("thetao", spacing=0.25), False),
        (coarse("thetao", spacing=2.0), False),
    ],
)
def test_a_field_is_refined_by_what_was_made_for_its_quantity_and_spacing(field, learned):
    assert is_learned(field) is learned


@pytest.mark.parametrize(("factor", "learned"), [(2, True), (3, False), (4, True), (5, False)])
def test_a_factor_that_is_not_learned_is_cubic(factor, learned):
    assert is_learned(coarse("zos"), factor) is learned
    cubic = adaf_xr.upsample(coarse("zos"), factor, model="cubic")
    if not learned:
        xr.testing.assert_identical(adaf_xr.upsample(coarse("zos"), factor).compute(), cubic.compute())


def test_every_variable_of_a_dataset_has_its_engine_and_history_names_it():
    ds = xr.merge([coarse(name) for name in ("thetao", "so", "uas", "zos")])
    ds["quality"] = (ds.zos > 0).astype("i1")
    fine = adaf_xr.upsample(ds)
    for name in ds.data_vars:
        npt.assert_array_equal(fine[name], adaf_xr.upsample(ds[name]))
    spline = Cubic().provenance
    assert fine.attrs["adaf_model"] == "toy-sr, cubic"
    assert fine.attrs["adaf_provenance"] == (
        "thetao, zos by toy-sr (a toy; checkpoint sha256 ab12); "
        f"so, uas by cubic ({spline}; toy-sr is made for thetao, zos)"
    )
    assert fine.attrs["history"] == (
        f"adaf_xr {adaf_xr.__version__}: upsample(factor=4, keep_means=False); {fine.attrs['adaf_provenance']}"
    )


@pytest.mark.parametrize(
    ("spacing", "factor", "reason"),
    [
        (1.0, 3, "toy-sr refines 1, 2 or 4 times, not 3"),
        (0.25, 4, "toy-sr is made for grids of 0.5 to 1 degrees, not 0.25"),
    ],
)
def test_history_says_why_it_is_cubic(spacing, factor, reason):
    made = adaf_xr.upsample(coarse("zos", spacing).to_dataset(), factor).attrs
    assert made["adaf_model"] == "cubic"
    assert made["adaf_provenance"] == f"zos by cubic ({Cubic().provenance}; {reason})"


def test_a_dataset_of_flags_is_repeated_by_no_engine():
    flags = coarse("quality").round().astype("i1").to_dataset()
    made = adaf_xr.upsample(flags, 2).attrs
    assert (made["adaf_model"], made["adaf_provenance"]) == ("none", "values repeated")


def test_an_engine_that_is_named_refines_what_it_was_not_made_for():
    assert is_learned(coarse("chlorophyll", spacing=0.1), model="toy-sr")
    assert not is_learned(coarse("zos"), model="cubic")


def test_but_not_by_a_factor_that_it_does_not_do(nothing_computes):
    with pytest.raises(
        ValueError, match=r"'toy-sr' refines 1, 2 or 4 times, not 3: choose such a factor, or model='cubi"
    ):
        coarse("zos").adaf.upsample(3, model="toy-sr")


def test_a_slip_of_the_pen_is_suggested():
    with pytest.raises(ValueError, match=r"unknown model 'adaf-ocean-rs': did you mean 'adaf-ocean-sr'"):
        coarse("zos").adaf.upsample(model="adaf-ocean-rs")


class TestDevices:
    def test_the_learned_one_moves_and_cubic_stays_beside_it(self, monkeypatch):
        moved = []
        monkeypatch.setattr(Learned, "to", lambda self, device: moved.append(device) or self)
        ds = xr.merge([coarse("zos"), coarse("uas")])
        assert adaf_xr.upsample(ds, device="cuda").attrs["adaf_model"] == "toy-sr, cubic"
        assert moved == ["cuda"]

    def test_cubic_alone_refuses(self):
        with pytest.raises(ValueError, match="device='cuda': the engine Cubic runs on the CPU only"):
            adaf_xr.upsample(coarse("zos"), model="cubic", device="cuda")


@pytest.mark.parametrize("name", engines.UPSAMPLING_DEFAULT)
def test_every_default_that_is_shipped_is_there(name):
    assert engines.resolve(name, engines.UPSAMPLING, PROTOCOL, None).name == name
