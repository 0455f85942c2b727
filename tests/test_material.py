"""What a network is trained on: fields that fit, periods that exist, observations of a day by kind."""

import pickle
import threading

import dask
import dask.array
import numpy as np
import pytest
import toy
import xarray as xr
from distributed import Client

from adaf_xr.cf.canonical import CODES
from adaf_xr.training.material import Material, MaterialError

DAY = np.timedelta64(1, "D")
PERIODS = {"train": (np.datetime64("2020-01-01"), np.datetime64("2020-01-03"))}


def nothing(time, window):
    return xr.DataTree()


def tracks(time, window):
    """A tree of experiments: two altimeters, one node per system and kind."""
    rows = {name: toy.points(100, seed, days=3.0) for seed, name in enumerate(("a", "b"))}
    return xr.DataTree.from_dict({f"/{name}/ssh": ds for name, ds in rows.items()})


def material(truth=None, background=None, observe=nothing, periods=PERIODS):
    return Material(truth or toy.background(), background or toy.background(), observe, periods)


def test_fields_are_held_under_their_canonical_names_and_stay_lazy():
    spelt = toy.background().rename(latitude="lat", longitude="lon", zos="adt")
    held = material(background=spelt).background
    assert list(held.data_vars) == ["zos"] and held.zos.dims == ("time", "latitude", "longitude")
    assert held.zos.chunks is not None


def test_times_are_those_of_the_half_open_period_that_both_fields_have():
    truth = toy.background(n_times=2)
    assert material(truth).times("train").astype("M8[D]").astype(str).tolist() == ["2020-01-01", "2020-01-02"]
    later = truth.assign_coords(time=truth.time + DAY)
    assert material(later).times("train").astype("M8[D]").astype(str).tolist() == ["2020-01-02"]


@pytest.mark.parametrize(
    ("name", "periods", "says"),
    [
        ("test", PERIODS, "no period 'test'.*'train'"),
        ("train", {}, "there are: none"),
        ("far", {"far": (np.datetime64("2031-01-01"), np.datetime64("2031-02-01"))}, "2031-01-01 to 2031-02-01.*move"),
    ],
)
def test_a_period_without_days_is_an_error_that_names_what_there_is(name, periods, says):
    with pytest.raises(MaterialError, match=says):
        material(periods=periods).times(name)


def test_fields_without_a_common_variable_are_refused():
    with pytest.raises(MaterialError, match="truth has zos, the background thetao"):
        material(background=toy.background(names=("thetao",)))


def test_a_coarser_truth_and_one_that_does_not_cover_the_background_are_refused():
    with pytest.raises(MaterialError, match=r"2 degrees.*the background 1.*coarser"):
        material(truth=toy.background(spacing=2.0))
    with pytest.raises(MaterialError, match=r"covers longitude -40 to -35.*background -40 to -30"):
        material(truth=toy.background(box=(-40.0, -35.0, 20.0, 28.0)))


def test_a_finer_truth_beyond_the_background_fits():
    assert material(truth=toy.background(spacing=0.25, box=(-44.0, -28.0, 18.0, 30.0))).times("train").size == 2


def test_missing_variables_are_named_with_the_field_that_lacks_them():
    both = material(background=toy.background(names=("zos", "thetao")))
    both.require(["zos"], observed=["thetao"])
    with pytest.raises(MaterialError, match="truth lacks thetao: it has zos"):
        both.require(["thetao"])
    with pytest.raises(MaterialError, match="background lacks so"):
        both.require(["zos"], observed=["so"])


def test_points_of_a_day_are_joined_by_kind_and_cut_to_the_window():
    time = np.datetime64("2020-01-03T00:00:00", "ns")
    found = material(observe=tracks).points(time, ("1D", "0D"))
    assert list(found) == ["ssh"]
    rows = found["ssh"]
    everything = np.concatenate([toy.points(100, seed, days=3.0).time.values for seed in (0, 1)])
    assert 0 < len(rows) == np.count_nonzero((everything >= time - DAY) & (everything < time)) < 200
    assert (rows.variable == CODES["zos"]).all()


def test_a_node_of_a_kind_inside_one_of_the_same_name_is_read_once():
    table = toy.points(50, days=1.0)
    nested = xr.DataTree.from_dict({"/ssh/ssh": table})
    found = material(observe=lambda time, window: nested).points(np.datetime64("2020-01-02", "ns"), ("1D", "0D"))
    assert len(found["ssh"]) == 50


