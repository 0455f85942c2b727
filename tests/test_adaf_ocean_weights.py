"""Checkpoints of the default model: what is written comes back, and what does not fit says why."""

from dataclasses import replace

import numpy as np
import numpy.testing as npt
import pytest
import torch
from small_ocean import SMALL, small

from adaf_xr import checkpoint
from adaf_xr.checkpoint import Checkpoint, CheckpointError
from adaf_xr.models.adaf_ocean import channels
from adaf_xr.models.adaf_ocean.channels import CHANNELS, STATE
from adaf_xr.models.adaf_ocean.configuration import LARGEST, Configuration
from adaf_xr.models.adaf_ocean.engine import AdafOcean
from adaf_xr.models.adaf_ocean.header import calibration_of
from adaf_xr.models.adaf_ocean.network import AdafOceanNetwork, count, widths_of_input
from adaf_xr.models.adaf_ocean.weights import checkpoint_of, network_of
from adaf_xr.models.weights import weights_of

WEIGHTS = weights_of(small())


def changed(**parts):
    """A good checkpoint but for some parts."""
    return replace(checkpoint_of(SMALL, WEIGHTS), **parts)


def with_configuration(**values):
    return changed(configuration={**SMALL.as_dict(), **values})


class TestRoundTrip:
    def test_weights_come_back_in_half_precision(self, tmp_path):
        path = tmp_path / "small.safetensors"
        checkpoint.write(checkpoint_of(SMALL, WEIGHTS, {"seed": 3}, {"zos": 1.25}), path)
        held = checkpoint.read(path)
        assert {array.dtype for array in held.weights.values()} == {np.dtype("f2")}
        assert held.family == "adaf-ocean" and held.provenance == {"seed": 3}
        assert calibration_of(held) == {**dict.fromkeys(STATE, 1.0), "zos": 1.25}
        network = network_of(held)
        assert network.configuration == SMALL
        for name, array in weights_of(network).items():
            assert array.dtype == np.float32
            npt.assert_allclose(array, WEIGHTS[name], rtol=2**-10, atol=1e-7)
        assert path.stat().st_size < 2.2 * sum(array.size for array in WEIGHTS.values()) + 20_000

    def test_the_default_fits_beside_others_in_the_package(self):
        assert 2 * sum(count(Configuration())) < 6e6  # bytes

    def test_weights_beyond_half_precision_are_not_written(self, tmp_path):
        large = {**WEIGHTS, "head.bias": np.full(10, 1e6, "f4")}
        with np.errstate(over="ignore"):
            held = checkpoint_of(SMALL, large)
        with pytest.raises(CheckpointError, match=r"not finite are not written: 'head.bias'"):
            checkpoint.write(held, tmp_path / "large.safetensors")


class TestNetwork:
    def test_the_fine_stage_has_at_most_three_point_seven_percent_more_parameters(self):
        coarse, more = count(Configuration())
        without, nothing = count(replace(Configuration(), fine=0))
        assert nothing == 0 and without == coarse
        assert 0 < more <= 0.037 * coarse

    def test_far_away_input_changes_nothing(self):
        """What `reach` promises, and halo and regional analyses rest on; and it is no more than a block too careful."""
        network, (n_coarse, n_fine) = small().double(), widths_of_input()
        width = 2 * (SMALL.reach + 16) // 8 * 8
        coarse, fine = (torch.randn(1, n, 8 * k, k * width).double() for k, n in ((1, n_coarse), (2, n_fine)))
        middle, farthest = width // 2, 0
        for column in range(middle, middle + 8):
            changed = coarse.clone()
            changed[..., column] += 100.0
            before, after = (network(planes, fine, wraps=False) for planes in (coarse, changed))
            for one, two, cells in zip(before, after, (1, 4), strict=True):
                moved = torch.nonzero((two - one).abs().amax((0, 1, 2)) > 0)[:, 0] // cells
                farthest = max(farthest, int((moved - column).abs().max()))
        assert SMALL.reach - 8 <= farthest <= SMALL.reach

    def test_the_globe_has_no_seam(self):
        network, (n_coarse, n_fine) = small(), widths_of_input()
        coarse, fine = torch.randn(1, n_coarse, 16, 48), torch.randn(1, n_fine, 32, 96)
        turned = network(coarse.roll(16, -1), fine.roll(32, -1), wraps=True)
        for one, two, cells in zip(network(coarse, fine, wraps=True), turned, (1, 4), strict=True):
            torch.testing.assert_close(two, one.roll(16 * cells, -1), rtol=1e-4, atol=1e-4)

    def test_nothing_is_normalised_over_an_image(self):
        network, (n_coarse, n_fine) = small(), widths_of_input()
        coarse, fine = torch.randn(2, n_coarse, 16, 16), torch.randn(2, n_fine, 32, 32)
        alone = network(coarse[:1], fine[:1], wraps=False)
        for one, both in zip(alone, network(coarse, fine, wraps=False), strict=True):
            torch.testing.assert_close(one, both[:1], rtol=1e-4, atol=1e-5)


