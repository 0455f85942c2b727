"""The published network: its numbers, its shapes, and its forward pass against a plain loop written from the paper."""

import json
import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from adaf_xr.models.cnp import RELEASED, THINNED, ConditionalNeuralProcess, Configuration, released, thinned
from adaf_xr.models.cnp.configuration import Source
from adaf_xr.models.weights import laid_out

KEYS = ("bg", "in_situ_obs", "sate_sss", "sate_sst", "sate_ssw", "sate_sla", "sate_sic")

SMALL = Configuration(
    sources=(
        Source("bg", "background", ("thetao", "zos"), 1.0, (2, 4), ((-3, 36), (-2.5, 2.5))),
        Source("in_situ_obs", "insitu", ("thetao", "so"), 0.0, (7, 1), ((-3, 36), (0, 40))),
        Source("sate_sst", "sst", ("thetao:day",), 0.5, (4, 8), ((-3, 36),)),
    ),
    variables=("thetao", "zos"),
    window=(2, 4),
    encoder_width=6,
    encoder_depth=5,
    encoder_skips=(1, 3),
    latent=4,
    decoder_width=9,
    decoder_depth=4,
    decoder_skips=(2,),
)
"""Every part of the network at sizes that a loop in Python can follow."""


def drawn(configuration, windows=2, run=1, seed=0):
    """Inputs and targets of the size that a configuration takes."""
    generator = torch.Generator().manual_seed(seed)
    inputs = {
        source.key: torch.randn(windows, source.points, 5 + len(source.channels), generator=generator)
        for source in configuration.sources
    }
    return inputs, torch.randn(windows, configuration.targets * run, 5, generator=generator)


