"""Folders in the published layout: read as data, reported in full where they do not fit, written and read again."""

import math
import os
import pickle
import struct
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from adaf_xr import checkpoint as checkpoints
from adaf_xr.checkpoint import Checkpoint, CheckpointError
from adaf_xr.models.cnp import RELEASED, THINNED, ConditionalNeuralProcess, released, thinned
from adaf_xr.models.cnp.published import is_published, network_of, read_published, write_published
from adaf_xr.models.cnp.weights import checkpoint_of, normalisation_of
from adaf_xr.models.weights import folded, weights_of

WEIGHTS = "training_checkpoints/checkpoint.pth"

ARGUMENTS = {
    "encoder_depth": 6,
    "encoder_skip_layers": [2, 4],
    "encoder_hidden_dim": 48,
    "encoder_num_latent_size": 200,
    "decoder_input_dim": 341,
    "decoder_output_dim": 5,
    "decoder_hidden_dim": 128,
    "decoder_depth": 8,
    "decoder_skip_layers": [2, 4, 6],
    "activation": "relu",
}
"""`model.args` as the published configuration has them."""

TOY = THINNED.but(
    latent=2,
    encoder_width=3,
    decoder_width=4,
    sources=[
        replace(source, shape=(2, 4) if source.gridded else (300, 1), spacing=5.0 * source.gridded)
        for source in THINNED.sources
    ],
)
"""The seven sources at sizes that cost nothing."""


def toy(seed=0):
    torch.manual_seed(seed)
    return ConditionalNeuralProcess(TOY)


def toy_arguments(sources=7):
    sizes = {"encoder_hidden_dim": 3, "encoder_num_latent_size": 2, "decoder_hidden_dim": 4}
    return ARGUMENTS | sizes | {"decoder_input_dim": 3 * sources + 5}


def theirs(folder, network, *, prefix="", config=None, arguments=None, data=None, **more):
    """A folder as training with the published repository leaves it, written without our writer."""
    folder = Path(folder)
    (folder / "training_checkpoints").mkdir(parents=True, exist_ok=True)
    state = {prefix + name: tensor for name, tensor in network.state_dict().items()}
    model = {"name": "CNP_determ_multi_encoders", "args": arguments or {}, "state_dict": state}
    torch.save(
        {"model": model, "optimizer": {"state_dict": {"param_groups": [{"lr": 1e-4}]}}, **more}, folder / WEIGHTS
    )
    own = toy_arguments() | (arguments or {})
    config = {"train_dataset": data or {}, "model": {"name": model["name"], "args": own}} | (config or {})
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return folder


def same(one, other):
    assert one.keys() == other.keys()
    for name, array in one.items():
        np.testing.assert_array_equal(other[name], array, err_msg=name)


# -- what fits ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_published_folder_is_read_with_and_without_prefixes(tmp_path, prefix):
    network = toy()
    checkpoint = read_published(theirs(tmp_path, network, prefix=prefix, epoch=395))
    assert checkpoint.family == "adaf-ocean-cnp"
    same(weights_of(network), checkpoint.weights)
    again = network_of(checkpoint)
    assert again.configuration == TOY
    assert all(parameter.requires_grad for parameter in again.parameters())
    inputs = {source.key: torch.randn(2, source.points, 5 + len(source.channels)) for source in TOY.sources}
    targets = torch.randn(2, TOY.targets, 5)
    torch.testing.assert_close(again(inputs, targets), network(inputs, targets), atol=0, rtol=0)


def test_the_released_network_survives_the_published_layout(tmp_path):
    network = released(seed=1)
    config = {"model": {"name": "CNP_determ_multi_encoders", "args": ARGUMENTS}}
    folder = theirs(tmp_path, network, prefix="module.", config=config)  # no number of points, no patch is stated
    checkpoint = read_published(folder)
    assert network_of(checkpoint).configuration == RELEASED
    same(weights_of(network), checkpoint.weights)
    assert sum(array.size for array in checkpoint.weights.values()) == 27_202_061


