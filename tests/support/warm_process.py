"""A process that has imported torch once, and forks: what it starts is at work in half a second instead of four.

`python -m tests.support.warm_process FOLDER` is told over a socket what to start, in the words of `python`: `-m NAME`,
`-c TEXT` or a file, and arguments. The child has a session, an environment, a folder and an output of its own, and
imports this repository's modules anew; all that it has from its parent are libraries. What it takes for its interpreter
(`sys.executable`) is a small program that asks the warm process in turn and waits, so whatever it starts is forked as
well. The ranks that torchrun starts are forked by torchrun, whose children they stay.

Nothing here computes before a fork: the threads of torch's pools would not survive it. OpenMP reads its variables when
torch is loaded, so whatever is started computes with as many threads as its parent.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import multiprocessing.util
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from tests.support.repository import REPOSITORY

LIBRARIES = (
    "torch",
    "torchvision.transforms.v2",
    "torch.distributed.launcher.api",
    "torch.nn.parallel",
    "torch.utils.tensorboard",
    "pandas",
    "pydantic",
    "PIL.Image",
)
# A variable for a process that measures those that it starts, by their pid: they are started by the real interpreter.
COLD_CHILDREN = "ALEXCORE_TEST_COLD_CHILDREN"
OURS = ("alexcore", "tests", "ui", "benchmarks")
# `python ARGUMENTS` for those who were forked: lends its files to a new child, hands signals on, and ends as the child.
INTERPRETER = """#!{python} -IS
import json, os, signal, socket, sys
asked = socket.socket(socket.AF_UNIX)
asked.connect({socket!r})
told = {{"arguments": sys.argv[1:], "env": dict(os.environ), "cwd": os.getcwd(), "log": ""}}
socket.send_fds(asked, [b" "], [0, 1, 2])
asked.sendall(json.dumps(told).encode() + b"\\n")
said = asked.makefile()
pid = int(said.readline())
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda number, _: os.kill(pid, number))
code = int(said.readline())
if code < 0:
    signal.signal(-code, signal.SIG_DFL) if -code != signal.SIGKILL else None
    os.kill(os.getpid(), -code)
sys.exit(code)
"""


class Started:
    """A process that the warm one has started for us; its methods are those of `subprocess.Popen`."""

    def __init__(self, connection: socket.socket, arguments: Sequence[str]) -> None:
        self.args = arguments
        self._connection = connection
        self._said = b""
        self.pid = self._number(None)
        self.returncode: int | None = None

    def _number(self, timeout: float | None) -> int:
        """The next number that the warm process says: first the pid, then the exit code."""
        self._connection.settimeout(timeout)
        while b"\n" not in self._said:
            more = self._connection.recv(64)
            assert more, "the warm process has ended"
            self._said += more
        number, _, self._said = self._said.partition(b"\n")
        return int(number)

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            try:
                self.returncode = self._number(timeout)
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired(self.args, timeout or 0) from None
            self._connection.close()
        return self.returncode

    def poll(self) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


class WarmProcess:
    """The warm process as a test sees it; it exists from the first start on."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._socket, self._log = folder, folder / "socket", folder / "warm.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._connections: list[socket.socket] = []

    def _warm_up(self) -> None:
        if self._process is None:
            with self._log.open("wb") as log:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", __name__, str(self._folder)],
                    cwd=REPOSITORY,
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    env={"GOMP_SPINCOUNT": "2000", **os.environ},
                )
        while not self._socket.exists():  # it is still importing
            assert self._process.poll() is None, self._log.read_text()
            time.sleep(0.02)

    def start(
        self, arguments: Sequence[object], log: Path, env: Mapping[str, str] | None = None, cwd: Path = REPOSITORY
    ) -> Started:
        """Start `python ARGUMENTS`, with its output at the end of `log`."""
        self._warm_up()
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(str(self._socket))
        words = [str(each) for each in arguments]
        told = {"arguments": words, "log": str(log), "env": dict(os.environ if env is None else env), "cwd": str(cwd)}
        connection.sendall(b" " + json.dumps(told).encode() + b"\n")
        self._connections.append(connection)
        return Started(connection, words)

    def spawn(self, arguments: list[str], log: Path, environment: dict[str, str] | None = None) -> int:
        """Stand in for `alexcore.process.spawn`."""
        log.parent.mkdir(parents=True, exist_ok=True)
        return self.start(["-m", *arguments], log, {**os.environ, **(environment or {})}).pid

    def close(self) -> None:
        """End it, if anybody has needed it; what it has started goes on."""
        for connection in self._connections:
            connection.close()
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            self._process.wait()


# In the warm process, and in what it starts -----------------------------------------------------------------------


