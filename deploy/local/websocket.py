"""A WebSocket client (RFC 6455) that shows what a proxy does to a connection: headers of both sides, pings, closes.

Not for load. It masks with zeros, which the standard allows a server to accept and proxies do not look at.
"""

import base64
import hashlib
import hmac
import json
import os
import socket
import struct
import time


def token(secret, user, rooms=()):
    """A token of an hour (JWT, HS256)."""

    def encode(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=")

    claims = {"sub": user, "exp": int(time.time()) + 3600, "iat": int(time.time()), "rooms": list(rooms)}
    body = b".".join(encode(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    return (body + b"." + encode(hmac.new(secret.encode(), body, hashlib.sha256).digest())).decode()


class Refused(Exception):
    """The handshake was answered with something else than 101."""

    def __init__(self, status, body):
        super().__init__(f"{status}: {body}")
        self.status = status


class WebSocket:
    """A connection to `/ws`; every wait ends after `timeout` seconds with `TimeoutError`."""

    def __init__(self, port, headers, source="127.0.0.1", path="/ws", timeout=20):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout, source_address=(source, 0))
        self._reader = self.socket.makefile("rb")
        self.pings = 0
        self.close_code = None
        key = base64.b64encode(os.urandom(16)).decode()
        asked = {"Host": f"127.0.0.1:{port}", "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
        lines = [f"{name}: {value}" for name, value in {**asked, "Sec-WebSocket-Key": key, **headers}.items()]
        self.socket.sendall(f"GET {path} HTTP/1.1\r\n".encode() + "\r\n".join([*lines, "", ""]).encode())
        self.status = int(self._reader.readline().split()[1])
        self.headers = []
        while line := self._reader.readline().strip().decode():
            name, _, value = line.partition(":")
            self.headers.append((name.lower(), value.strip()))
        if self.status != 101:
            body = self._reader.read(int(self.header("content-length") or 0)).decode(errors="replace")
            self.socket.close()
            raise Refused(self.status, body)

    def header(self, name):
        """The first header of the answer with this name."""
        return next((value for key, value in self.headers if key == name), None)

    def cookies(self):
        """What `Set-Cookie` says, as a `Cookie` header would repeat it."""
        return "; ".join(value.split(";")[0] for key, value in self.headers if key == "set-cookie")

    def receive(self):
        """The next frame of text, parsed; None when the connection has ended. Pings are answered on the way."""
        while True:
            head = self._reader.read(2)
            if len(head) < 2:
                return None
            opcode, length = head[0] & 15, head[1] & 127
            if length == 126:
                length = struct.unpack(">H", self._reader.read(2))[0]
            elif length == 127:
                length = struct.unpack(">Q", self._reader.read(8))[0]
            body = self._reader.read(length)
            if opcode == 1:
                return json.loads(body)
            if opcode == 8:
                self.close_code = struct.unpack(">H", body[:2])[0] if len(body) >= 2 else 1005
                return None
            if opcode == 9:
                self.pings += 1
                self._send(10, body)
                self.on_ping()

    def on_ping(self):
        """Called after each ping was answered; to be replaced."""

    def send(self, frame):
        """Sends a frame of JSON."""
        self._send(1, json.dumps(frame).encode())

    def _send(self, opcode, body):
        size = len(body)
        length = bytes([128 | size]) if size < 126 else bytes([254]) + struct.pack(">H", size)
        self.socket.sendall(bytes([128 | opcode]) + length + bytes(4) + body)

    def ask(self, endpoint, args):
        """Sends a request and waits for its reply; broadcasts on the way are passed over."""
        self.send({"id": 1, "endpoint": endpoint, "args": args})
        while (frame := self.receive()) is not None:
            if "reply" in frame:
                return frame["reply"]
        raise ConnectionError(f"closed with {self.close_code} instead of a reply to {endpoint}")

    def close(self):
        """Lets go of the connection without a word."""
        self._reader.close()
        self.socket.close()
