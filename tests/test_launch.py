"""The launcher that launches nothing, and which of many failures is the cause."""

import datetime as dt
import os
import pickle
import shutil
from pathlib import Path

import launch_programs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaf_xr.training.launch import RankFailedError, child, launch
from adaf_xr.training.launch.errors import (
    ABSENT,
    EXITED,
    KILLED,
    LOST,
    RAISED,
    STALLED,
    STOPPED,
    WAITED,
    Failure,
    root_cause,
)
from adaf_xr.training.launch.network import gloo, interface

ECHOES = (
    "RuntimeError: [/gloo/transport/tcp/pair.cc:537] Read error [127.0.0.1]:47840: Connection reset by peer. This is",
    "RuntimeError: [/gloo/transport/tcp/pair.cc:553] Connection closed by peer [127.0.0.1]:50576. This is typically",
    "RuntimeError: [/gloo/transport/tcp/unbound_buffer.cc:78] Timed out waiting 8000ms for recv operation to complete",
    "torch.distributed.DistNetworkError: Connection reset by peer",
    "torch.distributed.DistBackendError: NCCL error: remote process exited or there was a network error",
)
"""Said on other ranks of real jobs."""


def test_one_rank_runs_here_and_its_messages_are_plain():
    heard = launch_programs.Listener()

    def program(rank, world, emit, *, start):
        emit(kind="step", loss=np.float32(0.5), day=np.datetime64("2020-01-02"), shape=(2, 3), path=Path("run"))
        return rank, world, os.getpid(), start

    assert launch(program, on_event=heard, start=7) == [(0, 1, os.getpid(), 7)]
    assert heard.pids == {0: os.getpid()}
    assert heard.events[1] == {
        "rank": 0, "kind": "step", "loss": 0.5, "day": "2020-01-02", "shape": [2, 3], "path": "run",
    }  # fmt: skip


def test_its_errors_come_as_they_are():
    with pytest.raises(ValueError, match="the loss is nan"):
        launch(lambda rank, world, emit: launch_programs.breaks())


def test_threads_are_as_asked_and_put_back():
    import torch

    before = torch.get_num_threads()
    inside = launch(lambda rank, world, emit: torch.get_num_threads(), threads=before + 1)
    assert (inside, torch.get_num_threads()) == ([before + 1], before)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"launcher": "slurm"}, "unknown launcher 'slurm': there are none, torchrun, dask"),
        ({"ranks": 2}, 'is one rank in this process, not 2: use "torchrun" or "dask"'),
        ({"ranks": 0}, "one rank at least"),
    ],
)
def test_what_cannot_be_launched_says_why(arguments, message):
    with pytest.raises(ValueError, match=message):
        launch(launch_programs.sum_of_ranks, **arguments)


def test_a_message_that_cannot_travel_is_refused_where_it_is_said():
    with pytest.raises(TypeError, match="not set"):
        launch(lambda rank, world, emit: emit(kind="step", seen={1, 2}))


@given(st.permutations(range(6)), st.sampled_from([RAISED, EXITED, KILLED, LOST, STALLED]))
def test_the_cause_is_who_failed_of_himself_in_whatever_order_they_report(order, reason):
    # The cause is told last of all, by a clock that is late: an echo is no cause all the same.
    failures = [
        Failure(0, "a", RAISED, ECHOES[0], when=1.0),
        Failure(1, "a", STOPPED, "another rank failed"),
        Failure(2, "b", reason, "ValueError: the loss is nan", when=9.0),
        Failure(3, "b", WAITED, when=1.0),
        Failure(4, "c", ABSENT, when=1.0),
        Failure(5, "c", RAISED, "OSError: Connection reset by peer", when=9.5),  # of the user's own: it counts
    ]
    error = RankFailedError([failures[i] for i in order])
    assert (error.rank, error.host, error.reason) == (2, "b", reason)
    assert {failure.rank for failure in error.others} == {0, 1, 3, 4, 5}
    assert str(error).startswith(f"rank 2 on b {reason}: ValueError: the loss is nan")
    assert "rank 0 lost its connection to it" in str(error) and "rank 1" not in str(error)


@pytest.mark.parametrize("text", ECHOES)
def test_an_echo_alone_is_the_cause_after_all(text):
    echo = Failure(0, "a", RAISED, text)
    assert echo.echo
    assert root_cause([Failure(1, "b", STOPPED), echo]) is echo


def test_of_two_causes_the_first_counts():
    late, early = Failure(0, "a", EXITED, when=2.0), Failure(1, "b", RAISED, "KeyError: 'sst'", when=1.0)
    assert root_cause([late, early]) is early


def test_the_error_travels_whole():
    error = RankFailedError(
        [Failure(1, "b", RAISED, "KeyError: 1", "Traceback", "last words", 1.0), Failure(0, "a", STOPPED)]
    )
    again = pickle.loads(pickle.dumps(error))
    assert (again.rank, again.traceback, again.output, again.others) == (1, "Traceback", "last words", error.others)
    assert str(again) == str(error)
    assert "last output of rank 1:\nlast words" in str(error)


def test_ranks_of_one_machine_talk_over_its_loopback():
    name = interface("127.0.0.1")
    assert name is not None and name.startswith("lo")
    assert gloo("127.0.0.1") == {"GLOO_SOCKET_IFNAME": name}
    assert gloo("203.0.113.77") == {}  # not ours: gloo is left to find out


def test_ranks_that_would_use_different_backends_are_told():
    import torch.distributed as dist

    store = dist.TCPStore("127.0.0.1", 0, 2, True, timeout=dt.timedelta(seconds=30), wait_for_workers=False)
    store.set("adaf/backend", "nccl")
    spec = {"world": 2, "timeout": 30, "threads": None, "backend": "gloo", "host": "127.0.0.1"}
    with pytest.raises(RuntimeError, match=r'rank 1 would use "gloo" and rank 0 "nccl": give every rank a GPU'):
        child.meet(spec, 1, print, lambda timeout: store.port)


def test_a_folder_is_cleared_of_what_appears_meanwhile(tmp_path, monkeypatch):
    """A rank whose parent dies while it starts makes its files beside the thread that clears them away."""
    folder, late = tmp_path / "job", ["rank-0.log", "rank-0.stack"]
    folder.mkdir()
    rmtree = shutil.rmtree

    def while_another_writes(path, **how):
        rmtree(path, **how)
        if late:
            path.mkdir()
            (path / late.pop()).touch()

    monkeypatch.setattr(child.shutil, "rmtree", while_another_writes)
    child.clear(folder)
    assert not folder.exists() and not late
