"""Training of the published network: what it sees, which windows are drawn, what is minimised, that it learns."""

import re
import shutil
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr

from adaf_xr.models.base import Background
from adaf_xr.models.cnp import RELEASED, THINNED, Configuration, Source
from adaf_xr.models.cnp.day import Day
from adaf_xr.models.cnp.lattices import lattice_of
from adaf_xr.models.cnp.network import ConditionalNeuralProcess
from adaf_xr.training import load
from adaf_xr.training.cnp import preparing
from adaf_xr.training.cnp.first_weights import make_local
from adaf_xr.training.cnp.objective import Objective
from adaf_xr.training.cnp.options import Loss, Model
from adaf_xr.training.cnp.sampling import Sampler
from adaf_xr.training.cnp.task import CNPTask
from adaf_xr.training.configuration import ConfigurationError
from adaf_xr.training.material import Material, MaterialError
from adaf_xr.training.shards import Shards, ShardsError
from adaf_xr.training.spreading import SilentSourceWarning

HALF_A_DAY = np.timedelta64(12, "h")
LEVEL = (-2.5, 2.5)
TINY = Configuration(
    sources=(
        Source("bg", "background", ("zos",), 1.0, (4, 8), (LEVEL,)),
        Source("in_situ_obs", "insitu", ("thetao", "so"), 0.0, (6, 1), ((-3.0, 36.0), (0.0, 40.0))),
        Source("sate_sla", "ssh", ("zos",), 1.0, (4, 8), (LEVEL,)),
    ),
    variables=("zos",), window=(4, 8), phase="cell", latent=8,
    encoder_width=8, encoder_depth=2, encoder_skips=(1,), decoder_width=24, decoder_depth=3, decoder_skips=(1,),
)  # fmt: skip
"""A network of the published kind that learns in seconds."""

BOX = (-40.0, -16.0, 20.0, 36.0)
DAYS = 60
PERIODS = {
    "train": (np.datetime64("2020-01-02"), np.datetime64("2020-02-15")),
    "validation": (np.datetime64("2020-02-15"), np.datetime64("2020-02-20")),
}


def offset(day):
    """How wrong the background of the toy world is on a day [m]: nothing but observations can know."""
    return 0.5 * np.sin(1.7 * day)


def world(spacing=0.5):
    """A truth at half a degree, a 1 degree background that is wrong by a constant, tracks that see the truth."""
    west, east, south, north = BOX
    time = pd.date_range("2020-01-01", periods=DAYS).values.astype("datetime64[ns]")

    def field(step, wrong):
        lat, lon = np.arange(south + step / 2, north, step), np.arange(west + step / 2, east, step)
        pattern = 0.2 * np.sin(np.radians(20 * lat))[:, None] * np.cos(np.radians(15 * lon))[None, :]
        pattern = np.where((lat[:, None] > 32) & (lon[None, :] < -34), np.nan, pattern)  # an island
        values = pattern + wrong * offset(np.arange(DAYS))[:, None, None]
        ds = xr.Dataset({"zos": (("time", "latitude", "longitude"), values.astype("f4"))}, {"time": time})
        return ds.assign_coords(latitude=lat, longitude=lon).chunk(time=1)

    truth = field(spacing, 1.0)
    return truth, field(1.0, 0.0)


class Tracks:
    """A track a degree around every analysis time, and a few floats; picklable, as a cluster asks."""

    def __init__(self, truth, silent=()):
        self.truth, self.silent = truth.load(), {np.datetime64(day, "D") for day in silent}

    def __call__(self, time, window):
        if time.astype("M8[D]") in self.silent:
            return xr.DataTree()
        now = self.truth.zos.sel(time=time).stack(obs=("latitude", "longitude")).dropna("obs")
        rows = slice(None, None, 3)
        table = {"zos": ("obs", now.values[rows].astype("f8"))}
        coords = {
            "latitude": ("obs", now.latitude.values[rows]),
            "longitude": ("obs", now.longitude.values[rows]),
            "depth": ("obs", np.zeros(now.size)[rows]),
            "time": ("obs", np.full(now.size, time - HALF_A_DAY)[rows]),
        }
        attrs = {"featureType": "point", "source": "ssh"}
        return xr.DataTree.from_dict({"/tracks/ssh": xr.Dataset(table, coords, attrs)})


