"""All of a deployment as one thing: nodes, HAProxy, Redis, Postgres and Prometheus, from start to end."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

import servers
from processes import Failed, free_port

ROOT = servers.DEPLOY.parent

# Known to everybody: dev mode.
SECRET, API_KEY = "hallway-dev-secret-known-to-everybody", "dev"

PORTS = {"haproxy": 8080, "stats": 8404, "redis": 6390, "postgres": 5440, "prometheus": 9090, "public": 8081, "internal": 9001}

# HAProxy names three; more would be nodes that nobody reaches.
NODES = 3


def say(text):
    print(f"==> {text}", file=sys.stderr, flush=True)


def choose_ports(free):
    """A port for everything: those that are known, or such as are free."""

    def take(name, offset=0):
        return free_port() if free else PORTS[name] + offset

    ports = {name: take(name) for name in ("haproxy", "stats", "redis", "postgres", "prometheus")}
    ports["nodes"] = [(take("public", number), take("internal", number)) for number in range(NODES)]
    taken = [] if free else [port for port in _flat(ports) if servers.is_listening(port)]
    if taken:
        raise Failed(f"these ports are taken: {', '.join(map(str, taken))} (--free-ports takes others)")
    return ports


def _flat(ports):
    for value in ports.values():
        yield from [value] if isinstance(value, int) else [port for pair in value for port in pair]


def build():
    """Builds the binary, and says where it is."""
    say("building hallway")
    command = ["cargo", "build", "--quiet", "--package", "hallway-cli", "--bin", "hallway"]
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        raise Failed("the build failed")
    return pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug" / "hallway"


class Cluster:
    """All of it, from start to end."""

    def __init__(self, binary, port, settings, without=(), prometheus=None):
        """`settings` are those of all nodes, by their keys; `without` may name `postgres` and `prometheus`; `prometheus` is
        what `servers.prometheus` is to do otherwise."""
        self.binary, self.port, self.settings, self.without = binary, port, settings, without
        self.prometheus = prometheus or {}
        self.nodes, self.others, self.folders = [], {}, []
        self.folder = self._made(pathlib.Path(tempfile.mkdtemp(prefix="hallway-cluster-")))
        # The node that is to end, because it is restarted.
        self.restarting = None

    def start(self):
        port = self.port
        self.others["redis"] = servers.redis(self.folder, port["redis"])
        store = {"store.path": ":memory:"}
        if "postgres" not in self.without:
            self.others["postgres"], folder = servers.postgres(port["postgres"])
            self._made(folder)
            store = {"store.url": f"postgres://postgres@127.0.0.1:{port['postgres']}/postgres"}
        for number, (public, internal) in enumerate(port["nodes"], 1):
            settings = {"redis.url": self.redis_url(), "trusted_proxies": "127.0.0.1", "limits.sockets_per_address": "0"}
            settings |= {"limits.sockets_per_user": "0", "shutdown.delay": "2s", **store, **self.settings}
            node = servers.node(self.binary, self.folder, f"node-{number}", public, internal, settings)
            self.nodes.append(node)
        self.others["haproxy"] = servers.haproxy(self.folder, port["haproxy"], port["stats"], port["nodes"])
        if "prometheus" not in self.without:
            scraped = (self.folder, port["prometheus"], port["nodes"], port["stats"])
            self.others["prometheus"] = servers.prometheus(*scraped, **self.prometheus)

    def _made(self, folder):
        self.folders.append(folder)
        return folder

    def redis_url(self):
        return f"redis://127.0.0.1:{self.port['redis']}"

    def environment(self):
        """Where everything is, for a command that runs beside it. Names with HALLWAY_ would be taken for settings."""
        port = self.port
        apis = [f"http://127.0.0.1:{internal}" for _, internal in port["nodes"]]
        return {
            "TARGET_URL": f"ws://127.0.0.1:{port['haproxy']}/ws",
            "TARGET_NODE_URLS": ",".join(f"ws://127.0.0.1:{public}/ws" for public, _ in port["nodes"]),
            "TARGET_API": apis[0],
            "TARGET_NODE_APIS": ",".join(apis),
            "TARGET_SECRET": SECRET,
            "TARGET_API_KEY": API_KEY,
            "TARGET_REDIS": self.redis_url(),
            "TARGET_PROMETHEUS": f"http://127.0.0.1:{port['prometheus']}" if "prometheus" not in self.without else "",
            "TARGET_CLUSTER_PID": str(os.getpid()),
            "TARGET_CLUSTER_FOLDER": str(self.folder),
        }

    def restart_nodes(self):
        """Each in turn, the next only when the one before is ready again: a step at each `next`, which never waits."""
        for node, (_, internal) in zip(self.nodes, self.port["nodes"]):
            say(f"restarting {node.name}")
            self.restarting = node
            node.tell(signal.SIGTERM)
            while not node.ended():
                yield
            node.start()
            self.restarting = None
            while servers.http_get(internal, "/readyz")[0] != 200:
                yield
        say("all nodes were restarted")

    def ended(self):
        """The first process that ended although nobody asked it to."""
        processes = [*self.nodes, *self.others.values()]
        return next((one for one in processes if one is not self.restarting and one.ended()), None)

    def stop(self):
        for process in self.nodes:
            process.tell(signal.SIGTERM)
        for process in self.nodes:
            process.stop(5)
        for process in reversed(self.others.values()):
            # Postgres: without waiting for those who are connected.
            process.stop(5, signal.SIGINT if process.name == "postgres" else signal.SIGTERM)
        for folder in self.folders:
            shutil.rmtree(folder, ignore_errors=True)