def serve(folder: Path) -> None:
    """Start what is asked for, and tell how it ended, until standard input is closed."""
    path, interpreter = folder / "socket", folder / "python"
    for name in LIBRARIES:
        importlib.import_module(name)
    interpreter.write_text(INTERPRETER.format(python=sys.executable, socket=str(path)))
    interpreter.chmod(0o755)
    gc.collect()
    gc.freeze()  # what is never moved or marked stays shared with the children
    wakes, wake = socket.socketpair()
    wake.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake.fileno())
    asked: dict[int, socket.socket] = {}
    with socket.socket(socket.AF_UNIX) as listening, selectors.DefaultSelector() as events:
        listening.bind(str(path))
        listening.listen()
        for each in (sys.stdin, wakes, listening):
            events.register(each, selectors.EVENT_READ)
        while True:
            ready = {key.fileobj for key, _ in events.select()}
            if sys.stdin in ready:
                return
            if wakes in ready:
                wakes.recv(4096)
                for pid in list(asked):
                    ended, status = os.waitpid(pid, os.WNOHANG)
                    if ended:
                        answer = asked.pop(pid)
                        with contextlib.suppress(OSError):  # nobody waits for it
                            answer.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))
                        answer.close()
            if listening in ready:
                connection, _ = listening.accept()
                _, lent, *_ = socket.recv_fds(connection, 1, 3)
                with connection.makefile("rb") as words:
                    told = json.loads(words.readline())
                pid = os.fork()
                if pid == 0:
                    signal.set_wakeup_fd(-1)
                    os.chdir(told["cwd"])
                    files = lent or [os.open(os.devnull, os.O_RDONLY), *2 * [_at_the_end(told["log"])]]
                    if COLD_CHILDREN not in told["env"]:
                        sys.executable = str(interpreter)
                    be(told["arguments"], told["env"], files)
                for file in lent:
                    os.close(file)
                asked[pid] = connection
                connection.sendall(b"%d\n" % pid)


def _at_the_end(log: str) -> int:
    return os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)


def be(arguments: Sequence[str], env: Mapping[str, str], files: Sequence[int]) -> NoReturn:
    """Be `python ARGUMENTS` from here on, with these files for standard input, output and errors."""
    code: Any = 1
    try:
        os.setsid()
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for descriptor, source in enumerate([os.dup(file) for file in files]):
            os.dup2(source, descriptor)
        os.closerange(3, 1024)  # the Python objects of what this closes stay alive, and so close nothing a second time
        # What the parent has to do when it ends is not for its children.
        atexit._clear()
        atexit.register(multiprocessing.util._exit_function)
        import numpy

        numpy.random.seed()  # Python's own generator is seeded anew by a fork, this one is not
        os.environ.clear()
        os.environ.update(env)
        for name in [name for name in sys.modules if name.split(".")[0] in OURS]:
            del sys.modules[name]
        words = list(arguments)
        flags = []
        while words[0] in ("-u", "-P", "-W"):
            flags.append(words.pop(0))
            if flags[-1] == "-W":
                warnings.simplefilter(words.pop(0))  # type: ignore[arg-type]
        how, what = (words.pop(0), words[0]) if words[0] in ("-m", "-c") else ("", words[0])
        sys.argv = words
        first = [] if "-P" in flags else [os.getcwd() if how else str(Path(what).resolve().parent)]
        found = [path for path in sys.path if path and Path(path) != REPOSITORY]
        sys.path[:] = [*first, *filter(None, env.get("PYTHONPATH", "").split(os.pathsep)), *found]
        if how == "-c":
            sys.argv[0] = how
            exec(what, {"__name__": "__main__"})
        elif how == "-m":
            if what == "torch.distributed.run":
                fork_ranks()
            runpy.run_module(what, run_name="__main__", alter_sys=True)
        else:
            runpy.run_path(what, run_name="__main__")
        code = 0
    except SystemExit as end:
        code = end.code or 0
        if isinstance(code, str):
            print(code, file=sys.stderr)
            code = 1
    except BaseException:  # noqa: BLE001 - the interpreter does the same
        sys.excepthook(*sys.exc_info())
    finally:
        with contextlib.suppress(BaseException):
            threading._shutdown()
            atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)


class Forked:
    """A child of this process; as much of `subprocess.Popen` as torchrun asks for."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if ended else None
        return self.returncode

    def wait(self, timeout: float) -> int:
        deadline = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
            time.sleep(0.02)
        assert self.returncode is not None
        return self.returncode


def fork_ranks() -> None:
    """Let torchrun, which this process is about to be, fork its ranks."""
    from torch.distributed.elastic.multiprocessing.subprocess_handler import subprocess_handler

    def fork(self: Any, arguments: Sequence[str], env: Mapping[str, str]) -> Forked:
        files = [0, *(each.fileno() if each else n for n, each in ((1, self._stdout), (2, self._stderr)))]
        pid = os.fork()
        if pid == 0:
            be(arguments[1:], env, files)
        return Forked(pid)

    subprocess_handler.SubprocessHandler._popen = fork


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