def material(silent=(), spacing=0.5):
    truth, background = world(spacing)
    return Material(truth, background, Tracks(truth, silent), PERIODS, {"name": "toy"})


def asked(network=TINY, **changes):
    """A training configuration for a network."""
    but = {name: value for name, value in network.as_dict().items() if value != THINNED.as_dict()[name]}
    wanted = {
        "name": "toy", "task": "adaf-ocean-cnp", "epochs": 12, "batch": 4, "seed": 1, "tensorboard": False,
        "model": {"base": "thinned", "but": but}, "data": {"windows": 12, "lat_step": 2, "lon_step": 4},
        "optimiser": {"lr": 5e-3}, "device": "cpu", "threads": 1,
    }  # fmt: skip
    return load(wanted, changes)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """Shards of the toy world."""
    folder = tmp_path_factory.mktemp("shards")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SilentSourceWarning)  # there are no floats
        CNPTask.prepare(asked(), material(), folder)
    return folder


# ---- recipes and options


def test_the_published_recipe_is_the_published_training():
    wanted = load("adaf-ocean-cnp")
    assert Model.model_validate(wanted.model).configuration() == RELEASED
    assert (wanted.optimiser.name, wanted.optimiser.lr, wanted.optimiser.weight_decay) == ("adam", 1e-4, 0.0)
    assert (wanted.schedule.name, wanted.schedule.milestones, wanted.schedule.gamma) == (
        "multistep",
        (80, 160, 200),
        0.5,
    )
    assert (wanted.epochs, wanted.batch, wanted.per_rank(2), wanted.seed, wanted.precision) == (400, 4, 2, 42, "fp32")
    assert (wanted.data["windows"], wanted.data["lat_step"], wanted.data["lon_step"]) == (128, 5, 5)
    assert (wanted.loss["learn_residual"], wanted.loss["mask_land"], wanted.ema) == (True, True, None)
    assert (wanted.validate_every, wanted.save_every, wanted.optimiser.clip) == (5, 5, None)


def test_the_thinned_recipe_is_for_simulated_experiments():
    wanted = Model.model_validate(load("adaf-ocean-cnp-thinned").model).configuration()
    assert wanted == THINNED.but(phase="cell").with_sea_level("zos")


def test_any_part_of_the_network_can_be_set_and_nonsense_is_refused_by_name():
    assert Model.model_validate(asked().model).configuration() == TINY
    with pytest.raises(ConfigurationError, match=r"model: .*no 'decoder_widht'; did you mean 'decoder_width'"):
        load("adaf-ocean-cnp", {"model.but": {"decoder_widht": 3}})
    with pytest.raises(ConfigurationError, match=r"data.window is unknown: did you mean data.windows"):
        load("adaf-ocean-cnp", {"data.window": 3})


# ---- the truth on the lattice


def test_a_truth_whose_cells_do_not_nest_is_refused_with_the_way_out():
    with pytest.raises(MaterialError, match=r"the truth does not fit.*latitude do not nest.*1 degrees.*model\.phase"):
        preparing.see(TINY.but(phase="node"), material(spacing=1.0), np.datetime64("2020-01-05", "ns"))


# ---- preparing


