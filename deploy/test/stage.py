"""What the tests of alerts do with a running cluster: clients, a backend's calls, Redis, and questions to Prometheus."""

import contextlib
import json
import socket
import threading
import urllib.error
import urllib.parse
import urllib.request

import servers
from deployment import API_KEY, SECRET
from processes import wait_for
from websocket import Refused, WebSocket, token


class Stage:
    """A cluster with what is asked of it."""

    def __init__(self, cluster, backend):
        self.cluster, self.backend = cluster, backend
        self._names = iter(range(1_000_000))

    def node(self, number):
        """The process, its public and its internal port."""
        return self.cluster.nodes[number - 1], *self.cluster.port["nodes"][number - 1]

    def client(self, port, user=None, room=None, timeout=20):
        """A client that is in, and in a room."""
        user = user or f"person-{next(self._names)}"
        client = WebSocket(port, {"Authorization": f"Bearer {token(SECRET, user, ['board-*'])}"}, timeout=timeout)
        if client.receive() is None:
            raise ConnectionError(f"closed with {client.close_code}")
        if room:
            client.ask("rooms.join", {"room": room})
        return client

    def publish(self, rooms, data=None, node=1, timeout=5):
        """As a backend does; the status, or 0 where nobody answers."""
        body = json.dumps({"rooms": rooms, "destination": "test", "data": data or {}}).encode()
        headers = {"Authorization": f"Bearer {API_KEY}", "Content-Type": "application/json"}
        url = f"http://127.0.0.1:{self.node(node)[2]}/api/v1/broadcast"
        try:
            with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=timeout) as answer:
                return answer.status
        except urllib.error.HTTPError as answer:
            return answer.code
        except OSError:
            return 0

    def publish_unheard(self, rooms, node=1):
        """Sends the same, and does not wait for the answer; the connection, to be closed."""
        body = json.dumps({"rooms": rooms, "destination": "test", "data": {}}).encode()
        head = f"POST /api/v1/broadcast HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {API_KEY}\r\n"
        connection = socket.create_connection(("127.0.0.1", self.node(node)[2]), 5)
        connection.sendall(f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        return connection

    def redis(self, *words):
        """A command; the first line of the answer."""
        command = f"*{len(words)}\r\n" + "".join(f"${len(word)}\r\n{word}\r\n" for word in words)
        with socket.create_connection(("127.0.0.1", self.cluster.port["redis"]), 5) as connection:
            connection.sendall(command.encode())
            return connection.makefile().readline().strip()

    def _ask(self, path):
        status, body = servers.http_get(self.cluster.port["prometheus"], f"/api/v1/{path}", timeout=10)
        return json.loads(body)["data"] if status == 200 else {}

    def firing(self):
        """Names of the alerts that fire now."""
        alerts = self._ask("alerts").get("alerts", [])
        return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}

    def scraped(self):
        """Whether all nodes are."""
        query = urllib.parse.quote('sum(up{job="hallway"}) == 3')
        return bool(self._ask(f"query?query={query}").get("result"))

    def wait_well(self):
        """Until every node is ready and HAProxy knows it."""
        for number in (1, 2, 3):
            process, _, internal = self.node(number)
            servers.wait_node(process, internal)
        stats = self.cluster.port["stats"]
        wait_for("haproxy to find its nodes", servers.PATIENCE, lambda: servers.has_all(stats, 3), self.cluster.others["haproxy"])


@contextlib.contextmanager
def again_and_again(action, pause, count=1):
    """Does something in the background, so many at a time; what fails is tried again."""
    over = threading.Event()

    def work():
        while not over.wait(pause):
            with contextlib.suppress(OSError, Refused, IndexError, ValueError):
                action()

    threads = [threading.Thread(target=work, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


@contextlib.contextmanager
def held(clients):
    """Closes them in the end."""
    try:
        yield clients
    finally:
        for client in clients:
            client.close()