def test_thinned_networks_go_there_and_back_and_through_our_own_file(tmp_path):
    network = thinned(seed=2)
    assert not is_published(tmp_path / "exp")
    folder = write_published(tmp_path / "exp", network)
    assert is_published(folder)
    checkpoint = read_published(folder)
    assert network_of(checkpoint).configuration == THINNED
    sha256 = checkpoints.write(checkpoint, tmp_path / "thinned.safetensors")
    ours = checkpoints.read(tmp_path / "thinned.safetensors", sha256)
    twice = read_published(write_published(tmp_path / "again", ours))
    same(weights_of(network), twice.weights)
    assert twice.normalisation == checkpoint.normalisation == normalisation_of(THINNED)


def test_what_their_files_cannot_say_survives_in_a_group_of_our_own(tmp_path):
    configuration = TOY.with_sea_level("zos").but(phase="cell", activation="gelu", days=2.0)
    folder = write_published(tmp_path, ConditionalNeuralProcess(configuration))
    assert network_of(read_published(folder)).configuration == configuration
    config = yaml.safe_load((folder / "config.yaml").read_text())
    assert config["model"]["args"]["decoder_input_dim"] == 7 * 3 + 5
    assert config["model"]["args"]["in_ch_sate_ssw"] == 7
    # Without that group it is a published folder, and means what those mean.
    del config["adaf_xr"]
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    assert network_of(read_published(folder)).configuration == TOY.but(activation="gelu", days=2.0)


def test_provenance_keeps_what_the_files_say(tmp_path):
    data = {
        "bg_lead_time": 2,
        "bg_interp": False,
        "time_range": ["2018-01-10", "2019-01-10"],
        "normalization": "minmax_v2",
    }
    config = {"train_dataset": data, "epoch_max": 400}
    folder = theirs(tmp_path / "first-try", toy(), config=config, epoch=np.int64(395), best=np.float64(0.125))
    (folder / "config.yaml").write_text((folder / "config.yaml").read_text() + "started: 2025-11-08\n")
    kept = read_published(folder).provenance
    assert (kept["bg_lead_time"], kept["bg_interp"], kept["epoch"], kept["folder"]) == (2, False, 395, "first-try")
    assert kept["config"]["epoch_max"] == 400
    assert kept["config"]["started"] == "2025-11-08"
    assert kept["sha256"] == checkpoints.digest(folder / WEIGHTS)
    back = write_published(tmp_path / "back", read_published(folder))
    assert yaml.safe_load((back / "config.yaml").read_text())["train_dataset"] == data
    assert read_published(back).provenance["epoch"] == 395


def test_patches_come_from_the_files_and_else_from_the_weights(tmp_path):
    inferred = network_of(read_published(theirs(tmp_path, toy()))).configuration
    assert (inferred.source("sate_sst").shape, inferred.source("sate_sst").spacing) == ((2, 4), 5.0)
    # 20 x 41 cells are no n x 2n, but near enough to the window, as the published patch of SST is.
    wider = [replace(s, shape=(20, 41), spacing=0.5) if s.key == "sate_sst" else s for s in TOY.sources]
    network = ConditionalNeuralProcess(TOY.but(sources=wider))
    data = {"sate_sst_block_shape": [20, 41, 1], "max_depth": 643, "in_situ_obs_pad": 300}
    configuration = network_of(read_published(theirs(tmp_path, network, data=data))).configuration
    assert (configuration.source("sate_sst").shape, configuration.source("sate_sst").spacing) == ((20, 41), 0.5)
    assert configuration.max_depth == 643


def test_a_background_of_a_quarter_degree_is_known_by_its_points(tmp_path):
    sources = [replace(s, spacing=0.25, shape=(40, 80)) if s.key == "bg" else s for s in TOY.sources]
    configuration = TOY.but(sources=sources)
    folder = theirs(tmp_path, ConditionalNeuralProcess(configuration))
    assert network_of(read_published(folder)).configuration == configuration


def test_a_network_trained_without_a_source_is_one_of_fewer_sources(tmp_path):
    configuration = TOY.but(sources=[source for source in TOY.sources if source.key != "sate_sic"])
    folder = theirs(tmp_path, ConditionalNeuralProcess(configuration), arguments=toy_arguments(sources=6))
    assert network_of(read_published(folder)).configuration == configuration


def test_files_of_old_torch_are_read_too(tmp_path):
    network = toy()
    folder = theirs(tmp_path, network)
    held = torch.load(folder / WEIGHTS, weights_only=True)
    torch.save(held, folder / WEIGHTS, _use_new_zipfile_serialization=False)
    same(weights_of(network), read_published(folder).weights)


