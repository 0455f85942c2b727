"""Ranks under torchrun: real processes, their failures, and being one of them."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from launch_programs import HERE, Listener, assert_gone, assert_talked, fails, fails_while_the_other_is_deaf, talks

from adaf_xr.training.launch import RankFailedError, launch


def test_ranks_meet_and_their_messages_come_whole_and_in_order():
    heard = Listener()
    results = launch(talks, 50, 20_000, launcher="torchrun", ranks=2, on_event=heard, threads=1)
    assert_talked(results, heard)


def test_a_rank_that_raises_is_named_and_another_that_is_deaf_ends_with_it():
    heard = Listener()
    with pytest.raises(RankFailedError, match=r"rank 1 on .* raised: ValueError: the loss is nan") as caught:
        launch(fails_while_the_other_is_deaf, "raise", launcher="torchrun", ranks=2, on_event=heard)
    assert time.monotonic() - heard.last < 25  # torchrun by itself waits for 30 s
    assert 'in breaks\n    raise ValueError("the loss is nan")' in caught.value.traceback
    assert "child.py" not in caught.value.traceback
    assert caught.value.output == "rank 1 is about to raise\n"
    heard.assert_gone(2)


@pytest.mark.parametrize(
    ("program", "culprit", "told"),
    [
        (lambda *rank: fails_while_the_other_is_deaf(*rank, "kill"), 1, r"was killed: by signal 9 \(SIGKILL\)"),
        (lambda *rank: fails(*rank, "leave", 0), 0, "exited: exit code 0, before its function returned"),
    ],
)
def test_a_rank_that_just_goes_is_named_and_not_the_one_that_misses_it(program, culprit, told):
    heard = Listener()
    with pytest.raises(RankFailedError, match=f"rank {culprit} on .* {told}") as caught:
        launch(program, launcher="torchrun", ranks=2, on_event=heard)
    assert [other.rank for other in caught.value.others] == [1 - culprit]
    heard.assert_gone(2)


def test_a_rank_that_hangs_is_named_with_the_line_where_it_stands():
    heard = Listener()
    with pytest.raises(RankFailedError, match=r"rank 1 on .* stalled: no rank said anything for 3 s") as caught:
        launch(fails, "hang", 1, launcher="torchrun", ranks=2, on_event=heard, stall=3.0)
    assert "in hangs" in caught.value.traceback
    assert [other.reason for other in caught.value.others] == ["waited for another rank"]
    heard.assert_gone(2)


def test_ranks_end_with_a_client_that_is_killed():
    program = "import launch_programs; launch_programs.main_that_hangs(launcher='torchrun')"
    client = subprocess.Popen([sys.executable, "-c", program], cwd=HERE, stdout=subprocess.PIPE, text=True)
    with client:
        pids = [int(client.stdout.readline()) for _ in range(2)]
        os.kill(client.pid, signal.SIGKILL)
    assert_gone(pids)


INSIDE = """
import json, sys
from launch_programs import sum_of_ranks
from adaf_xr.training.launch import launch

[result] = launch(sum_of_ranks, 10, launcher="torchrun", ranks=None, threads=1)
try:
    launch(sum_of_ranks, launcher="torchrun", ranks=3)
except ValueError as error:
    result["error"] = str(error)
with open(f"{sys.argv[1]}/{result['rank']}.json", "w") as file:
    json.dump(result, file)
"""


def test_a_program_that_torchrun_started_is_the_rank_that_it_is(tmp_path):
    script = tmp_path / "program.py"
    script.write_text(INSIDE)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", script, tmp_path]
    environment = {**os.environ, "PYTHONPATH": str(HERE), "GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"}
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=120)
    results = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2)]
    assert [(result["rank"], result["world"], result["sum"], result["threads"]) for result in results] == [
        (0, 2, 30.0, 1),
        (1, 2, 30.0, 1),
    ]
    assert all("ranks=3, but torchrun has started 2" in result["error"] for result in results)
    assert_gone([result["pid"] for result in results])