def by_hand(configuration, weights, inputs, targets):
    """The forward pass of one window as the facts state it: loops over sources, points, layers and targets."""
    tokens = []
    for source in configuration.sources:
        features = []
        for point in inputs[source.key]:
            hidden = point
            for layer in range(configuration.encoder_depth):
                if layer in configuration.encoder_skips:
                    hidden = np.concatenate([hidden, point])
                name = f"encoder.{source.key}_encoders.{layer}"
                hidden = weights[f"{name}.weight"] @ hidden + weights[f"{name}.bias"]
                if layer < configuration.encoder_depth - 1:
                    hidden = np.maximum(hidden, 0)
            features.append(hidden)
        over_points = weights[f"encoder.{source.key}_post_proc.weight"], weights[f"encoder.{source.key}_post_proc.bias"]
        tokens.append(over_points[0] @ np.array(features) + over_points[1][:, None])
    tokens = np.concatenate(tokens, axis=1)
    run = len(targets) // configuration.latent
    answers = []
    for number, target in enumerate(targets):
        seen = np.concatenate([tokens[number // run], target])
        hidden = seen
        for layer in range(configuration.decoder_depth):
            if layer in configuration.decoder_skips:
                hidden = np.concatenate([seen, hidden])
            name = f"decoder.layers.{layer}"
            hidden = np.maximum(weights[f"{name}.weight"] @ hidden + weights[f"{name}.bias"], 0)
        answers.append(weights["decoder.output_layers.weight"] @ hidden + weights["decoder.output_layers.bias"])
    return np.array(answers)


def as_numpy(tensors):
    return {key: tensor.detach().double().numpy() for key, tensor in tensors.items()}


@pytest.mark.parametrize("run", [1, 3])
def test_the_forward_pass_is_the_plain_loop_at_small_widths(run):
    torch.manual_seed(1)
    network = ConditionalNeuralProcess(SMALL)
    inputs, targets = drawn(SMALL, run=run)
    with torch.no_grad():
        got = network(inputs, targets).numpy()
    for window in range(2):
        window_inputs = {key: tensor[window] for key, tensor in as_numpy(inputs).items()}
        due = by_hand(SMALL, as_numpy(network.state_dict()), window_inputs, targets[window].double().numpy())
        np.testing.assert_allclose(got[window], due, atol=1e-5)
        assert np.ptp(due) > 0.01  # of the size at which 1e-5 means something


def test_the_forward_pass_is_the_plain_loop_at_the_published_widths():
    network = thinned(seed=2)
    inputs, targets = drawn(THINNED, windows=1)
    with torch.no_grad():
        got = network(inputs, targets)[0].numpy()
    window = {key: tensor[0] for key, tensor in as_numpy(inputs).items()}
    due = by_hand(THINNED, as_numpy(network.state_dict()), window, targets[0].double().numpy())
    np.testing.assert_allclose(got, due, atol=1e-5)


def test_the_released_network_has_the_published_numbers_part_by_part():
    network = released(seed=0)

    def count(*names):
        return sum(p.numel() for name, p in network.named_parameters() if any(n in name for n in names))

    assert count("_encoders.") == 89_712
    assert count("sate_sst_post_proc") == 25_000_200
    assert count("sate_sss_post_proc") == 1_000_200
    assert count("sate_ssw_post_proc") == 640_200
    assert count("in_situ_obs_post_proc") == 60_200
    assert [count(f"{key}_post_proc") for key in ("bg", "sate_sla", "sate_sic")] == [40_200] * 3
    assert count("decoder.") == 290_949
    assert count("") == 27_202_061
    assert network.configuration is RELEASED

    inputs, targets = drawn(RELEASED, windows=1)
    with torch.no_grad():
        tokens = network.encode(inputs)
        assert tokens.shape == (1, 200, 336)
        assert network.decode(tokens, targets).shape == (1, 200, 5)
        assert network.decode(tokens, targets.repeat(1, 16, 1)).shape == (1, 3200, 5)


def test_the_thinned_network_has_the_published_number():
    assert sum(p.numel() for p in thinned().parameters()) == 682_061


@pytest.mark.parametrize(("finer", "more"), [({"bg"}, 0.022), ({"bg", "sate_sla"}, 0.044)])
def test_backgrounds_of_a_quarter_degree_cost_what_the_paper_lets_one_reckon(finer, more):
    configuration = RELEASED.but(
        sources=[
            replace(source, spacing=0.25, shape=(40, 80)) if source.key in finer else source
            for source in RELEASED.sources
        ]
    )
    network = laid_out(lambda: ConditionalNeuralProcess(configuration))
    count = sum(p.numel() for p in network.parameters())
    assert count == 27_202_061 + len(finer) * 600_000
    assert count / 27_202_061 - 1 == pytest.approx(more, abs=5e-4)
    assert configuration.targets == 3200


def test_parameters_bear_the_names_of_the_published_weights():
    parts = [f"encoder.{key}_encoders.{layer}" for key in KEYS for layer in range(6)]
    parts += [f"encoder.{key}_post_proc" for key in KEYS]
    parts += [f"decoder.layers.{layer}" for layer in range(8)] + ["decoder.output_layers"]
    assert set(thinned().state_dict()) == {f"{part}.{kind}" for part in parts for kind in ("weight", "bias")}


def test_a_seed_makes_the_weights_and_leaves_the_generator_alone():
    torch.manual_seed(3)
    due = torch.rand(1)
    torch.manual_seed(3)
    one, other = thinned(seed=5), thinned(seed=6)
    assert torch.equal(torch.rand(1), due)
    assert not torch.equal(one.decoder.output_layers.weight, other.decoder.output_layers.weight)


@settings(max_examples=20)
@given(run=st.integers(1, 5), token=st.integers(0, SMALL.latent - 1), seed=st.integers(0, 99))
def test_token_k_serves_the_kth_run_of_consecutive_targets(run, token, seed):
    torch.manual_seed(seed)
    network = ConditionalNeuralProcess(SMALL)
    tokens, targets = torch.randn(2, SMALL.latent, 18), torch.randn(2, SMALL.latent * run, 5)
    other = tokens.clone()
    other[:, token] += 1.0
    with torch.no_grad():
        changed = (network.decode(tokens, targets) != network.decode(other, targets)).any(-1)
    due = torch.zeros(SMALL.latent * run, dtype=torch.bool)
    due[token * run : (token + 1) * run] = True
    # The last bits of a matrix product may depend on nothing but its shape, so what is not served is equal to the bit.
    assert not changed[:, ~due].any()
    assert changed[:, due].any()


def test_a_quarter_degree_query_at_a_coarse_position_is_the_coarse_answer():
    network = thinned(seed=4)
    inputs, targets = drawn(THINNED, windows=1)
    with torch.no_grad():
        coarse, fine = network(inputs, targets), network(inputs, targets.repeat_interleave(16, dim=1))
    assert fine.shape == (1, 3200, 5)
    torch.testing.assert_close(fine, coarse.repeat_interleave(16, dim=1), atol=1e-6, rtol=0)


@pytest.mark.parametrize("key", [source.key for source in SMALL.sources])
def test_the_order_of_points_matters_as_published_and_only_through_the_map_over_them(key):
    torch.manual_seed(7)
    network = ConditionalNeuralProcess(SMALL)
    inputs, targets = drawn(SMALL)
    turned = inputs | {key: inputs[key].flip(1)}
    with torch.no_grad():
        answer, other = network(inputs, targets), network(turned, targets)
        assert (answer - other).abs().max() > 1e-3
        weight = network.get_parameter(f"encoder.{key}_post_proc.weight")
        weight.copy_(weight.flip(1))
        torch.testing.assert_close(network(turned, targets), answer, atol=1e-5, rtol=0)


def test_windows_do_not_see_one_another():
    network = thinned(seed=8)
    inputs, targets = drawn(THINNED, windows=3)
    with torch.no_grad():
        together = network(inputs, targets)
        alone = [network({k: v[i : i + 1] for k, v in inputs.items()}, targets[i : i + 1]) for i in range(3)]
    torch.testing.assert_close(together, torch.cat(alone), atol=1e-6, rtol=0)


def test_points_pass_in_blocks_or_at_once_alike():
    network = thinned(seed=9)
    points = torch.randn(2, 9_001, 7)
    at_once = network.encode_points("sate_sst", points)
    with torch.no_grad():
        in_blocks = network.encode_points("sate_sst", points)
        single = network.encode_points("sate_sst", points[1, 9_000])
    assert at_once.requires_grad
    torch.testing.assert_close(in_blocks, at_once.detach(), atol=1e-6, rtol=0)
    torch.testing.assert_close(single, in_blocks[1, 9_000], atol=1e-6, rtol=0)


@pytest.mark.parametrize("configuration", [SMALL, THINNED], ids=["small", "thinned"])
def test_every_parameter_learns(configuration):
    torch.manual_seed(10)
    network = ConditionalNeuralProcess(configuration)
    network(*drawn(configuration)).square().mean().backward()
    still = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().max() > 0]
    assert not still


def test_gradients_are_those_of_finite_differences():
    torch.manual_seed(11)
    network = ConditionalNeuralProcess(SMALL.but(activation="tanh")).double()
    inputs, targets = drawn(SMALL, windows=1, run=2)
    inputs = {key: value.double().requires_grad_() for key, value in inputs.items()}
    keys = list(inputs)
    assert torch.autograd.gradcheck(
        lambda *values: network(dict(zip(keys, values, strict=True)), targets.double()), tuple(inputs.values())
    )


def test_a_source_without_data_is_zeros_and_gives_finite_residuals():
    network = thinned(seed=12)
    _, targets = drawn(THINNED)
    empty = {source.key: torch.zeros(2, source.points, 5 + len(source.channels)) for source in THINNED.sources}
    with torch.no_grad():
        assert network(empty, targets).isfinite().all()


# -- what does not fit -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda i: i.pop("sate_sst"), "missing: sate_sst .a source without data is zeros"),
        (lambda i: i.update(sate_chl=i["bg"]), "unknown: sate_chl"),
        (lambda i: i.update(bg=i["bg"][..., :-1]), "'bg' has 6 numbers per point, but .* takes 7: .* thetao, zos"),
        (lambda i: i.update(sate_sst=i["sate_sst"][:, 1:]), "'sate_sst' has 31 points, .* 32, 4 x 8 cells of 0.5 deg"),
        (lambda i: i.update(in_situ_obs=i["in_situ_obs"][:, 1:]), "'in_situ_obs' has 6 points, .* exactly 7 .pad with"),
        (lambda i: i.update(bg=i["bg"][:1]), "how many windows they hold: bg: 1, in_situ_obs: 2"),
    ],
)
def test_an_input_that_does_not_fit_names_its_source(change, message):
    network = ConditionalNeuralProcess(SMALL)
    inputs, targets = drawn(SMALL)
    change(inputs)
    with pytest.raises(ValueError, match=message):
        network(inputs, targets)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda i: i.update(bg=None), "source 'bg' is a NoneType, .* a source without data is a tensor of zeros"),
        (lambda i: i.update(bg=i["bg"].numpy()), "source 'bg' is a ndarray, but a tensor of torch.float32 is due"),
        (lambda i: i.update(sate_sst=i["sate_sst"].double()), "'sate_sst' is of torch.float64, .* .to.torch.float32"),
        (lambda i: i.update(sate_sst=i["sate_sst"].long()), "'sate_sst' is of torch.int64"),
    ],
)
def test_an_input_of_another_type_names_its_source(change, message):
    network = ConditionalNeuralProcess(SMALL)
    inputs, targets = drawn(SMALL)
    change(inputs)
    with pytest.raises(TypeError, match=message):
        network(inputs, targets)
    key = "bg" if "bg" in message else "sate_sst"
    with pytest.raises(TypeError, match=message):
        network.encode_points(key, inputs[key])