def test_weights_are_copies_that_outlive_their_file(tmp_path):
    folder = theirs(tmp_path, toy())
    weights = read_published(folder).weights
    (folder / WEIGHTS).write_bytes(b"\0" * (folder / WEIGHTS).stat().st_size)
    same(weights_of(toy()), weights)
    assert all(array.flags.writeable for array in weights.values())


def test_half_precision_becomes_single(tmp_path):
    network = toy()
    weights = read_published(theirs(tmp_path, toy().to(torch.bfloat16))).weights
    assert {array.dtype for array in weights.values()} == {np.dtype("float32")}
    for name, array in weights_of(network).items():
        np.testing.assert_allclose(weights[name], array, rtol=2**-8)


# -- what is wrong with the weights ------------------------------------------------------------------------------------


def broken(folder, state):
    """Put other weights into a published folder."""
    held = torch.load(folder / WEIGHTS, weights_only=True)
    held["model"]["state_dict"] = state
    torch.save(held, folder / WEIGHTS)
    return folder


def records(path):
    """Where the bytes of each record of an archive begin, and how many they are."""
    with zipfile.ZipFile(path) as archive:
        whole = path.read_bytes()
        for record in archive.infolist():
            name, extra = struct.unpack("<HH", whole[record.header_offset + 26 : record.header_offset + 30])
            yield record.filename, record.header_offset + 30 + name + extra, record.file_size


def test_a_flipped_bit_in_any_weight_is_found_and_its_record_named(tmp_path):
    folder = theirs(tmp_path, toy())
    whole = (folder / WEIGHTS).read_bytes()
    numbers = [(name, begin, size) for name, begin, size in records(folder / WEIGHTS) if "/data/" in name and size]
    assert len(numbers) == len(toy().state_dict())
    for name, begin, size in numbers[::5]:
        damaged = bytearray(whole)
        damaged[begin + size // 2] ^= 1  # the last bit of a number: finite, plausible, and wrong
        (folder / WEIGHTS).write_bytes(damaged)
        with pytest.raises(CheckpointError, match=f"is damaged: the content of its record '{name}' is not what its"):
            read_published(folder)


@pytest.fixture(scope="module")
def pristine(tmp_path_factory):
    """A folder, the bytes of its weights as they were, and what they are."""
    folder = theirs(tmp_path_factory.mktemp("pristine"), toy(), epoch=395)
    return folder, (folder / WEIGHTS).read_bytes(), read_published(folder)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_flipped_bit_anywhere_is_an_error_or_changes_nothing(pristine, data):
    folder, whole, due = pristine
    damaged = bytearray(whole)
    damaged[data.draw(st.integers(0, len(whole) - 1), "byte")] ^= 1 << data.draw(st.integers(0, 7), "bit")
    (folder / WEIGHTS).write_bytes(damaged)
    try:
        found = read_published(folder)
    except CheckpointError:
        return
    same(due.weights, found.weights)
    assert {**due.provenance, "sha256": ""} == {**found.provenance, "sha256": ""}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.to(torch.complex64) * (1 + 1j), "'decoder.layers.3.weight' among the weights is complex"),
        (lambda w: (1000 * w).to(torch.int32), "is of whole numbers or truth values"),
        (lambda w: w > 0, "is of whole numbers or truth values"),
        (lambda w: w.to_sparse(), "is a sparse or nested tensor"),
        (lambda w: w.to_sparse_csr(), "is a sparse or nested tensor"),
        (lambda w: w.to("meta"), "is a tensor without numbers, on the device 'meta'"),
        (lambda w: torch.quantize_per_tensor(w, 0.1, 0, torch.qint8), "is a quantised tensor"),
        (lambda w: torch.zeros(1).expand(4, 4), "is a tensor of more numbers than the file holds"),
        (lambda w: w * math.nan, "not finite, training had diverged: decoder.layers.3.weight$"),
        (lambda w: w.double() * 1e300, "not finite"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*(CSR|quantize|sparse|TypedStorage).*")
def test_weights_are_dense_finite_floating_point_numbers(tmp_path, change, message):
    state = toy().state_dict()
    state["decoder.layers.3.weight"] = change(state["decoder.layers.3.weight"])
    with pytest.raises(CheckpointError, match=message):
        read_published(broken(theirs(tmp_path, toy()), state))


# -- what does not fit -------------------------------------------------------------------------------------------------


def test_every_weight_that_does_not_fit_is_listed(tmp_path):
    state = toy().state_dict()
    del state["encoder.sate_sst_post_proc.bias"], state["decoder.layers.3.weight"], state["decoder.layers.3.bias"]
    state["decoder.layers.8.weight"] = torch.zeros(4, 4)
    state["encoder.bg_post_proc.bias"] = torch.zeros(9)
    with pytest.raises(CheckpointError) as caught:
        read_published(broken(theirs(tmp_path, toy()), state))
    lines = str(caught.value).splitlines()
    assert lines[0].endswith("checkpoint.pth: 3 missing, 1 surplus, 1 of another shape")
    assert sorted(line.strip() for line in lines[1:]) == [
        "encoder.bg_post_proc.bias is (9,), the configuration has (2,)",
        "missing: decoder.layers.3.{weight,bias}",
        "missing: encoder.sate_sst_post_proc.bias",
        "surplus: decoder.layers.8.weight",
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: {f"net.{k}": v for k, v in s.items()}, "every name begins with 'net.': take that off"),
        (lambda s: {"conv.weight": torch.zeros(2)}, "weights of something else"),
        (
            lambda s: {k: v for k, v in s.items() if "sate_sic" not in k},
            r"nothing at all for sate_sic: trained without.*\n.*missing: encoder.sate_sic_encoders.{0,1,2,3,4,5}",
        ),
        (
            lambda s: s | {"encoder.sate_chl_post_proc.weight": torch.zeros(2, 8)},
            "weights for sate_chl, which the configuration does not have",
        ),
    ],
)
def test_a_misfit_is_explained(tmp_path, change, message):
    folder = broken(theirs(tmp_path, toy()), change(toy().state_dict()))
    with pytest.raises(CheckpointError, match=message):
        read_published(folder)


