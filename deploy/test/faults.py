"""What is done to a cluster so that alerts fire. Each function does a thing, goes on with it at each step, and undoes it when
it is closed; ALL says what each must cause."""

import contextlib
import http.server
import os
import resource
import signal
import threading
import time

from processes import free_port
from stage import again_and_again, held
from websocket import WebSocket

# These fire from the start: nobody is where the keys of tokens should be.
ALWAYS = {"HallwayKeySetAway"}

# Sockets of one user.
MOST = 30


class Backend:
    """The operator's own: it is asked who may connect."""

    def __init__(self):
        self.is_well = True
        backend = self

        class Answer(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Head and body leave together: apart, the second waits for the kernel's acknowledgement of the first.
            wbufsize = -1

            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                body = b'{"allowed":true}' if backend.is_well else b""
                self.send_response(200 if backend.is_well else 500)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.port = free_port()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Answer)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()


def settings(backend):
    """What the nodes of this cluster are told."""
    return {
        "limits.sockets_per_user": str(MOST),
        "limits.socket_queue": "128KiB",
        # Those that are held here do not answer.
        "limits.ping_interval": "60s",
        "webhook.admission_url": f"http://127.0.0.1:{backend.port}/",
        "webhook.secret": "test",
        "auth.jwks_url": f"http://127.0.0.1:{free_port()}/keys",
        "auth.jwks_refresh": "1s",
    }


def the_key_set_is_nowhere(_):
    yield


def a_node_is_killed(stage):
    node, _, _ = stage.node(3)
    node.tell(signal.SIGKILL)
    try:
        while True:
            yield
    finally:
        node.child.wait()
        node.start()


def a_node_may_open_little_more(stage):
    node, _, _ = stage.node(3)
    usual = resource.prlimit(node.child.pid, resource.RLIMIT_NOFILE)
    has = len(os.listdir(f"/proc/{node.child.pid}/fd"))
    resource.prlimit(node.child.pid, resource.RLIMIT_NOFILE, (has + 2, usual[1]))
    try:
        while True:
            yield
    finally:
        resource.prlimit(node.child.pid, resource.RLIMIT_NOFILE, usual)


def redis_is_killed(stage):
    redis = stage.cluster.others["redis"]
    redis.stop(0, signal.SIGKILL)

    def newcomer():
        stage.client(stage.node(1)[1], timeout=5).close()

    try:
        with again_and_again(lambda: stage.publish(["board-1"]), 0.05), again_and_again(newcomer, 0.05):
            while True:
                yield
    finally:
        redis.start()


def redis_comes_back_empty(stage):
    with held([stage.client(stage.node(1)[1], room="board-1")]):
        stage.publish(["board-1"])
        redis = stage.cluster.others["redis"]
        redis.stop(0, signal.SIGKILL)
        redis.start()
        with again_and_again(lambda: stage.publish(["board-1"]), 0.2):
            while True:
                yield


def redis_cuts_its_subscribers_off(stage):
    with again_and_again(lambda: stage.redis("CLIENT", "KILL", "TYPE", "pubsub"), 2):
        while True:
            yield


def redis_hangs_under_a_flood(stage):
    redis = stage.cluster.others["redis"]
    rooms = [f"board-{number}" for number in range(100)]
    redis.tell(signal.SIGSTOP)
    try:
        while True:
            # 40,000 in all, which wait until Redis has been silent for `redis.command_timeout`.
            with held([stage.publish_unheard(rooms) for _ in range(400)]):
                yield
                time.sleep(1)
    finally:
        redis.tell(signal.SIGCONT)


