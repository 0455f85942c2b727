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
    assert_talked,
    fails,
    meets_the_other_job,
    returns_a_lock,
    returns_much,
    sum_of_ranks,
    talks,
)

from adaf_xr.training.launch import RankFailedError, launch


@pytest.fixture(scope="module")
def client():
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster, Client(cluster) as client:
        yield client


def test_ranks_meet_and_their_messages_come_whole_and_in_order(client):
    heard, size = Listener(), 20_000
    # A function of the user's notebook, which no worker can import.
    results = launch(lambda *rank: talks(*rank, 50, size), launcher="dask", ranks=None, on_event=heard, threads=1)
    assert_talked(results, heard)
    assert {event["host"] for event in heard.events if "host" in event} == {"127.0.0.1"}


def test_a_rank_that_raises_is_named_and_the_cluster_is_free_at_once(client):
    heard = Listener()
    with pytest.raises(RankFailedError, match=r"rank 0 on 127\.0\.0\.1 raised: ValueError: the loss is nan") as caught:
        launch(fails, "raise", 0, launcher="dask", client=client, ranks=2, on_event=heard)
    assert 'in breaks\n    raise ValueError("the loss is nan")' in caught.value.traceback
    assert caught.value.output == "rank 0 is about to raise\n"
    heard.assert_gone(2)
    assert [client.submit(os.getpid, workers=[w], pure=False).result(10) for w in client.nthreads()]
    assert launch(sum_of_ranks, launcher="dask", client=client, ranks=1)[0]["sum"] == 1.0
    _assert_nothing_stays(client)


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
    with pytest.raises(RankFailedError, match=r"rank 0 on .* stalled: no rank said anything for 3 s") as caught:
        launch(fails, "hang", 0, launcher="dask", client=client, ranks=2, on_event=heard, stall=3.0)
    assert "in hangs" in caught.value.traceback
    assert [other.reason for other in caught.value.others] == ["waited for another rank"]
    heard.assert_gone(2)


def test_a_worker_that_stands_still_is_named_and_not_the_rank_that_misses_it(client, monkeypatch):
    monkeypatch.setattr("adaf_xr.training.launch.cluster.GRACE", 2.0)
    heard = Listener()
    stopped = sorted(client.run(os.getpid).items())[1][1]

    def listens(event):
        heard(event)
        if len(heard.events) == 4:
            os.kill(stopped, signal.SIGSTOP)

    try:
        with pytest.raises(RankFailedError, match=r"rank 1 on .* stalled: .* does not say where it stands"):
            launch(fails, "hang", 1, launcher="dask", client=client, ranks=2, on_event=listens, stall=2.0, lease=3.0)
    finally:
        os.kill(stopped, signal.SIGCONT)
    heard.assert_gone(2)


def test_a_scheduler_may_fail_to_answer_once_or_twice(client, monkeypatch):
    from adaf_xr.training.launch.cluster import _Job

    answer, asked = _Job._alive, []

    def slowly(job):
        asked.append(job)
        if len(asked) < 3:
            raise TimeoutError
        return answer(job)

    monkeypatch.setattr(_Job, "_alive", slowly)
    assert launch(sum_of_ranks, launcher="dask", client=client)[0]["sum"] == 1.0
    assert len(asked) >= 3


def test_a_large_result_may_take_its_time(client, monkeypatch):
    monkeypatch.setattr("adaf_xr.training.launch.cluster.GRACE", 0.01)
    assert launch(returns_much, launcher="dask", client=client) == [returns_much(0, 1, None)]


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


def test_ranks_end_with_a_client_that_is_killed(client):
    program = (
        "import launch_programs, distributed\n"
        f"client = distributed.Client({client.scheduler.address!r})\n"
        "launch_programs.main_that_hangs(launcher='dask', client=client, lease=8)"
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=HERE, stdout=subprocess.PIPE, text=True) as process:
        pids = [int(process.stdout.readline()) for _ in range(2)]
        process.kill()
    assert_gone(pids)
    _assert_nothing_stays(client)


def test_two_jobs_on_the_same_workers_do_not_meet(client, tmp_path):
    heard = {"a": Listener(), "b": Listener()}

    def job(mine, other):
        arguments = {"launcher": "dask", "client": client, "ranks": 2, "on_event": heard[mine]}
        return launch(meets_the_other_job, tmp_path, mine, other, **arguments)

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(job, "ab", "ba")) == [[3.0, 3.0], [30.0, 30.0]]
    for listener in heard.values():
        listener.assert_gone(2)


def test_a_rank_whose_worker_has_no_time_is_named(client, monkeypatch):
    monkeypatch.setattr("adaf_xr.training.launch.cluster.GRACE", 1.0)
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


def _assert_nothing_stays(client):
    """No variable of a job on the scheduler, and no task."""

    def left(dask_scheduler):
        variables = dask_scheduler.extensions["variables"].variables
        return [name for name in variables if name.startswith("adaf-")] + list(dask_scheduler.tasks)

    limit = time.monotonic() + 60
    while found := client.run_on_scheduler(left):
        assert time.monotonic() < limit, found
        time.sleep(0.1)


def _address_beyond_loopback():
    """An address of this machine as other machines know it, where it has one."""
    found = [a.address for name in psutil.net_if_addrs().values() for a in name if a.family.name == "AF_INET"]
    return min(found, key=lambda address: address.startswith("127."))


def test_workers_may_be_threads_of_this_process():
    heard = Listener()
    quiet = {"threads_per_worker": 1, "dashboard_address": ":0"}
    with LocalCluster(n_workers=2, processes=False, **quiet) as cluster, Client(cluster) as client:
        results = launch(sum_of_ranks, launcher="dask", client=client, ranks=2, on_event=heard)
    assert [result["sum"] for result in results] == [3.0, 3.0]
    heard.assert_gone(2)


def _rank_of(worker):
    """The process of the rank on a worker, and its folder."""
    while True:
        for process in psutil.Process(worker).children():
            if "child.py" in " ".join(process.cmdline()):
                return process.pid, Path(process.cmdline()[-1])
        time.sleep(0.01)


def test_a_worker_that_is_killed_is_named_and_its_rank_goes_with_it():
    # By an address that other machines use, so that the ranks meet as they do across machines.
    where = {"host": _address_beyond_loopback(), "threads_per_worker": 1, "dashboard_address": ":0"}
    with LocalCluster(n_workers=2, **where) as cluster, Client(cluster) as client:
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
                threading.Thread(target=kill, daemon=True).start()
            with pytest.raises(RankFailedError, match=f"rank {number} .* lost its dask worker: {address} is gone"):
                launch(fails, "hang", 1, launcher="dask", client=client, ranks=2, on_event=listens)
            (pid, folder, killed) = seen[0]
            assert time.monotonic() - killed < 60  # dask itself gives a silent worker up after 300 s
            assert_gone([pid, *heard.pids.values()])
            assert not folder.exists()
        client.wait_for_workers(2, timeout=60)
        assert launch(sum_of_ranks, launcher="dask", client=client)[0]["sum"] == 1.0
        _assert_nothing_stays(client)