def test_thinned_weights_in_a_released_configuration_are_recognised(tmp_path):
    arguments = {f"num_{source.key}_points": source.points for source in RELEASED.sources}
    config = {"model": {"args": ARGUMENTS}}
    folder = theirs(tmp_path, thinned(seed=3), arguments=arguments, config=config)
    with pytest.raises(CheckpointError) as caught:
        read_published(folder)
    assert "these are weights of the thinned configuration (every gridded source at 1 degree)" in str(caught.value)
    assert "sate_sst_post_proc.weight is (200, 200), the configuration has (200, 125000)" in str(caught.value)
    assert network_of(read_published(folder, THINNED)).configuration == THINNED


@pytest.mark.parametrize(
    ("data", "arguments", "message"),
    [
        (
            {"sate_sst_block_shape": [250, 500, 1]},
            {"num_sate_sst_points": 8},
            "how many points has sate_sst.*points says 8 and train_dataset.sate_sst_block_shape says 125000",
        ),
        ({"in_situ_obs_pad": 100}, {"num_in_situ_obs_points": 300}, "how many points has in_situ_obs"),
        ({"normalization": "zscore"}, {}, "train_dataset.normalization is 'zscore': only the published 'minmax'"),
        ({"loc_normalization": "linear"}, {}, "loc_normalization is 'linear'"),
        ({"bg_block_shape": [10, 20, 23]}, {}, "only patches of one depth"),
        ({}, {"activation": "swish"}, "no activation 'swish'"),
        ({}, {"encoder_num_latent_size": 3}, "8 cells .* no multiple of the 3 tokens"),
        ({}, {"num_sate_sst_points": 7}, "sate_sst has 7 points, which make no patch of n x 2n cells"),
        ({}, {"in_ch_sate_sst": 6}, "model.args.in_ch_sate_sst is 6, but the weights take 7: .* configuration=..."),
        ({}, {"decoder_input_dim": 341}, "model.args.decoder_input_dim is 341, but the weights take 26"),
        ({}, {"decoder_output_dim": 4}, "model.args.decoder_output_dim is 4, but the weights take 5"),
        (
            {"target_block_shape": [20, 20, 1]},
            {},
            r"target_block_shape is \[20, 20, 1\], but windows .* 10 x 20 degrees",
        ),
    ],
)
def test_files_that_contradict_one_another_are_an_error(tmp_path, data, arguments, message):
    folder = theirs(tmp_path, toy(), data=data, arguments=arguments)
    with pytest.raises(CheckpointError, match=message):
        read_published(folder)
    assert network_of(read_published(folder, TOY)).configuration == TOY  # the way out that the message names