@pytest.mark.parametrize("targets", [None, np.zeros((2, 8, 5)), torch.zeros(2, 8, 5, dtype=torch.float64)])
def test_targets_of_another_type_are_an_error(targets):
    inputs, _ = drawn(SMALL)
    with pytest.raises(TypeError, match=r"the tensor of targets is .* torch.float32"):
        ConditionalNeuralProcess(SMALL)(inputs, targets)


@pytest.mark.parametrize("shape", [(32, 6), (6,), ()])
def test_a_source_without_windows_names_its_shape(shape):
    inputs, targets = drawn(SMALL)
    with pytest.raises(ValueError, match=r"source 'sate_sst' is \(.*\): \(windows, points, numbers\) is due"):
        ConditionalNeuralProcess(SMALL)(inputs | {"sate_sst": torch.zeros(shape)}, targets)
    with pytest.raises(ValueError, match="source 'sate_sst' has 0 numbers per point"):
        ConditionalNeuralProcess(SMALL).encode_points("sate_sst", torch.zeros(()))


@pytest.mark.parametrize("grad", [True, False])
@pytest.mark.parametrize("run", [1, 3])
def test_no_windows_give_no_residuals(run, grad):
    inputs, targets = drawn(SMALL, run=run)
    with torch.set_grad_enabled(grad):
        answer = ConditionalNeuralProcess(SMALL)({key: value[:0] for key, value in inputs.items()}, targets[:0])
    assert answer.shape == (0, SMALL.targets * run, 2)