def a_node_is_slow(stage):
    """It gets a moment of each second. How long a broadcast takes depends on the machine, so the moments differ: there is one
    that ends between its being accepted and its being written."""
    node, public, _ = stage.node(2)
    with held([stage.client(public, room="board-1")]), again_and_again(lambda: stage.publish(["board-1"], node=2), 0.1, 8):
        try:
            while True:
                for moment in (0.0003, 0.0006, 0.001, 0.002, 0.004, 0.008):
                    node.tell(signal.SIGSTOP)
                    time.sleep(1.2)
                    node.tell(signal.SIGCONT)
                    time.sleep(moment)
                # Long enough to be scraped, and too short for what is fast in it to hide what was slow.
                time.sleep(1.5)
                yield
        finally:
            node.tell(signal.SIGCONT)


def redis_is_slow(stage):
    with held([stage.client(stage.node(1)[1], room="board-1")]), again_and_again(lambda: stage.publish(["board-1"]), 0.1, 8):
        while True:
            stage.redis("CLIENT", "PAUSE", "1500", "ALL")
            time.sleep(2)
            yield


def someone_publishes_rubbish(stage):
    with held([stage.client(stage.node(1)[1], room="board-1")]):
        while True:
            stage.redis("PUBLISH", "board-1", "{")
            yield


def clients_do_not_read(stage):
    with held([stage.client(stage.node(1)[1], room="board-1") for _ in range(20)]):
        while True:
            # More than the kernel keeps for a socket.
            for _ in range(20):
                stage.publish(["board-1"], {"text": "x" * 30_000})
            yield


def tokens_are_bad(stage):
    def stranger():
        WebSocket(stage.node(1)[1], {"Authorization": "Bearer no"})

    # Fewer than `limits.failed_logins`.
    with again_and_again(stranger, 0.12):
        while True:
            yield


def one_user_has_too_many(stage):
    def one_more():
        stage.client(stage.node(1)[1], user="crowd", timeout=5).close()

    with held([stage.client(stage.node(1)[1], user="crowd") for _ in range(MOST)]), again_and_again(one_more, 0.1):
        while True:
            yield


def the_backend_fails(stage):
    def newcomer():
        stage.client(stage.node(1)[1], timeout=5).close()

    stage.backend.is_well = False
    try:
        with again_and_again(newcomer, 0.1):
            while True:
                yield
    finally:
        stage.backend.is_well = True


def the_proxy_is_killed(stage):
    proxy = stage.cluster.others["haproxy"]
    with contextlib.ExitStack() as clients:
        for _ in range(360):
            clients.enter_context(held([stage.client(stage.cluster.port["haproxy"])]))
        # They must have been seen.
        time.sleep(3)
        proxy.stop(0, signal.SIGKILL)
        try:
            while True:
                yield
        finally:
            proxy.start()


def all_clients_are_on_one_node(stage):
    with held([stage.client(stage.node(1)[1]) for _ in range(1010)]):
        while True:
            yield


ALL = [
    (the_key_set_is_nowhere, {"HallwayKeySetAway"}),
    (a_node_is_killed, {"HallwayNodeDown"}),
    (a_node_may_open_little_more, {"HallwayDescriptorsRunOut"}),
    (someone_publishes_rubbish, {"HallwayMessagesUnreadable"}),
    (clients_do_not_read, {"HallwaySlowConsumers"}),
    (a_node_is_slow, {"HallwayDeliverySlow"}),
    (redis_is_slow, {"HallwayDeliverySlow"}),
    (redis_cuts_its_subscribers_off, {"HallwayBusFlaps"}),
    (redis_comes_back_empty, {"HallwayClientsToldOfGaps"}),
    (redis_is_killed, {"HallwayNobodyServes", "HallwayBusDown", "HallwayPublishesFail", "HallwayApiFails", "HallwayHandshakesRefused"}),
    (redis_hangs_under_a_flood, {"HallwayPublishQueueFills"}),
    (the_backend_fails, {"HallwayWebhookFails"}),
    (tokens_are_bad, {"HallwayTokensRefused"}),
    (one_user_has_too_many, {"HallwayOneAddressTooOften"}),
    (the_proxy_is_killed, {"HallwayClientsCutOff"}),
    (all_clients_are_on_one_node, {"HallwayNodesUneven"}),
]