def test_what_the_two_files_say_of_the_network_has_to_agree(tmp_path):
    config = {"model": {"args": toy_arguments() | {"activation": "gelu"}}}
    folder = theirs(tmp_path, toy(), config=config, arguments={"activation": "relu", "encoder_depth": 6})
    with pytest.raises(
        CheckpointError, match="activation is 'gelu' in the configuration file and 'relu' with the weights"
    ):
        read_published(folder)
    # Changed as it was read, it is written with the file of before, and our own group settles what counts.
    changed = read_published(folder, TOY.but(activation="tanh"))
    back = read_published(write_published(tmp_path / "back", changed))
    assert network_of(back).configuration.activation == "tanh"


@pytest.mark.parametrize(
    ("shape", "span"),
    [([20, 10, 1], "10 x 5"), ([10, 20, 1], ""), ([5, 40, 1], "10 x 80"), ([20, 10], "10 x 5"), ([25, 8], "10 x 3.2")],
)
def test_a_patch_of_their_file_spans_its_window(tmp_path, shape, span):
    """200 points in whatever arrangement have the weights of 200 points, but lie elsewhere."""
    folder = theirs(tmp_path, thinned(), data={"sate_sst_block_shape": shape}, config=None, arguments=ARGUMENTS)
    if not span:
        assert network_of(read_published(folder)).configuration == THINNED
        return
    with pytest.raises(CheckpointError) as caught:
        read_published(folder)
    assert "sate_sst" in str(caught.value)
    assert f"span {span} degrees (latitude, longitude)" in str(caught.value)


def test_the_published_patch_of_sea_surface_temperature_is_wider_than_its_window(tmp_path):
    folder = theirs(tmp_path, released(seed=4), data={"sate_sst_block_shape": [250, 500, 1]}, arguments=ARGUMENTS)
    source = network_of(read_published(folder)).configuration.source("sate_sst")
    assert source.span == pytest.approx((250 / 24, 500 / 24))