class TestMisfits:
    @pytest.mark.parametrize(
        ("bad", "message"),
        [
            (changed(family="adaf-ocean-cnp"), "family 'adaf-ocean-cnp' holds no network of 'adaf-ocean'"),
            (with_configuration(version=1), "features of version 1, and this package makes version 2: "),
            (with_configuration(depht=3), "depht unknown: a configuration has widths, blocks, fine, depth, version"),
            (with_configuration(widths=[8, 8, 8]), "two widths and two numbers of blocks"),
            (with_configuration(widths=[8, 0]), "of at least 1"),
            (with_configuration(widths=[8, 8.5]), "two widths"),
            (with_configuration(blocks=[1, "2"]), "two widths"),
            (with_configuration(blocks=[1, 10**9]), f"{LARGEST} is the most there can be"),
            (with_configuration(widths=[8, 16]), "0 surplus, 7 of another shape"),
            (changed(weights={k: v for k, v in WEIGHTS.items() if k != "head.bias"}), "1 missing"),
            (changed(weights={**WEIGHTS, "scale": np.zeros(1, "f4")}), "surplus: scale"),
            (changed(weights={**WEIGHTS, "head.bias": np.zeros(11, "f4")}), r"head.bias is \(11,\), the configur"),
            (changed(normalisation={}), r"floor.* differ\): its weights were trained on features in other units"),
        ],
    )
    def test_what_does_not_fit_says_why(self, bad, message, tmp_path):
        with pytest.raises(CheckpointError, match=message):
            network_of(bad)

    def test_all_that_does_not_fit_is_listed(self):
        weights = {name: array for name, array in WEIGHTS.items() if not name.startswith("fine.")}
        with pytest.raises(CheckpointError, match=r"10 missing, 0 surplus[^$]*missing: fine.told.{weight,bias}"):
            checkpoint_of(SMALL, weights)

    def test_the_file_is_named_when_an_engine_is_made(self, tmp_path):
        path = tmp_path / "other.safetensors"
        checkpoint.write(with_configuration(version=7), path)
        with pytest.raises(CheckpointError, match=r"other.safetensors: .*features of version 7"):
            AdafOcean(path)
        checkpoint.write(Checkpoint("line", {"slope": np.ones(1)}), path)
        with pytest.raises(CheckpointError, match="holds a 'line', not a network of the family 'adaf-ocean'"):
            AdafOcean(path)

    def test_a_damaged_file_is_refused(self, tmp_path):
        path = tmp_path / "small.safetensors"
        checkpoint.write(checkpoint_of(SMALL, WEIGHTS), path)
        data = bytearray(path.read_bytes())
        data[-100] ^= 1
        path.write_bytes(data)
        with pytest.raises(CheckpointError, match="is damaged"):
            checkpoint.read(path)
        path.write_bytes(data[:-50])
        with pytest.raises(CheckpointError, match="is truncated"):
            AdafOcean(path)

    @pytest.mark.parametrize("what", ["floor", "errors"])
    def test_other_units_of_the_package_are_noticed(self, what, monkeypatch):
        held = checkpoint_of(SMALL, WEIGHTS)
        if what == "floor":
            monkeypatch.setattr("adaf_xr.models.adaf_ocean.header.FLOOR", {**channels.FLOOR, "zos": 0.03})
        else:
            other = (replace(CHANNELS[0], error=0.04), *CHANNELS[1:])
            monkeypatch.setattr("adaf_xr.models.adaf_ocean.header.CHANNELS", other)
        with pytest.raises(CheckpointError, match="in other units"):
            network_of(held)

    @pytest.mark.parametrize(
        ("factors", "message"),
        [
            ({"sst": 1.0}, "a calibration of sst: variables are zos"),
            ({"zos": 0.0}, "not positive"),
            ({"so": -1.0}, "not"),
        ],
    )
    def test_a_calibration_that_cannot_be(self, factors, message):
        with pytest.raises(CheckpointError, match=message):
            checkpoint_of(SMALL, WEIGHTS, calibration=factors)


def test_first_weights_are_of_the_right_size():
    """The first increments are small against the scale, and the network is not dead."""
    torch.manual_seed(0)
    network, (n_coarse, n_fine) = AdafOceanNetwork(SMALL), widths_of_input()
    with torch.no_grad():
        coarse, fine = network(torch.randn(1, n_coarse, 16, 16), torch.randn(1, n_fine, 32, 32), wraps=False)
    for output in (coarse, fine):
        assert 1e-3 < output.std() < 2.0