def test_mixed_precision_takes_what_single_precision_takes():
    network = thinned(seed=13)
    inputs, targets = drawn(THINNED, windows=1)
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = network(inputs, targets)
    with torch.no_grad():
        torch.testing.assert_close(mixed.float(), network(inputs, targets), atol=0.02, rtol=0)


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        (torch.zeros(2, 9, 5), "9 targets cannot be shared among 4 tokens.*multiple of 4"),
        (torch.zeros(2, 0, 5), "0 targets cannot be shared"),
        (torch.zeros(2, 8, 3), r"targets are \(2, 8, 3\), but \(2, n, 5\) is due"),
        (torch.zeros(1, 8, 5), r"targets are \(1, 8, 5\), but \(2, n, 5\)"),
    ],
)
def test_targets_that_do_not_fit_are_an_error(targets, message):
    inputs, _ = drawn(SMALL)
    with pytest.raises(ValueError, match=message):
        ConditionalNeuralProcess(SMALL)(inputs, targets)


def test_tokens_that_do_not_fit_are_an_error():
    with pytest.raises(ValueError, match=r"tokens are \(2, 4, 17\), but \(B, 4, 18\) is due"):
        ConditionalNeuralProcess(SMALL).decode(torch.zeros(2, 4, 17), torch.zeros(2, 8, 5))