WRONG = [
    ({"encoder_depth": "six"}, "model.args.encoder_depth is 'six': a whole number from 1 to 1000000 is due"),
    ({"encoder_hidden_dim": "48"}, "model.args.encoder_hidden_dim is '48': a whole number"),
    ({"encoder_num_latent_size": 0}, "model.args.encoder_num_latent_size is 0: a whole number"),
    ({"decoder_depth": None}, "model.args.decoder_depth is None: a whole number"),
    ({"decoder_hidden_dim": 128.5}, "model.args.decoder_hidden_dim is 128.5: a whole number"),
    ({"encoder_depth": 10**30}, "model.args.encoder_depth is 1000.*: a whole number from 1 to"),
    ({"encoder_skip_layers": 2}, "model.args.encoder_skip_layers is 2: a list of whole numbers is due"),
    ({"encoder_skip_layers": ["2"]}, "a number of model.args.encoder_skip_layers is '2'"),
    ({"encoder_skip_layers": [6]}, r"encoder_skips \(6,\) must lie between 1 and encoder_depth - 1 = 5"),
    ({"activation": 7}, "model.args.activation is 7: a text is due"),
    ({"num_bg_points": "200"}, "model.args.num_bg_points is '200': a whole number"),
    ({"num_sate_sst_points": 0}, "model.args.num_sate_sst_points is 0: a whole number"),
    ({"in_ch_bg": [10]}, r"model.args.in_ch_bg is \[10\]: a whole number"),
    ({"encoder_depth": 10**6}, "encoder_depth is 1000000, but there are 116 weights in all"),
    ({"decoder_depth": 10**6}, "decoder_depth is 1000000, but there are 116 weights in all"),
    ({"encoder_hidden_dim": 10**6}, "0 missing, 0 surplus, .* of another shape"),
]
"""Arguments that are not what is due."""


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_an_argument_that_is_not_what_is_due_is_named(tmp_path, arguments, message):
    with pytest.raises(CheckpointError, match=message):
        read_published(theirs(tmp_path, toy(), arguments=arguments))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"max_depth": None}, "train_dataset.max_depth is None: a finite number above 0 is due"),
        ({"max_depth": 0}, "train_dataset.max_depth is 0: a finite number above 0"),
        ({"max_depth": -20.0}, "train_dataset.max_depth is -20.0"),
        ({"max_depth": math.nan}, "train_dataset.max_depth is nan"),
        ({"time_window_sate": 0}, "train_dataset.time_window_sate is 0"),
        ({"time_window_sate": "1D"}, "train_dataset.time_window_sate is '1D'"),
        ({"bg_block_shape": [0, 0, 1]}, "a number of train_dataset.bg_block_shape is 0: a whole number"),
        ({"bg_block_shape": ["10", "20", "1"]}, "a number of train_dataset.bg_block_shape is '10'"),
        ({"bg_block_shape": 200}, r"bg_block_shape is 200: cells of a patch, \[latitude, longitude, 1\], is due"),
        ({"in_situ_obs_pad": "all"}, "train_dataset.in_situ_obs_pad is 'all': a whole number"),
        ({"normalization": None}, "train_dataset.normalization is None"),
        ([{"max_depth": 20}], "train_dataset is .*: a group of keys with values is due"),
    ],
)
def test_a_setting_that_is_not_what_is_due_is_named(tmp_path, data, message):
    with pytest.raises(CheckpointError, match=message):
        read_published(theirs(tmp_path, toy(), data=data))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"model": "CNP_determ_multi_encoders"}, "model is 'CNP_.*': a group of keys with values is due"),
        ({"model": {"args": [6]}}, r"model.args is \[6\]: a group of keys"),
        ({"adaf_xr": [1]}, r"adaf_xr is \[1\]: a group of keys"),
        ({"adaf_xr": {"configuration": [1]}}, r"a configuration is \[1\]: a group of keys"),
        ({"adaf_xr": {"configuration": {"sources": "bg"}}}, "sources is 'bg': a list of sources is due"),
        ({"adaf_xr": {"configuration": THINNED.as_dict() | {"encoder_depth": 10**6}}}, "depth is 1000000, but there"),
    ],
)
def test_groups_of_the_configuration_file_are_groups(tmp_path, config, message):
    with pytest.raises(CheckpointError, match=message):
        read_published(theirs(tmp_path, toy(), config=config))


NESTED = "\n".join(["a0: &a0 [x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)])
MERGED = "\n".join(
    ["a0: &a0 {x: 1}"] + [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 12)]
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (NESTED, "holds more than 100000 values where all that it names once and uses often is counted"),
        (MERGED, "holds more than 100000 values"),
        ("train_dataset: &loop {again: *loop}", r"is no plain YAML: a value contains itself .line 1"),
        ("model: &loop [*loop]", "is no plain YAML: a value contains itself"),
        ("model: " + "[" * 20_000 + "]" * 20_000, "is no plain YAML: it is nested without end"),
        ("started: 2018-13-45", "is no plain YAML: month must be in 1..12"),
        ("[1]: 2\n? {a: 1}\n: 3", "is no plain YAML"),
        ("a: \x00", "is no plain YAML"),
        ("# " + "x" * 1_000_000, "is longer than 1000000 bytes"),
        ("<html>" + "x" * 5_000, "config.yaml is a web page that was saved in place of the file"),
        ("x" * 5_000, r"holds no groups of settings but 'xxx.{0,40}'$"),
        ("model: {args: {activation: !!binary cmVsdQ==}}", "model.args.activation is b'relu': a text is due"),
    ],
    ids=lambda value: value[:20],
)
@pytest.mark.timeout(60)
def test_configuration_files_that_grow_or_turn_on_themselves_are_refused(tmp_path, text, message):
    folder = theirs(tmp_path, toy())
    (folder / "config.yaml").write_text(text)
    with pytest.raises(CheckpointError, match=message):
        read_published(folder)


def test_anchors_are_fine(tmp_path):
    folder = theirs(tmp_path, toy())
    text = (folder / "config.yaml").read_text()
    (folder / "config.yaml").write_text(
        f"base: &base {{max_depth: 10}}\n{text.replace('train_dataset: {}', 'train_dataset: {<<: *base}')}"
    )
    checkpoint = read_published(folder)
    assert network_of(checkpoint).configuration.max_depth == 10
    assert checkpoint.provenance["config"]["train_dataset"] == {"max_depth": 10}