def test_a_shard_holds_what_the_engine_sees(prepared):
    _, background = world()
    task = CNPTask(asked(), prepared)
    time = task.shards.time("train", 3)
    day, label = preparing.day_of(task.shards.read("train", 3))
    now = background.sel(time=time)
    guess = Background(now.latitude.values, now.longitude.values, np.empty(0), {"zos": now.zos.values})
    points = material().points(time, ("1D", "0D"))["ssh"]
    from adaf_xr.models.cnp.engine import AdafOceanCNP

    engine = AdafOceanCNP(ConditionalNeuralProcess(TINY))
    halves = [engine.encode(points.take(slice(k, None, 2)), guess, time) for k in (0, 1)]
    seen = (halves[1] + halves[0]).day(TINY, guess)
    for key, grid in seen.grids.items():
        np.testing.assert_allclose(day.grids[key], grid, rtol=1e-6, err_msg=key)
    assert np.array_equal(day.insitu, seen.insitu)
    sampler = Sampler(TINY, 2, 4)
    where = sampler.draw(label, 5, 0)
    one, other = (sampler.windows(which, label, *where)["inputs"] for which in (day, seen))
    assert all(torch.allclose(one[key], other[key], rtol=1e-6) for key in one) and set(one) == set(other)


def test_the_truth_of_a_shard_is_the_mean_of_its_fine_cells(prepared):
    truth, _ = world()
    _, label = preparing.day_of(CNPTask(asked(), prepared).shards.read("train", 0))
    now = truth.zos.sel(time="2020-01-02").squeeze()
    area = np.cos(np.radians(now.latitude)) * now.notnull()
    boxes = {"latitude": 2, "longitude": 2}
    fine = (now * area).coarsen(boxes).sum() / area.coarsen(boxes).sum()
    region = label[0, 110:126, 320:344]
    np.testing.assert_allclose(region, fine.values, rtol=1e-5, atol=1e-6)
    assert np.isfinite(label).sum() == np.isfinite(fine.values).sum() > 300


def test_preparing_goes_on_where_it_was_killed_and_counts(tmp_path):
    told = []
    with pytest.warns(SilentSourceWarning, match="in_situ_obs gave nothing on 49 of 49 days"):
        CNPTask.prepare(asked(), material(), tmp_path, progress=lambda done, of: told.append((done, of)))
    assert told == [(k, 49) for k in range(50)]
    shards = CNPTask(asked(), tmp_path).shards
    before = shards.path("train", 0).stat().st_mtime_ns
    shards.path("validation", 2).unlink()
    with pytest.raises(ShardsError, match=r"1 of 5 days of 'validation' are missing"):
        CNPTask(asked(), tmp_path)
    told.clear()
    with pytest.warns(SilentSourceWarning, match="on 1 of 1 days"):
        CNPTask.prepare(asked(), material(), tmp_path, progress=lambda done, of: told.append((done, of)))
    assert told == [(48, 49), (49, 49)] and shards.path("train", 0).stat().st_mtime_ns == before
    with pytest.raises(ShardsError, match=r"network.days was 1.0 and is 2.0"):
        CNPTask(asked(TINY.but(days=2.0)), tmp_path)
    assert CNPTask(asked(TINY.but(decoder_width=8)), tmp_path).samples("train") == 44  # the same days serve any width


def test_every_other_day_is_prepared_where_that_is_asked(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SilentSourceWarning)
        CNPTask.prepare(asked(**{"data.every": 20}), material(), tmp_path)
    shards = CNPTask(asked(), tmp_path).shards
    days = [str(shards.time("train", k).astype("M8[D]")) for k in range(shards.count("train"))]
    assert days == ["2020-01-02", "2020-01-22", "2020-02-11"] and shards.count("validation") == 1


def test_a_cluster_prepares_the_same_days(prepared, tmp_path):
    from distributed import Client

    with Client(processes=False, n_workers=2, threads_per_worker=1, dashboard_address=None) as client:
        assert client.status == "running"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SilentSourceWarning)
            CNPTask.prepare(asked(), material(), tmp_path)
        truth, background = world()
        empty = Material(truth.where(False), background, Tracks(truth), PERIODS)
        with pytest.raises(MaterialError, match="no value at all"):
            CNPTask.prepare(asked(), empty, tmp_path / "empty")
    for name in ("train/20200110T000000", "validation/20200216T000000"):
        assert (tmp_path / f"{name}.safetensors").read_bytes() == (prepared / f"{name}.safetensors").read_bytes()


