"""Child processes of a launcher: how one is started, heard, asked where it stands, and ended with all it started."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from adaf_xr.training.launch import child
from adaf_xr.training.launch.errors import EXITED, KILLED, RAISED, STALLED, WAITED, Failure

SCRIPT = child.__file__

TAIL = 4000
"""Characters of a log that go into an error."""

_TORCHRUN = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


class Process:
    """A child process in a session of its own.

    So a Ctrl-C in the terminal is ours to handle, and the child ends together with whatever it has started.

    Parameters
    ----------
    command : sequence of str
        What to run.
    environment : mapping
        All of it.
    log : Path
        Where its standard error goes.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        with log.open("ab") as stderr:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=dict(environment),
                start_new_session=True,
            )
        self._heard: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._ear = threading.Thread(target=self._listen, name="messages of a rank", daemon=True)
        self._ear.start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        mark = child.MARK.encode()
        for line in self._process.stdout:
            # A line cut short belongs to a process that was killed while it wrote.
            with suppress(ValueError):
                if line.startswith(mark):
                    self._heard.put(json.loads(line[len(mark) :]))

    def messages(self) -> list[dict[str, Any]]:
        """What was said since the last call."""
        found = []
        with suppress(queue.Empty):
            while True:
                found.append(self._heard.get_nowait())
        return found

    def tell(self, line: str) -> None:
        """Write a line to its standard input; a process that is gone does not mind."""
        assert self._process.stdin is not None
        with suppress(OSError, ValueError):
            self._process.stdin.write(f"{line}\n".encode())
            self._process.stdin.flush()

    def hang_up(self) -> None:
        """Close its standard input, upon which ranks end."""
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.close()

    def ended(self) -> int | None:
        """The exit code, negative for a signal, or None while it runs."""
        return self._process.poll()

    def end(self, patience: float = 0.0) -> int:
        """End it, and what it started; its exit code.

        Parameters
        ----------
        patience : float
            Seconds in which it may end by itself, now that its standard input is closed and it was asked to terminate.
        """
        self.hang_up()
        if patience and self.ended() is None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(patience)
        # Its group outlives it where it had started something.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        code = self._process.wait()
        self._ear.join(2.0)
        return code


class Log:
    """The file of a rank's standard streams, copied to our standard error while it grows."""

    def __init__(self, path: Path, rank: int) -> None:
        self._path, self._name, self._told, self._rest = path, f"[rank {rank}] ", 0, b""

    def forward(self) -> None:
        """Copy the lines that are new; a line without an end waits for it."""
        with suppress(FileNotFoundError), self._path.open("rb") as file:
            file.seek(self._told)
            new = file.read()
            self._told += len(new)
            *lines, self._rest = (self._rest + new).split(b"\n")
            for line in lines:
                print(self._name + line.decode(errors="replace"), file=sys.stderr)

    def tail(self) -> str:
        """The last of it."""
        with suppress(FileNotFoundError), self._path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL))
            return file.read().decode(errors="replace")
        return ""


def environment(threads: int, **more: str) -> dict[str, str]:
    """The environment of a rank: ours, with the modules we can import and without a torchrun around us.

    Parameters
    ----------
    threads : int
        Of numerical libraries.
    **more
        Variables to set where the user has not.
    """
    ours = {name: value for name, value in os.environ.items() if name not in _TORCHRUN}
    path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
    return {**more, **ours, "OMP_NUM_THREADS": str(threads), "PYTHONPATH": path}


def prepare(folder: Path, program: bytes, **spec: Any) -> None:
    """Write what `child.py` reads in its folder."""
    (folder / "spec.json").write_text(json.dumps(spec))
    (folder / "program.pickle").write_bytes(program)


def failure(folder: Path, rank: int, host: str, code: int) -> Failure:
    """What became of a rank that left no result, from what it left in its folder and its exit code."""
    output = Log(folder / f"rank-{rank}.log", rank).tail()
    when = time.time()
    with suppress(FileNotFoundError):
        told = json.loads((folder / f"rank-{rank}.failure").read_text())
        return Failure(rank, host, RAISED, told["detail"], told["traceback"], output, told["when"])
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else "unknown"
        memory = ", often the system when memory runs out" if -code == signal.SIGKILL else ""
        return Failure(rank, host, KILLED, f"by signal {-code} ({name}){memory}", "", output, when)
    return Failure(rank, host, EXITED, f"exit code {code}, before its function returned", "", output, when)


def stands(folder: Path, pids: Mapping[int, int], host: str, silence: str, patience: float = 2.0) -> Iterable[Failure]:
    """Where ranks stand that say nothing: those that wait for another one, and those that do not.

    Parameters
    ----------
    folder : Path
        Theirs.
    pids : mapping of int to int
        Process by rank; one that has not joined yet would not survive the question.
    host : str
        Where they run.
    silence : str
        What is held against them.
    patience : float
        Seconds to wait for an answer.
    """
    for pid in pids.values():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGUSR1)
    stacks = _settled([folder / f"rank-{rank}.stack" for rank in pids], patience)
    for rank, stack in zip(pids, stacks, strict=True):
        output = Log(folder / f"rank-{rank}.log", rank).tail()
        reason = WAITED if waits(stack) else STALLED
        theirs = "\n".join(line for line in stack.splitlines() if SCRIPT not in line)
        yield Failure(rank, host, reason, silence, theirs, output, time.time())


def _settled(paths: list[Path], patience: float) -> list[str]:
    """The texts of files, once all have one and none grows any more."""
    limit = time.monotonic() + patience
    before: list[str] = []
    while True:
        now = [path.read_text() for path in paths]
        if (all(now) and now == before) or time.monotonic() > limit:
            return now
        before = now
        time.sleep(0.1)


def waits(stack: str) -> bool:
    r"""Whether a stack, innermost frame first, ends in an operation that waits for other ranks.

    The backward pass counts as one: it is where gradients are exchanged, and a rank that computes does get through it.

    Examples
    --------
    >>> from adaf_xr.training.launch.process import waits
    >>> waits('Current thread 0x1:\n  File "/lib/torch/distributed/distributed_c10d.py", line 9 in all_reduce\n')
    True
    >>> waits('Current thread 0x1:\n  File "my_data.py", line 9 in read\n  File "/lib/torch/distributed/x.py"\n')
    False
    """
    inner = next((line for line in stack.splitlines() if line.lstrip().startswith("File ")), "")
    marks = ("torch/distributed/", "torch/nn/parallel/", "_engine_run_backward", SCRIPT)
    return any(mark in inner for mark in marks)