def test_an_epoch_of_any_shape_does_no_harm(tmp_path):
    loop = []
    loop.append(loop)
    nested = [0]
    for _ in range(40):
        nested = [nested, nested]
    for epoch in (loop, nested, torch.zeros(3), "last", None):
        assert read_published(theirs(tmp_path, toy(), epoch=epoch)).provenance["epoch"] is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 109\n",
            "is a pointer of git-lfs.*lfs pull",
        ),
        (b"\n<!DOCTYPE html>\n<title>404</title>", "is a web page that was saved in place of the file"),
        (b"<html>404 not found</html>", "is a web page"),
        (b"not found", "is no file of torch.save, or a damaged one .its pickle is none.: copy it again$"),
        (pickle.dumps({"model": {"state_dict": {}}})[:-9] + b"\xff" * 9, "is no file of torch.save, or a damaged one"),
        (pickle.dumps({"model": 1}, 4), "is no file of torch.save, or a damaged one"),
    ],
    ids=["git-lfs", "web page", "bare web page", "text", "damaged pickle", "other pickle"],
)
@pytest.mark.filterwarnings("ignore:Detected pickle protocol 4")
def test_what_was_put_in_place_of_the_weights_is_named(tmp_path, content, message):
    folder = theirs(tmp_path, toy())
    (folder / WEIGHTS).write_bytes(content)
    with pytest.raises(CheckpointError, match=message) as caught:
        read_published(folder)
    assert "weights_only" not in str(caught.value)