def test_lazy_points_are_those_in_memory():
    time, whole = np.datetime64("2020-01-03", "ns"), toy.points(300, days=3.0)
    one, other = (
        material(observe=lambda *_, ds=ds: xr.DataTree.from_dict({"/ssh": ds})).points(time, "2D")["ssh"]
        for ds in (whole, toy.lazy(whole, 64))
    )
    assert np.array_equal(np.sort(one.value), np.sort(other.value)) and len(one) > 100


def test_kinds_that_are_not_asked_for_are_not_read():
    def refused():
        raise AssertionError("nobody asked for it")

    def observe(time, window):
        never = xr.DataArray(dask.array.from_delayed(dask.delayed(refused)(), (50,), "f8"), dims="obs")
        temperature = toy.points(50, days=1.0, source="sst").rename(zos="sst").assign(sst=never)
        return xr.DataTree.from_dict({"/ssh": toy.points(50, days=1.0), "/sst": temperature})

    time = np.datetime64("2020-01-02", "ns")
    assert list(material(observe=observe).points(time, ("1D", "0D"), kinds=("ssh",))) == ["ssh"]
    with pytest.raises(AssertionError, match="nobody asked"):
        material(observe=observe).points(time, ("1D", "0D"))


def test_a_kind_without_rows_is_absent():
    assert material(observe=tracks).points(np.datetime64("2020-02-01", "ns"), ("1D", "0D")) == {}


class Experiment:
    """What `of_experiment` looks at."""

    truth = background = toy.background()
    splits = PERIODS
    manifest = {"experiment": {"name": "toy-v1"}, "package": "0", "bytes": 1}  # noqa: RUF012

    def tree(self, time, window):
        return tracks(time, window)

    def columns(self, depths):
        return self.truth.isel(time=slice(1)), self.background


def test_an_experiment_hands_over_fields_observations_periods_and_what_made_it():
    held = Material.of_experiment(Experiment())
    assert dict(held.periods) == PERIODS and held.provenance == {"experiment": {"name": "toy-v1"}, "package": "0"}
    assert held.points(np.datetime64("2020-01-03", "ns"), ("1D", "0D"))["ssh"]
    assert pickle.loads(pickle.dumps(held)).times("train").size == 2
    assert held.at_depth([30.0]).truth.sizes["time"] == 1


def test_what_observing_computes_stays_in_the_thread_of_its_day():
    """On a cluster it would go back to the scheduler, and all days would be begun at once."""
    seen = []

    def observe(time, window):
        seen.append(dask.delayed(threading.get_ident)().compute())
        return tracks(time, window)

    material(observe=observe).points(np.datetime64("2020-01-03", "ns"), ("1D", "0D"))
    assert seen == [threading.get_ident()]


def test_days_prepared_in_several_threads_leave_the_configuration_of_dask_as_it_was():
    """The first to enter leaves before the second: what each had found on entering is not what to restore."""
    day, before = np.datetime64("2020-01-03", "ns"), dask.config.get("scheduler", None)
    second_inside, first_left, seen = threading.Event(), threading.Event(), []

    def later(time, window):
        second_inside.set()
        first_left.wait(60)
        seen.append(dask.config.get("scheduler"))
        return tracks(time, window)

    second = threading.Thread(target=material(observe=later).points, args=(day, ("1D", "0D")))

    def earlier(time, window):
        second.start()
        second_inside.wait(60)
        return tracks(time, window)

    material(observe=earlier).points(day, ("1D", "0D"))
    first_left.set()
    second.join(60)
    assert seen == ["synchronous"] and dask.config.get("scheduler", None) == before


def test_a_client_that_closes_while_a_day_is_prepared_is_not_brought_back():
    """As where an error of one day ends the preparation, and a worker in a thread of this process is at another."""
    client, before = Client(processes=False, n_workers=1, dashboard_address=None), dask.config.get("scheduler", None)

    def observe(time, window):
        client.close()
        return tracks(time, window)

    assert before == "dask.distributed"
    material(observe=observe).points(np.datetime64("2020-01-03", "ns"), ("1D", "0D"))
    assert dask.config.get("scheduler", None) is None