def test_a_day_without_a_source_stays_and_is_counted(tmp_path):
    with pytest.warns(SilentSourceWarning) as caught:
        CNPTask.prepare(asked(), material(silent=["2020-01-03", "2020-02-16"]), tmp_path)
    assert any("sate_sla gave nothing on 2 of 49 days" in str(w.message) for w in caught)
    day, label = preparing.day_of(CNPTask(asked(), tmp_path).shards.read("train", 1))
    assert np.isnan(day.grids["sate_sla"]).all() and np.isfinite(label).any() and day.insitu.shape == (0, 5)


def test_material_that_does_not_fit_is_refused_with_the_way_out(tmp_path):
    with pytest.raises(MaterialError, match="truth lacks thetao, so, uo, vo"):
        CNPTask.prepare(asked(THINNED), material(), tmp_path)
    truth, background = world()
    empty = Material(truth.where(False), background, Tracks(truth), PERIODS)
    with pytest.raises(MaterialError, match="no value at all") as caught:
        CNPTask.prepare(asked(), empty, tmp_path)
    assert re.search(r"while preparing 2020-0\d-\d\dT00:00 of '", str(caught.value.__notes__))
    with pytest.raises(MaterialError, match="no period 'validation'"):
        CNPTask.prepare(asked(), Material(truth, background, Tracks(truth), {"train": PERIODS["train"]}), tmp_path)


# ---- sampling


def test_windows_of_land_are_never_drawn_and_all_others_evenly():
    sampler = Sampler(TINY, 4, 8)
    truth = np.full((1, 180, 360), np.nan, "f4")
    truth[0, 100:140, 350:] = truth[0, 100:140, :10] = 1.0  # an ocean across the prime meridian
    sea = {(i, j) for i in range(0, 177, 4) for j in range(0, 360, 8)
           if np.isfinite(truth[0, i : i + 4][:, np.arange(j, j + 8) % 360]).any()}  # fmt: skip
    draws, each = 400, 8
    counts = dict.fromkeys(sea, 0)
    for seed in range(draws):
        drawn = list(zip(*sampler.draw(truth, each, seed), strict=True))
        assert len(set(drawn)) == each
        for window in drawn:
            counts[int(window[0]), int(window[1])] += 1  # a KeyError here is a window of land
    expected = draws * each / len(sea)
    chi2 = sum((n - expected) ** 2 / expected for n in counts.values())
    dof = len(sea) - 1
    assert abs(chi2 - dof) < 5 * np.sqrt(2 * dof) and min(counts.values()) > 0


def test_the_same_seed_draws_the_same_windows_and_few_windows_are_all_taken():
    sampler = Sampler(TINY, 4, 8)
    truth = np.full((1, 180, 360), np.nan, "f4")
    truth[0, 100:120, 40:80] = 1.0
    one, same, other = (sampler.draw(truth, 6, seed) for seed in (3, 3, 4))
    assert np.array_equal(one, same) and not np.array_equal(one, other)
    everything = sampler.draw(truth, 1000, 0)
    assert everything[0].size == 5 * 5 and set(everything[0].tolist()) == {100, 104, 108, 112, 116}


