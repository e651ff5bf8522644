"""Programs that are started, watched and ended together.

What must stay true: nothing that is started here outlives this process, not even if it is killed.
"""

import ctypes
import os
import signal
import socket
import subprocess
import time

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)

# Below the range from which the system takes ports for outgoing connections, so that none of those gets in the way
# between the look and the server's start.
_FIRST_PORT, _PORTS = 11_000, 20_000


class Failed(Exception):
    """Something did not start, ended early or did not answer; the text says what to look at."""


def free_port(_seen=set()):
    """A port of 127.0.0.1 that is free now and that this process gives to no one else."""
    start = os.getpid() * 37
    for step in range(_PORTS):
        port = _FIRST_PORT + (start + step) % _PORTS
        if port in _seen:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _seen.add(port)
        return port
    raise Failed("no port is free")


def wait_for(what, seconds, done, process=None):
    """Asks `done` until it is true. Fails after so many seconds, or when `process` has ended."""
    until = time.monotonic() + seconds
    while True:
        if done():
            return
        if process is not None and process.ended():
            raise Failed(f"{process.name} ended while waiting for {what}:\n{process.tail()}")
        if time.monotonic() > until:
            raise Failed(f"{what}: not after {seconds} s" + (f"\n{process.tail()}" if process else ""))
        time.sleep(0.05)


class Process:
    """A running program; what it says goes to `NAME.log` in its folder."""

    def __init__(self, name, command, folder, environment=None, user=None):
        self.name = name
        self.command = [str(part) for part in command]
        self.log = folder / f"{name}.log"
        self._environment = environment
        self._user = user
        self._folder = folder
        self.start()

    def start(self):
        """Starts it, or starts it again."""
        with open(self.log, "ab") as log:
            try:
                self.child = subprocess.Popen(
                    self.command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=self._folder,
                    env=self._environment,
                    user=self._user,
                    group=self._user,
                    extra_groups=[] if self._user else None,
                    # A terminal's Ctrl-C is for us alone: a node that gets it twice does not drain.
                    start_new_session=True,
                    preexec_fn=_die_with_parent,
                )
            except FileNotFoundError as why:
                raise Failed(f"{self.command[0]} is not installed: .ci/tools brings it") from why

    def ended(self):
        """Whether it has."""
        return self.child.poll() is not None

    def tell(self, which):
        """Sends it a signal; nothing if it has ended."""
        if not self.ended():
            self.child.send_signal(which)

    def stop(self, seconds=10, which=signal.SIGTERM):
        """Asks it to end, and kills it if it has not after so many seconds."""
        self.tell(which)
        try:
            self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()

    def tail(self, lines=20):
        """The end of what it said."""
        text = self.log.read_text(errors="replace").splitlines()
        return "\n".join(f"    {self.name}: {line}" for line in text[-lines:])


# The system takes the thread that started it for the parent: start programs from the main thread only.
def _die_with_parent():
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
