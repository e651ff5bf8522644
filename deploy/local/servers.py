"""How each of the programs around a node is started for one machine. Each function returns when the program answers."""

import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import urllib.error
import urllib.request

from processes import Failed, Process, wait_for

DEPLOY = pathlib.Path(__file__).resolve().parent.parent

# A slow machine that does other work at the same time still makes it.
PATIENCE = 60


def http_get(port, path="/", timeout=2):
    """Status and body of a GET on 127.0.0.1; (0, reason) where nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=timeout) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.read().decode(errors="replace")
    except OSError as why:
        return 0, str(why)


def is_listening(port):
    """Whether someone takes connections there."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def redis(folder, port):
    """A Redis that keeps nothing on disk."""
    command = ["redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    process = Process("redis", [*command, "--dir", folder], folder)
    wait_for("redis", PATIENCE, lambda: is_listening(port), process)
    return process


def postgres(port):
    """A Postgres in a folder of its own, which its user can enter; returns it and the folder."""
    programs = _postgres_programs()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="hallway-postgres-"))
    # Postgres refuses to be root.
    user = "postgres" if os.geteuid() == 0 else None
    if user:
        shutil.chown(folder, user)
    data = folder / "data"
    made = subprocess.run(
        [programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
        cwd=folder, user=user, group=user, extra_groups=[] if user else None, capture_output=True, text=True, check=False,
    )
    if made.returncode:
        raise Failed(f"initdb: {made.stderr.strip()}")
    # It does not wait for the disk: what it has outlives its processes, not the machine.
    settings = ["fsync=off", "unix_socket_directories=", "shared_buffers=32MB"]
    command = [programs / "postgres", "-D", data, "-h", "127.0.0.1", "-p", port]
    process = Process("postgres", [*command, *(part for one in settings for part in ("-c", one))], folder, user=user)
    is_ready = [programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
    wait_for("postgres", PATIENCE, lambda: subprocess.run(is_ready, check=False).returncode == 0, process)
    return process, folder


def _postgres_programs():
    # Debian keeps those of its newest version off the path.
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    path = found[-1] if found else shutil.which("initdb")
    if path is None:
        raise Failed("initdb is not installed: .ci/tools postgres")
    return pathlib.Path(path).parent


def node(binary, folder, name, public, internal, settings):
    """A node in dev mode; `settings` are keys and values of docs/configuration.md."""
    flags = {"node": name, "listen": f"127.0.0.1:{public}", "internal_listen": f"127.0.0.1:{internal}", **settings}
    command = [binary, "serve", "--dev"]
    for key, value in flags.items():
        command += [f"--{key.replace('.', '-').replace('_', '-')}", value]
    # Nothing of the caller's own settings.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HALLWAY_")}
    process = Process(name, command, folder, environment)
    wait_node(process, internal)
    return process


def wait_node(process, internal):
    """Waits until a node that was started is ready."""
    wait_for(f"{process.name} to be ready", PATIENCE, lambda: http_get(internal, "/readyz")[0] == 200, process)


def rewritten(source, target, replacements):
    """Writes a shipped configuration with other addresses: what is tried here is the file that ships. Each text to be
    replaced must be there, so that the file and its test cannot drift apart."""
    text = (DEPLOY / source).read_text()
    for old, new in replacements.items():
        if old not in text:
            raise Failed(f"deploy/{source} no longer says {old!r}: its users in deploy/ must follow")
        text = text.replace(old, new)
    target.write_text(text)
    return target


def haproxy(folder, port, stats, nodes, more=None):
    """The shipped HAProxy configuration before nodes, given as (public, internal) ports."""
    replacements = {"bind :8080": f"bind 127.0.0.1:{port}", "bind :8404": f"bind 127.0.0.1:{stats}"}
    replacements["/run/haproxy/admin.sock"] = str(folder / "haproxy.sock")
    for number, (public, internal) in enumerate(nodes, 1):
        replacements[f"node-{number}:8080 check port 9000"] = f"127.0.0.1:{public} check port {internal}"
    config = rewritten("haproxy/haproxy.cfg", folder / "haproxy.cfg", {**replacements, **(more or {})})
    # With a master (SIGUSR2 reloads), as a service manager starts it, and in the foreground.
    process = Process("haproxy", ["haproxy", "-W", "-db", "-f", config], folder)
    wait_for("haproxy to find its nodes", PATIENCE, lambda: has_all(stats, len(nodes)), process)
    return process


def has_all(stats, count):
    """Whether HAProxy holds so many nodes for ready."""
    status, table = http_get(stats, "/stats;csv")
    rows = [line.split(",") for line in table.splitlines() if line.startswith("nodes,node-")]
    return status == 200 and sum(row[17].startswith("UP") for row in rows) >= count


def nginx(folder, port, nodes, more=None):
    """The shipped nginx configuration before nodes, given as (public, internal) ports."""
    replacements = {"listen 8080": f"listen 127.0.0.1:{port}"}
    for number, (public, _) in enumerate(nodes, 1):
        replacements[f"server node-{number}:8080"] = f"server 127.0.0.1:{public}"
    config = rewritten("nginx/nginx.conf", folder / "nginx.conf", {**replacements, **(more or {})})
    # It keeps bodies and its id in folders that only root may write to, unless it is told otherwise.
    kept = [f"pid {folder}/nginx.pid;", "daemon off;"]
    process = Process("nginx", ["nginx", "-p", folder, "-e", folder / "nginx.error", "-c", config, "-g", " ".join(kept)], folder)
    wait_for("nginx", PATIENCE, lambda: is_listening(port), process)
    return process


def prometheus(folder, port, nodes, proxy_stats, rules=DEPLOY / "prometheus/rules", more=None):
    """The shipped Prometheus configuration, with its rules, that scrapes nodes' internal ports."""
    targets = {f"node-{number}:9000": f"127.0.0.1:{internal}" for number, (_, internal) in enumerate(nodes, 1)}
    targets |= {"haproxy:8404": f"127.0.0.1:{proxy_stats}", "rules/": f"{rules}/"}
    config = rewritten("prometheus/prometheus.yml", folder / "prometheus.yml", {**targets, **(more or {})})
    command = ["prometheus", f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}"]
    process = Process("prometheus", [*command, f"--storage.tsdb.path={folder}/prometheus"], folder)
    wait_for("prometheus", PATIENCE, lambda: http_get(port, "/-/ready")[0] == 200, process)
    return process