def test_windows_show_one_place_to_all_parts_of_a_batch():
    """Truth, background and coordinates of a target are those of the same cell, across the prime meridian too."""
    lattice = lattice_of(TINY.background, TINY)
    lat, lon = lattice.latitude(np.arange(180)), lattice.longitude(np.arange(360))
    grid = (np.sin(np.radians(lat))[:, None] + 0 * lon).astype("f4")[None]
    truth = (np.cos(np.radians(lon))[None, :] + 0 * lat[:, None]).astype("f4")[None]
    day = Day({"bg": grid, "sate_sla": truth}, np.empty((0, 5), "f4"))
    batch = Sampler(TINY, 2, 4).windows(day, truth, np.array([40, 120]), np.array([356, 8]))
    targets = batch["targets"]
    assert torch.allclose(batch["background"][..., 0], targets[..., 0], atol=1e-6)
    assert torch.allclose(batch["truth"][..., 0], targets[..., 3], atol=1e-6)
    bg = batch["inputs"]["bg"]
    assert torch.allclose(bg[..., :5], targets, atol=1e-6)
    assert torch.allclose(2.5 * bg[..., 5], targets[..., 0], atol=1e-6)


def test_a_sample_depends_on_its_index_and_seed_only(prepared):
    task = CNPTask(asked(), prepared)
    both = task.batch("train", [5, 9], [11, 12])
    alone = task.batch("train", [9], [12])
    assert torch.equal(both["truth"][12:].nan_to_num(), alone["truth"].nan_to_num())
    assert all(torch.equal(both["inputs"][key][12:], alone["inputs"][key]) for key in alone["inputs"])


# ---- first weights


@pytest.mark.parametrize("network", [RELEASED, THINNED, TINY], ids=["released", "thinned", "tiny"])
def test_local_first_weights_take_means_near_the_targets_and_begin_at_the_background(network):
    """Every gridded point counts in one token, that of its place; what a token sees of a field is its mean there."""
    local = make_local(ConditionalNeuralProcess(network))
    high, wide = (round(degrees) for degrees in network.window)
    run = network.targets // network.latent
    for source in network.sources:
        weight = local.encoder.get_submodule(f"{source.key}_post_proc").weight
        if not source.gridded:
            assert weight.std() > 0.0
            continue
        row, column = np.divmod(np.arange(source.points), source.shape[1])
        place = row * high // source.shape[0] * wide + column * wide // source.shape[1]
        seen = weight.detach() @ torch.from_numpy(place.astype("f4"))
        wanted = torch.arange(network.targets, dtype=torch.float32).reshape(-1, run).mean(1)
        assert torch.allclose(seen, wanted, atol=1e-3), source.key
        assert torch.allclose(weight.sum(1), torch.ones(network.latent), atol=1e-5)
        assert (torch.count_nonzero(weight, dim=0) == 1).all()
    inputs = {s.key: torch.randn(1, s.points, 5 + len(s.channels)) for s in network.sources}
    with torch.no_grad():
        assert not local(inputs, torch.randn(1, network.targets, 5)).any()


def test_a_configuration_asks_for_its_first_weights(prepared):
    local = CNPTask(asked(**{"model.first_weights": "local"}), prepared).network()
    assert not local.decoder.output_layers.weight.any()
    assert CNPTask(asked(), prepared).network().decoder.output_layers.weight.all()


# ---- the loss


def windows(truth, background):
    """A batch of the tiny network's shape with given truth and background, (1, 32, 1)."""
    inputs = {s.key: torch.zeros(1, s.points, 5 + len(s.channels)) for s in TINY.sources}
    targets = torch.zeros(1, 32, 5)
    targets[..., 1] = torch.linspace(0.1, 1.0, 32)
    return {"inputs": inputs, "targets": targets, "truth": truth, "background": background}


class Constant(torch.nn.Module):
    """Says the same everywhere."""

    def __init__(self, value):
        super().__init__()
        self.value = torch.nn.Parameter(torch.tensor(value))

    def forward(self, inputs, targets):
        return self.value.expand(len(targets), targets.shape[1], 1)