# -- configurations ----------------------------------------------------------------------------------------------------


def test_the_released_windows_hold_what_the_paper_says():
    assert [source.key for source in RELEASED.sources] == list(KEYS)
    assert [source.points for source in RELEASED.sources] == [200, 300, 5_000, 125_000, 3_200, 200, 200]
    assert sum(5 + len(source.channels) for source in RELEASED.sources) == 49
    for source in RELEASED.observed:
        if source.gridded and source.key != "sate_sst":
            assert np.multiply(source.shape, source.spacing) == pytest.approx(RELEASED.window)
    # Known of the release: its patch counts on 0.04 degrees, and Pathfinder's pixels are a little wider.
    assert np.multiply(RELEASED.source("sate_sst").shape, RELEASED.source("sate_sst").spacing) == pytest.approx(
        (10.4167, 20.8333), abs=1e-4
    )
    assert {source.points for source in THINNED.sources if source.gridded} == {200}


@pytest.mark.parametrize("configuration", [RELEASED, THINNED.with_sea_level("zos").but(phase="cell"), SMALL])
def test_a_configuration_survives_json(configuration):
    assert Configuration.from_dict(json.loads(json.dumps(configuration.as_dict()))) == configuration


def test_altimeters_may_give_absolute_sea_level():
    changed = THINNED.with_sea_level("zos")
    assert changed.source("sate_sla").channels == ("zos",)
    assert changed.with_sea_level("sla") == THINNED
    with pytest.raises(ValueError, match="did you mean 'sla'"):
        THINNED.with_sea_level("slaa")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: THINNED.but(latend=100), "no 'latend'; did you mean 'latent'"),
        (lambda: THINNED.but(latent=150), "200 cells .* no multiple of the 150 tokens"),
        (lambda: THINNED.but(window=(10, 20.5)), "no whole number of cells of 1.0 degrees"),
        (lambda: THINNED.but(encoder_skips=(0, 2)), "encoder_skips .* between 1 and encoder_depth - 1 = 5"),
        (lambda: THINNED.but(decoder_skips=(8,)), "decoder_skips .* between 1 and decoder_depth - 1 = 7"),
        (lambda: THINNED.but(phase="corner"), "no phase 'corner': 'node'"),
        (lambda: THINNED.but(activation="relux"), "no activation 'relux'"),
        (lambda: THINNED.but(variables=("thetao", "siconc")), "corrects the background, which has no siconc"),
        (lambda: THINNED.but(sources=THINNED.sources[1:]), "exactly one source of kind 'background', not 0"),
        (lambda: THINNED.but(sources=(*THINNED.sources, THINNED.sources[2])), "come more often: sate_sss"),
        (lambda: THINNED.source("in_situ"), "did you mean 'in_situ_obs'"),
        (lambda: replace(THINNED.source("bg"), kind="sla"), "kind 'sla', which is none of background, insitu"),
        (lambda: replace(THINNED.source("bg"), channels=("thetao",)), "1 channels and 5 ranges"),
        (lambda: replace(THINNED.source("sate_sic"), ranges=((1, 0),)), r"range of 'siconc' is \[1, 0\]; low < high"),
        (lambda: replace(THINNED.source("sate_sic"), shape=(0, 20)), "count of the patch is 0: a whole number from 1"),
        (lambda: replace(THINNED.source("sate_sic"), spacing=0.7), "0.7 degrees do not fit between the poles"),
        (lambda: replace(THINNED.source("sate_sic"), spacing=-1.0), "do not fit between the poles"),
        (lambda: replace(THINNED.source("in_situ_obs"), shape=(20, 15)), r"holds points: its shape is \(number, 1\)"),
        (lambda: Configuration.from_dict({"days": 1}), "a configuration needs sources"),
        (lambda: Configuration.from_dict([1]), r"a configuration is \[1\]: a group of keys"),
        (lambda: Configuration.from_dict({"sources": 7}), "sources is 7: a list of sources is due"),
        (lambda: Configuration.from_dict({"sources": ["bg"]}), "a source is 'bg': a group of keys"),
        (lambda: THINNED.but(sources=["bg"]), "one of a configuration's sources is 'bg': a Source is due"),
        (lambda: THINNED.but(variables=()), r"variables is \(\): each analysed quantity once, at least one"),
        (lambda: THINNED.but(variables=("so", "so")), "each analysed quantity once"),
        (lambda: THINNED.but(window=(0, 20)), "a number of window is 0: a finite number above 0 is due"),
        (lambda: THINNED.but(window=(1e-9, 20)), "no whole number of cells"),
        (lambda: THINNED.but(box=(5.0, math.nan, 10.0)), "a number of box is nan"),
        (lambda: THINNED.but(box=(5.0, 10.0)), r"box is \(5.0, 10.0\): a list of 3 values is due"),
        (lambda: THINNED.but(encoder_skips=("2",)), "encoder_skips .* between 1 and"),
        (lambda: replace(THINNED.source("bg"), key="b.g"), "key of a source is 'b.g': .* parted by dots"),
        (lambda: replace(THINNED.source("bg"), key=7), "key of a source is 7: a text is due"),
        (lambda: replace(THINNED.source("sate_sic"), ranges=((0, math.inf),)), "range of 'siconc' is inf: a finite"),
        (lambda: replace(THINNED.source("sate_sic"), ranges=((0, 1, 2),)), "range of 'siconc' is .0, 1, 2.: .* 2 val"),
        (lambda: replace(THINNED.source("sate_sic"), spacing=math.nan), "spacing is nan: a finite number is due"),
        (lambda: replace(THINNED.source("in_situ_obs"), channels=("so", "so")), "names a channel twice: so, so"),
        (
            lambda: THINNED.but(sources=[replace(THINNED.source("in_situ_obs"), kind="background", key="bg")]),
            "the background lies on a lattice: its spacing is above 0",
        ),
        (lambda: Configuration.from_dict({"sources": [{"key": "bg"}]}), "a source needs kind, channels"),
        (lambda: Configuration.from_dict({"sources": [{"keys": "bg"}]}), "a source has no 'keys'; did you mean 'key'"),
    ],
)
def test_a_configuration_that_does_not_fit_says_what_and_why(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()


@pytest.mark.parametrize("value", [0, -1.0, math.nan, math.inf, None, "20", True])
@pytest.mark.parametrize("name", ["max_depth", "days"])
def test_scales_are_finite_and_above_zero(name, value):
    with pytest.raises(ValueError, match=f"^{name} is {value!r}: a finite number above 0 is due$"):
        THINNED.but(**{name: value})


@pytest.mark.parametrize("value", [0, -3, 6.0, "6", None, True, 10**7])
@pytest.mark.parametrize(
    "name", ["encoder_width", "encoder_depth", "latent", "decoder_width", "decoder_depth", "coordinates"]
)
def test_sizes_of_layers_are_whole_numbers_from_one(name, value):
    with pytest.raises(ValueError, match=f"^{name} is {value!r}: a whole number from 1 to 1000000 is due$"):
        THINNED.but(**{name: value})


@pytest.mark.parametrize(
    ("shape", "spacing"), [((20, 10), 0.5), ((10, 19), 1.0), ((9, 20), 1.0), ((250, 500), 1 / 25.2)]
)
def test_a_patch_that_does_not_cover_its_window_is_an_error(shape, spacing):
    source = replace(RELEASED.source("sate_sst"), shape=shape, spacing=spacing)
    with pytest.raises(ValueError, match=r"'sate_sst': .* cells of .* span .* and the window .* spans 10 x 20$"):
        RELEASED.but(sources=[RELEASED.background, source])


def test_configurations_are_read_without_torch():
    code = (
        "import sys; from adaf_xr.models import cnp; cnp.THINNED.as_dict(); "
        "print('torch' in sys.modules, 'released' in dir(cnp)); cnp.nothing"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["False", "True"]
    assert "has no attribute 'nothing'" in done.stderr
