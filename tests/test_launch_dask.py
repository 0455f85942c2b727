"""Ranks on a real dask cluster: they meet, they fail in every way, and nothing of them stays behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from distributed import Client, Event, LocalCluster
from launch_programs import (
    HERE,
    Listener,
    assert_gone,
    fails,
    meets_the_other_job,
    returns_a_lock,
    sum_of_ranks,
    talks,
)

from adaf_xr.training.launch import RankFailedError, launch


@pytest.fixture(scope="module")
def client():
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        yield client


def test_a_rank_is_a_child_of_each_worker(client):
    heard = Listener()
    factor = 10
    results = launch(lambda *rank: sum_of_ranks(*rank, factor), launcher="dask", ranks=None, on_event=heard, threads=1)
    assert [(result["rank"], result["world"], result["sum"], result["threads"]) for result in results] == [
        (0, 2, 30.0, 1),
        (1, 2, 30.0, 1),
    ]
    assert {result["rank"]: result["pid"] for result in results} == heard.pids
    assert heard.by_rank() == {
        rank: [{"kind": "joined", "host": "127.0.0.1"}, {"kind": "step", "loss": 30.0}] for rank in range(2)
    }
    heard.assert_gone(2)


def test_long_messages_come_whole_and_in_order(client):
    heard = Listener()
    assert launch(talks, 50, 20_000, launcher="dask", client=client, ranks=2, on_event=heard) == [50, 50]
    assert all([event["i"] for event in said[1:]] == list(range(50)) for said in heard.by_rank().values())
    assert all(event["text"] == "x" * 20_000 for event in heard.events if event["kind"] == "count")
    heard.assert_gone(2)


def test_a_rank_that_raises_is_named_and_the_cluster_is_free_at_once(client):
    heard = Listener()
    with pytest.raises(RankFailedError, match=r"rank 0 on 127\.0\.0\.1 raised: ValueError: the loss is nan") as caught:
        launch(fails, "raise", 0, launcher="dask", client=client, ranks=2, on_event=heard)
    assert 'in breaks\n    raise ValueError("the loss is nan")' in caught.value.traceback
    assert caught.value.output == "rank 0 is about to raise\n"
    heard.assert_gone(2)
    assert [client.submit(os.getpid, workers=[w], pure=False).result(10) for w in client.nthreads()]
    assert launch(sum_of_ranks, launcher="dask", client=client, ranks=1)[0]["sum"] == 1.0


@pytest.mark.parametrize(
    ("how", "culprit", "told"),
    [("exit", 0, r"exited: exit code 13"), ("kill", 1, r"killed: by signal 9")],
)
def test_a_rank_that_just_goes_is_named_and_not_those_that_miss_it(client, how, culprit, told):
    heard = Listener()
    with pytest.raises(RankFailedError, match=f"rank {culprit} on 127.0.0.1 .*{told}"):
        launch(fails, how, culprit, launcher="dask", client=client, ranks=2, on_event=heard)
    heard.assert_gone(2)


def test_a_rank_that_hangs_is_named_with_the_line_where_it_stands(client):
    heard = Listener()
    with pytest.raises(RankFailedError, match=r"rank 0 on .* stalled: no rank said anything for 1 s") as caught:
        launch(fails, "hang", 0, launcher="dask", client=client, ranks=2, on_event=heard, stall=1.0)
    assert "in hangs" in caught.value.traceback
    assert [other.reason for other in caught.value.others] == ["waited for another rank"]
    heard.assert_gone(2)


def test_a_result_that_cannot_travel_is_named(client):
    heard = Listener()
    with pytest.raises(RankFailedError, match=r"rank 0 .* a lock, does not pickle") as caught:
        launch(returns_a_lock, launcher="dask", client=client, on_event=heard)
    assert "or the path of a file" in caught.value.detail
    heard.assert_gone(1)


def test_an_error_of_the_listener_ends_the_job(client):
    heard = Listener()

    def listens(event):
        heard(event)
        if len(heard.events) == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        launch(fails, "hang", 0, launcher="dask", client=client, ranks=2, on_event=listens)
    heard.assert_gone(2)


@pytest.mark.parametrize("way", [signal.SIGINT, signal.SIGKILL])
def test_ranks_end_with_their_client(client, way):
    program = (
        "import launch_programs, distributed\n"
        f"client = distributed.Client({client.scheduler.address!r})\n"
        f"launch_programs.main_that_hangs(launcher='dask', client=client, lease={3 if way == signal.SIGKILL else 300})"
    )
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", program], cwd=HERE, **streams) as process:
        pids = [int(process.stdout.readline()) for _ in range(2)]
        process.send_signal(way)
        _, complaint = process.communicate(timeout=60)
    assert process.returncode
    assert way == signal.SIGKILL or "KeyboardInterrupt" in complaint
    assert_gone(pids)


def test_two_jobs_on_the_same_workers_do_not_meet(client, tmp_path):
    heard = {"a": Listener(), "b": Listener()}

    def job(mine, other):
        arguments = {"launcher": "dask", "client": client, "ranks": 2, "on_event": heard[mine]}
        return launch(meets_the_other_job, tmp_path, mine, other, **arguments)

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(job, "ab", "ba")) == [[3.0, 3.0], [30.0, 30.0]]
    for listener in heard.values():
        listener.assert_gone(2)


def test_a_rank_whose_worker_has_no_time_is_named(client):
    busy, free = sorted(client.nthreads(), reverse=True)
    done = Event(client=client)
    task = client.submit(done.wait, 60, workers=[busy], pure=False)
    with pytest.raises(RankFailedError, match=r"rank 1 .* never joined: .* its worker .* is busy with other tasks"):
        launch(sum_of_ranks, launcher="dask", client=client, ranks=2, timeout=1.0)
    assert client.submit(os.getpid, workers=[free], pure=False).result(10)
    done.set()
    task.result()


def test_more_ranks_than_workers_are_refused(client):
    with pytest.raises(
        ValueError, match=r"3 rank\(s\) need as many dask workers, and the cluster has 2: .*for_workers\(3\)"
    ):
        launch(sum_of_ranks, launcher="dask", client=client, ranks=3)


def test_a_cluster_is_needed(client, monkeypatch):
    monkeypatch.setattr("distributed.client._global_clients", {})
    # A thread of its own, for which no client is the current one.
    with (
        ThreadPoolExecutor(1) as pool,
        pytest.raises(ValueError, match=r'launcher="dask" needs a cluster: make a distributed\.Client first'),
    ):
        pool.submit(launch, sum_of_ranks, launcher="dask").result()


def test_nothing_stays_on_the_scheduler(client):
    def left(dask_scheduler):
        return [name for name in dask_scheduler.extensions["variables"].variables if name.startswith("adaf-")]

    launch(sum_of_ranks, launcher="dask", client=client)
    limit = time.monotonic() + 10
    while client.run_on_scheduler(left) or client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks)):
        assert time.monotonic() < limit
        time.sleep(0.1)


def _address_beyond_loopback():
    """An address of this machine as other machines know it, where it has one."""
    found = [a.address for name in psutil.net_if_addrs().values() for a in name if a.family.name == "AF_INET"]
    return min(found, key=lambda address: address.startswith("127."))


@pytest.mark.parametrize(
    "cluster", [{"processes": False}, {"host": _address_beyond_loopback()}], ids=["threads", "remote"]
)
def test_workers_may_be_threads_or_far_away(cluster):
    heard = Listener()
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, **cluster) as workers,
        Client(workers) as client,
    ):
        results = launch(sum_of_ranks, launcher="dask", client=client, ranks=2, on_event=heard)
    assert [result["sum"] for result in results] == [3.0, 3.0]
    assert {event["host"] for event in heard.events if "host" in event} == {cluster.get("host", "127.0.0.1")}
    heard.assert_gone(2)


def _rank_of(worker):
    """The process of the rank on a worker, and its folder."""
    while True:
        for process in psutil.Process(worker).children():
            if "child.py" in " ".join(process.cmdline()):
                return process.pid, Path(process.cmdline()[-1])
        time.sleep(0.01)


def test_a_worker_that_is_killed_is_named_and_its_rank_goes_with_it():
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        for number, moment in [(1, "while it starts"), (0, "while it runs")]:
            client.wait_for_workers(2, timeout=60)
            heard, seen = Listener(), []
            address, victim = sorted(client.run(os.getpid).items())[number]

            def kill(victim=victim, seen=seen):
                seen.append((*_rank_of(victim), time.monotonic()))
                os.kill(victim, signal.SIGKILL)

            def listens(event, heard=heard, moment=moment, kill=kill):
                heard(event)
                if moment == "while it runs" and len(heard.events) == 4:
                    kill()

            if moment == "while it starts":
                threading.Thread(target=kill).start()
            with pytest.raises(RankFailedError, match=f"rank {number} .* lost its dask worker: {address} is gone"):
                launch(fails, "hang", 1, launcher="dask", client=client, ranks=2, on_event=listens)
            (pid, folder, killed) = seen[0]
            assert time.monotonic() - killed < 15
            assert_gone([pid, *heard.pids.values()])
            assert not folder.exists()
        client.wait_for_workers(2, timeout=60)
        assert [result["sum"] for result in launch(sum_of_ranks, launcher="dask", client=client, ranks=2)] == [3.0, 3.0]