def test_the_loss_is_the_mean_square_of_the_scaled_residual_and_land_counts_as_zero():
    truth, background = torch.full((1, 32, 1), 0.5), torch.full((1, 32, 1), 0.25)
    truth[0, :8] = torch.nan
    sums = Objective(TINY, Loss()).loss(Constant(0.3), windows(truth, background))
    label = 0.25 / 2.5
    assert sums["loss"][0].item() == pytest.approx(24 * (0.3 - label) ** 2, rel=1e-6) and sums["loss"][1] == 32
    without = Objective(TINY, Loss(mask_land=False)).loss(Constant(0.3), windows(truth, background))
    assert without["loss"][0].item() == pytest.approx(sums["loss"][0].item()) and without["loss"][1] == 24
    whole = Objective(TINY, Loss(learn_residual=False)).loss(Constant(0.3), windows(truth, background))
    assert whole["loss"][0].item() == pytest.approx(24 * (0.3 - 0.5 / 2.5) ** 2, rel=1e-6)


def test_a_variable_that_is_missing_at_sea_is_skipped_and_not_taken_for_land():
    network = THINNED.but(variables=("thetao", "zos"))
    truth, background = torch.ones(1, 200, 2), torch.zeros(1, 200, 2)
    truth[0, :50, 0] = torch.nan
    truth[0, 190:] = torch.nan

    class Two(Constant):
        def forward(self, inputs, targets):
            return self.value.expand(1, 200, 2)

    batch = {"inputs": {}, "targets": torch.zeros(1, 200, 5), "truth": truth, "background": background}
    total, count = Objective(network, Loss()).loss(Two(0.0), batch)["loss"]
    assert count == 400 - 50
    assert total.item() == pytest.approx(140 / 19.5**2 + 190 / 2.5**2, rel=1e-5)


def test_gradients_are_finite_where_all_is_land():
    network = Constant(0.3)
    sums = Objective(TINY, Loss()).loss(network, windows(torch.full((1, 32, 1), torch.nan), torch.zeros(1, 32, 1)))
    sums["loss"][0].backward()
    assert network.value.grad == 0.0 and sums["loss"][1] == 32


def test_scores_are_in_metres_of_analysis_and_background_by_area_if_asked():
    truth, background = torch.full((1, 32, 1), 0.5), torch.full((1, 32, 1), 0.25)
    truth[0, :16] = 0.25
    truth[0, 31] = torch.nan
    batch = windows(truth, background)
    plain = Objective(TINY, Loss()).scores(Constant(0.1), batch)
    assert plain["rmse_zos"][1] == plain["rmse_zos_background"][1] == 31
    assert plain["rmse_zos"][0].item() == pytest.approx(16 * 0.25**2, rel=1e-5)
    assert plain["rmse_zos_background"][0].item() == pytest.approx(15 * 0.25**2, rel=1e-5)
    weighed = Objective(TINY, Loss(area_weights=True)).scores(Constant(0.1), batch)
    weight = batch["targets"][0, :, 1]
    assert weighed["rmse_zos"][0].item() == pytest.approx(weight[:16].sum().item() * 0.25**2, rel=1e-5)
    assert weighed["rmse_zos"][1].item() == pytest.approx(weight[:31].sum().item(), rel=1e-5)


def test_a_network_of_analyses_is_not_mistaken_for_one_of_residuals(prepared):
    weights = {name: tensor.numpy() for name, tensor in ConditionalNeuralProcess(TINY).state_dict().items()}
    made = CNPTask(asked(), prepared).checkpoint(weights, {"seed": 1})
    assert made.family == "adaf-ocean-cnp" and made.provenance["days"] == {"train": 44, "validation": 5}
    assert made.provenance["material"] == {"name": "toy"} and made.provenance["seed"] == 1
    assert Configuration.from_dict(made.configuration) == TINY
    direct = CNPTask(asked(**{"loss.learn_residual": False}), prepared).checkpoint(weights, {})
    assert direct.family == "adaf-ocean-cnp-analysis"


# ---- learning


