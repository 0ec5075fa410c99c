"""A page of `twolayer watch` without a browser: requests and answers over a real websocket."""

import threading
import time
from contextlib import ExitStack, contextmanager

from websockets.sync.client import connect

from twolayer.watch.frames import decode_message, encode_message
from twolayer.watch.server import PageServer


@contextmanager
def running_server(first=None):
    """A server on a free port of this machine, in a thread of its own."""
    server = PageServer(0, first)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 30
    while not server.server.started:
        assert time.monotonic() < until
        time.sleep(0.01)
    try:
        yield server
    finally:
        server.stop()
        thread.join(20)
        assert not thread.is_alive()


class PageClient:
    """One connection of a page."""

    def __init__(self, server, name, serial=0, **headers):
        headers = {"Origin": f"http://127.0.0.1:{server.port}", **headers}
        address = f"{server.url.replace('http', 'ws', 1)}socket?session={name}"
        self.stack = ExitStack()
        self.socket = self.stack.enter_context(
            connect(address, additional_headers=headers, max_size=None, proxy=None)
        )
        self.hello = self.receive()
        self.serial = serial  # of the last request: a page that comes back counts on

    def receive(self, seconds=60):
        return decode_message(self.socket.recv(timeout=seconds))

    def post(self, kind, serial=None, **request):
        self.serial = self.serial + 1 if serial is None else serial
        self.socket.send(encode_message({**request, "kind": kind, "serial": self.serial}))

    def ask(self, kind, serial=None, **request):
        self.post(kind, serial, **request)
        answer = self.receive()
        assert answer["serial"] == self.serial
        return answer.get("answer", answer)

    def place(self):
        return self.ask("frame", variables=[])["place"]

    def close(self):
        self.stack.close()