def test_archives_that_are_not_torchs_are_refused_before_they_unfold(tmp_path):
    folder = theirs(tmp_path, toy())
    with zipfile.ZipFile(folder / WEIGHTS, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data/0", bytes(50_000_000))
    with pytest.raises(CheckpointError, match="its records claim to be longer than the file"):
        read_published(folder)
    with zipfile.ZipFile(folder / WEIGHTS, "w") as archive:
        archive.writestr("notes.txt", b"nothing of torch")
    with pytest.raises(CheckpointError, match=r"is no file of torch.save, or a damaged one"):
        read_published(folder)


def test_a_truncated_file_says_so(tmp_path):
    folder = theirs(tmp_path, toy())
    whole = (folder / WEIGHTS).read_bytes()
    for size in (len(whole) - 100, len(whole) // 2, 100):
        (folder / WEIGHTS).write_bytes(whole[:size])
        with pytest.raises(CheckpointError, match=f"checkpoint.pth is truncated .it ends after {size} bytes"):
            read_published(folder)
    held = toy().state_dict()
    torch.save(held, folder / WEIGHTS, _use_new_zipfile_serialization=False)
    (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="is truncated"):
        read_published(folder)
    (folder / WEIGHTS).write_bytes(b"")
    with pytest.raises(CheckpointError, match="is empty"):
        read_published(folder)


class Foreign:
    """What runs a command when it is unpickled."""

    def __init__(self, witness):
        self.witness = witness

    def __reduce__(self):
        return os.mkdir, (str(self.witness),)


@pytest.mark.parametrize("save", [torch.save, lambda held, path: Path(path).write_bytes(pickle.dumps(held, 2))])
def test_code_in_a_file_does_not_run(tmp_path, save):
    folder = theirs(tmp_path, toy())
    save({"model": Foreign(tmp_path / "ran")}, folder / WEIGHTS)
    with pytest.raises(CheckpointError, match=r"was not read|no file of torch.save"):
        read_published(folder)
    assert not (tmp_path / "ran").exists()


def test_objects_in_a_file_are_named(tmp_path):
    folder = theirs(tmp_path, toy())
    torch.save({"model": Foreign(tmp_path / "ran")}, folder / WEIGHTS)
    with pytest.raises(CheckpointError, match=r"it holds objects \(posix.mkdir\), .*can run code.*weights_only=False"):
        read_published(folder)


@pytest.mark.parametrize(
    ("held", "message"),
    [
        ({"state_dict": {}, "epoch": 1}, r"it has no 'model' .but state_dict, epoch"),
        ({"model": {"weights": 1}}, "its 'model' has no 'state_dict' .but weights"),
        ({(1, 2): 3}, r"it has no 'model' .but .1, 2."),
        ({"model": {"state_dict": {"a": 1}}}, "'a' among the weights is no tensor"),
        ({"model": {"state_dict": {"a": torch.zeros(1), 7: torch.zeros(1)}}}, "weights bear names, but 7 is no text"),
        ({"model": {"state_dict": {"a": torch.zeros(1)}, "args": [1]}}, r"args of the weights is \[1\]: a group of"),
        ({"model": {"state_dict": {"decoder.layers.0.weight": torch.zeros(())}}}, "115 missing, 0 surplus, 1 of ano"),
        ([1, 2], "holds a list, not a mapping"),
        (
            {"model": {"state_dict": {"a": torch.zeros(1), "module.a": torch.zeros(1)}}},
            "some weights twice, with 'module.' and without",
        ),
    ],
)
def test_a_file_of_another_layout_says_what_it_has(tmp_path, held, message):
    folder = theirs(tmp_path, toy())
    torch.save(held, folder / WEIGHTS)
    with pytest.raises(CheckpointError, match=message):
        read_published(folder)


def test_folders_of_another_layout_say_what_they_lack(tmp_path):
    with pytest.raises(CheckpointError, match=r"no folder in the published layout: it has no config.yaml"):
        read_published(tmp_path)
    folder = theirs(tmp_path, toy())
    (folder / WEIGHTS).unlink()
    with pytest.raises(CheckpointError, match=r"it has no training_checkpoints/checkpoint.pth"):
        read_published(folder)
    folder = theirs(tmp_path, toy())
    for text, message in (
        ("a: !!python/object/apply:os.mkdir [ran]", "no plain YAML"),
        ("", "no groups of settings but None"),
    ):
        (folder / "config.yaml").write_text(text)
        with pytest.raises(CheckpointError, match=message):
            read_published(folder)


def test_weights_that_are_there_are_not_overwritten_unasked(tmp_path):
    folder = write_published(tmp_path, toy(seed=1))
    with pytest.raises(CheckpointError, match="pass overwrite=True"):
        write_published(tmp_path, toy(seed=2))
    same(weights_of(toy(seed=1)), read_published(folder).weights)
    write_published(tmp_path, toy(seed=2), overwrite=True)
    same(weights_of(toy(seed=2)), read_published(folder).weights)
    assert sorted(path.name for path in folder.rglob("*")) == ["checkpoint.pth", "config.yaml", "training_checkpoints"]


# -- checkpoints of this family ----------------------------------------------------------------------------------------


def test_a_checkpoint_that_is_not_of_this_network_is_an_error():
    good = checkpoint_of(TOY, weights_of(toy()))
    with pytest.raises(CheckpointError, match=r"family 'unet' holds no network of 'adaf-ocean-cnp'"):
        network_of(Checkpoint("unet", good.weights))
    with pytest.raises(CheckpointError, match=r"describes no network: a configuration has no 'windows'; .* 'window'"):
        network_of(replace(good, configuration={**good.configuration, "windows": 1}))
    with pytest.raises(CheckpointError, match=r"normalisation is not that of its configuration"):
        network_of(replace(good, normalisation=normalisation_of(TOY.with_sea_level("zos"))))
    with pytest.raises(CheckpointError, match="1 missing, 0 surplus"):
        network_of(replace(good, weights={k: v for k, v in good.weights.items() if k != "decoder.layers.0.bias"}))
    with pytest.raises(CheckpointError, match="these weights: 0 missing, 1 surplus"):
        checkpoint_of(TOY, {**good.weights, "scale": np.zeros(1)})


def test_a_network_does_not_share_memory_with_its_checkpoint():
    checkpoint = checkpoint_of(TOY, weights_of(toy()))
    network = network_of(checkpoint)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(1.0)
    same(weights_of(toy()), checkpoint.weights)


def test_normalisation_is_that_of_the_ranges():
    numbers = normalisation_of(THINNED)["bg"]["thetao"]
    assert (numbers["offset"], numbers["scale"]) == (16.5, 19.5)  # missing data, 0, mean 16.5 degrees


def test_names_fold_into_a_readable_list():
    names = [f"a.{layer}.{kind}" for layer in (0, 1) for kind in ("weight", "bias")] + ["a.2.weight", "b.bias"]
    assert folded(names) == ["a.{0,1}.{weight,bias}", "a.2.weight", "b.bias"]