def test_the_released_configuration_trains(prepared):
    """Two steps of the 27 million weights on a few windows: all gradients finite, the loss falls, weights move."""
    lattices = {s.key: lattice_of(s, RELEASED).shape for s in RELEASED.sources if s.gridded}
    rng = np.random.default_rng(0)
    grids = {key: np.zeros((len(RELEASED.source(key).channels), *shape), "f4") for key, shape in lattices.items()}
    grids["bg"] = rng.normal(size=grids["bg"].shape).astype("f4")
    grids["sate_sst"][0, ::7, ::5] = 15.0
    truth = grids["bg"] + rng.normal(size=grids["bg"].shape).astype("f4")
    day = Day(grids, np.array([[45.0, 200.0, 5.0, 12.0, 35.0]], "f4"))
    batch = Sampler(RELEASED, 5, 5).windows(day, truth, np.array([130]), np.array([355]))
    assert batch["inputs"]["sate_sst"].shape == (1, 125000, 7)
    torch.manual_seed(42)
    network = ConditionalNeuralProcess(RELEASED)
    before = {name: weight.detach().clone() for name, weight in network.named_parameters()}
    objective, optimiser = Objective(RELEASED, Loss()), torch.optim.Adam(network.parameters(), lr=1e-4)
    losses = []
    for _ in range(2):
        optimiser.zero_grad()
        total, count = objective.loss(network, batch)["loss"]
        (total / count).backward()
        assert all(torch.isfinite(weight.grad).all() for weight in network.parameters())
        optimiser.step()
        losses.append((total / count).item())
    with torch.no_grad():
        total, count = objective.loss(network, batch)["loss"]
    assert total / count < losses[1] < losses[0]
    assert all(not torch.equal(weight, before[name]) for name, weight in network.named_parameters())


def test_a_trained_network_beats_the_background_on_a_day_it_never_saw(prepared, tmp_path):
    import adaf_xr
    from adaf_xr import checkpoint
    from adaf_xr.training import train

    rows = []
    done = train(asked(), prepared, tmp_path / "run", on_event=rows.append)
    assert done["reason"] == "finished" and done["step"] == 12 * 11
    scores = [row for row in rows if row["kind"] == "epoch"][-1]
    assert scores["validation_rmse_zos"] < 0.5 * scores["validation_rmse_zos_background"]
    path = tmp_path / "run" / "checkpoints" / "best.safetensors"
    assert checkpoint.describe(path).provenance["material"] == {"name": "toy"}
    truth, background = world(spacing=1.0)
    time = np.datetime64("2020-02-26", "ns")
    tree = Tracks(world()[0])(time, None)
    analysis = adaf_xr.assimilate(tree, background.sel(time=[time]), model=str(path), grid=1.0)
    true = truth.sel(time=[time]).zos
    wrong, before = (float(np.sqrt(((ds.zos - true) ** 2).mean())) for ds in (analysis, background))
    assert wrong < 0.5 * before


def test_the_size_of_a_day_is_that_of_its_file(tmp_path):
    configuration = THINNED.but(phase="cell")
    grids = {
        source.key: np.zeros((len(source.channels), 180, 360), "f4")
        for source in configuration.sources
        if source.gridded
    }
    truth = np.zeros((len(configuration.variables), 180, 360), "f4")
    shards = Shards.create(tmp_path, {}, {"train": np.array(["2020-01-01"], "M8[ns]")})
    shards.write("train", 0, {**grids, "truth": truth})
    assert shards.path("train", 0).stat().st_size == pytest.approx(preparing.size_of_a_day(configuration), rel=0.001)


def test_preparing_what_the_disk_cannot_hold_writes_no_day(tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage._replace(free=1))
    with pytest.raises(ShardsError, match=r"days of .* GB each do not fit into the 1e-09 GB"):
        CNPTask.prepare(asked(), material(), tmp_path)
    assert not list(tmp_path.rglob("*.safetensors"))
