"""Networks in memory: one load per process and device whoever asks, and turns on the device."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import cloudpickle
import dask.array as da
import numpy as np
import pytest
import torch
from distributed import Client, LocalCluster

from adaf_xr import checkpoint
from adaf_xr.checkpoint import Checkpoint, CheckpointError, MissingCheckpointError, Reference
from adaf_xr.models import loading

THREADS = 8


@pytest.fixture(autouse=True)
def empty():
    """No network of another test in memory."""
    loading.forget()
    yield
    loading.forget()


def written(path, slope=2.0, **weights):
    """A line on disk."""
    weights = {"weight": np.float32([[slope]]), "bias": np.float32([1.0]), **weights}
    checkpoint.write(Checkpoint("line", weights), path)
    return Reference.of(path)


def line(content):
    """The network of the line."""
    network = torch.nn.Linear(1, 1)
    network.load_state_dict({name: torch.from_numpy(array) for name, array in content.weights.items()})
    return network


class Counting:
    """A builder that counts its calls, and takes its time so that impatient threads would meet."""

    def __init__(self, delay=0.02):
        self.calls, self.delay = 0, delay

    def __call__(self, content):
        self.calls += 1
        time.sleep(self.delay)
        return line(content)


def together(work, n=THREADS):
    """Results of n threads that begin at once."""
    barrier = threading.Barrier(n)

    def begin(k):
        barrier.wait()
        return work(k)

    with ThreadPoolExecutor(n) as pool:
        return list(pool.map(begin, range(n)))


class TestLoading:
    def test_threads_that_ask_at_once_load_once_and_share(self, tmp_path):
        reference, build = written(tmp_path / "a.safetensors"), Counting()
        networks = together(lambda k: loading.loaded(reference, "cpu", build))
        assert build.calls == 1
        assert len({id(network) for network in networks}) == 1
        assert networks[0](torch.tensor([3.0])).item() == 7.0

    def test_it_is_made_to_be_shared(self, tmp_path):
        network = loading.loaded(written(tmp_path / "a.safetensors"), "cpu", line)
        assert not network.training
        assert not any(parameter.requires_grad for parameter in network.parameters())
        x = torch.tensor([3.0], requires_grad=True)
        network(x).backward()
        assert x.grad.item() == 2.0

    def test_equal_content_is_one_network_wherever_it_lies_and_however_the_device_is_written(self, tmp_path):
        build = Counting()
        one = loading.loaded(written(tmp_path / "a.safetensors"), "cpu", build)
        assert loading.loaded(written(tmp_path / "b.safetensors"), "cpu:0", build) is one
        other = loading.loaded(written(tmp_path / "a.safetensors", slope=5.0), "cpu", build)
        assert other(torch.tensor([1.0])).item() == 6.0
        assert build.calls == 2

    def test_different_networks_load_side_by_side(self, tmp_path):
        references = [written(tmp_path / f"{k}.safetensors", slope=float(k)) for k in range(2)]
        meet = threading.Barrier(2)

        def build(content):
            meet.wait(timeout=30)  # breaks if one had to wait for the other
            return line(content)

        networks = together(lambda k: loading.loaded(references[k], "cpu", build), 2)
        assert [network.weight.item() for network in networks] == [0.0, 1.0]

    def test_the_last_four_are_kept(self, tmp_path):
        references = [written(tmp_path / f"{k}.safetensors", slope=float(k)) for k in range(5)]
        build = Counting(0)
        first = loading.loaded(references[0], "cpu", build)
        for reference in [*references[1:4], references[0], references[4]]:
            loading.loaded(reference, "cpu", build)
        assert build.calls == 5
        assert loading.loaded(references[0], "cpu", build) is first  # asked for again, so 1 went and not 0
        assert build.calls == 5
        loading.loaded(references[1], "cpu", build)
        assert build.calls == 6
        loading.forget()
        assert loading.loaded(references[0], "cpu", build) is not first

    def test_a_failed_load_is_tried_again(self, tmp_path):
        reference = written(tmp_path / "a.safetensors")
        (tmp_path / "a.safetensors").rename(tmp_path / "away")
        with pytest.raises(MissingCheckpointError, match="every worker must see it"):
            loading.loaded(reference, "cpu", line)
        (tmp_path / "away").rename(tmp_path / "a.safetensors")
        assert loading.loaded(reference, "cpu", line).weight.item() == 2.0


class TestFailing:
    def test_a_file_that_changed_after_the_graph_was_built(self, tmp_path):
        reference = written(tmp_path / "a.safetensors")
        written(tmp_path / "a.safetensors", slope=3.0)
        with pytest.raises(CheckpointError, match=r"a.safetensors has changed: .* build the analysis again"):
            loading.loaded(reference, "cpu", line)

    @pytest.mark.parametrize("weights", [{"weight": np.ones((2, 3), "f4")}, {"curvature": np.ones(1)}])
    def test_weights_that_do_not_fit(self, tmp_path, weights):
        with pytest.raises(CheckpointError, match=r"a.safetensors: the weights do not fit the network.*'line'"):
            loading.loaded(written(tmp_path / "a.safetensors", **weights), "cpu", line)

    @pytest.mark.parametrize(
        ("device", "message"),
        [
            ("gpu", "'gpu' is no device that torch knows.*cpu"),
            ("cuda:99", "device='cuda:99': .* has cpu.*workers' mach"),
        ],
    )
    def test_a_device_that_is_not_there(self, tmp_path, device, message):
        reference = written(tmp_path / "a.safetensors")
        with pytest.raises(ValueError, match=message):
            loading.loaded(reference, device, line)
        with pytest.raises(ValueError, match=message), loading.slot(device):
            pass

    def test_an_accelerator_on_a_machine_without_one(self, tmp_path, monkeypatch):
        monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
        with pytest.raises(ValueError, match=r"device='cuda': .* has cpu\. Choose one of these"):
            loading.loaded(written(tmp_path / "a.safetensors"), "cuda", line)


class TestTurns:
    def most_at_once(self, device="cpu"):
        """How many threads were inside together."""
        inside, most, guard = 0, 0, threading.Lock()

        def work(k):
            nonlocal inside, most
            with loading.slot(device):
                with guard:
                    inside += 1
                    most = max(most, inside)
                time.sleep(0.05)
                with guard:
                    inside -= 1

        together(work)
        return most

    @pytest.mark.parametrize(("cores", "threads", "turns"), [(4, 1, 4), (4, 2, 2), (4, 4, 1), (2, 4, 1), (5, 2, 2)])
    def test_on_a_cpu_calls_fill_the_cores_and_no_more(self, monkeypatch, cores, threads, turns):
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(cores)), raising=False)
        monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
        assert self.most_at_once() == turns

    def test_on_an_accelerator_one_works_at_a_time(self, monkeypatch):
        monkeypatch.setattr(loading, "device_of", torch.device)
        assert self.most_at_once("cuda:0") == 1

    def test_a_failure_gives_its_turn_back(self, monkeypatch):
        monkeypatch.setattr(torch, "get_num_threads", lambda: 10**6)
        for _ in range(3):
            with pytest.raises(RuntimeError, match="out of memory"), loading.slot("cpu"):
                raise RuntimeError("out of memory")
        with loading.slot("cpu"):
            pass


_LOADS: list[int] = []
"""Loads in this process, when it is a worker."""


def _counted(content):
    _LOADS.append(os.getpid())
    time.sleep(0.05)
    return line(content)


def _block(x, reference):
    network = loading.loaded(reference, "cpu", _counted)
    with loading.slot("cpu"), torch.no_grad():
        return network(torch.from_numpy(x)).numpy()


def test_workers_load_once_per_process_from_a_small_graph(tmp_path):
    reference = written(tmp_path / "a.safetensors")
    x = da.ones((40, 1), chunks=(1, 1), dtype="f4")
    y = da.map_blocks(_block, x, reference=reference, dtype="f4", meta=np.empty((0, 0), "f4"))
    assert len(cloudpickle.dumps(y.__dask_graph__())) < 20_000
    with (
        LocalCluster(n_workers=2, threads_per_worker=2, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        np.testing.assert_array_equal(y.compute(), np.full((40, 1), 3.0))
        loads = client.run(lambda: list(__import__("test_loading")._LOADS))
    assert len(loads) == 2
    assert all(len(each) == 1 for each in loads.values())
