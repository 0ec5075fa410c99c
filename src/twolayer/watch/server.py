"""The server of `twolayer watch`: the page, and a socket on which the program is run by NumPy and PyTorch.

It listens on this machine only, answers only what was asked under its own name with the secret part of its address, and
takes parameters and numbers, never code.
"""

from __future__ import annotations

import re
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from twolayer.errors import InputError
from twolayer.watch.bundle import page_html
from twolayer.watch.engine_run import ENGINE_LIBRARIES
from twolayer.watch.frames import encode_message
from twolayer.watch.page_sessions import PageSessions
from twolayer.watch.watch_settings import PageRequestError

HOST = "127.0.0.1"
MESSAGE_BYTES = 48_000_000  # of one message from a page: three arrays of the largest size
PORTS_TRIED = 50
SESSION_NAME = re.compile(r"[0-9a-zA-Z-]{8,64}")
TRY_AGAIN_LATER = 1013  # a code of the protocol
BAD_DATA = 1003

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",  # the page itself carries the rest
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class OwnNamesOnly:
    """Refuse with 403 what came under another name: a forged Host, another page's Origin, a wrong token."""

    def __init__(self, app: ASGIApp, port: int, token: str) -> None:
        self.app, self.token = app, token
        self.hosts = {f"{name}:{port}" for name in (HOST, "localhost")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        reason = "" if scope["type"] == "lifespan" else self.fault(scope)
        if not reason:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await WebSocket(scope, receive, send).close()  # before it is accepted: 403
        else:
            await PlainTextResponse(f"403: {reason}\n", 403, HEADERS)(scope, receive, send)

    def fault(self, scope: Scope) -> str:
        """Return why a request is refused; "" if it is not."""
        given: dict[str, list[str]] = {"host": [], "origin": []}
        for name, value in scope["headers"]:
            if name.decode("latin-1") in given:
                given[name.decode("latin-1")].append(value.decode("latin-1"))
        if len(given["host"]) != 1 or given["host"][0].lower() not in self.hosts:
            return "this server answers under its own address only"
        origins = {f"http://{host}" for host in self.hosts}
        if not origins.issuperset(given["origin"]) or (
            scope["type"] == "websocket" and not given["origin"]
        ):
            return "another page asked for this"
        path = scope["path"].split("/")
        if len(path) < 3 or not secrets.compare_digest(path[1].encode(), self.token.encode()):
            return "the address lacks its secret part: open the one that `twolayer watch` printed"
        return ""


def page_app(port: int, token: str, first: dict[str, Any]) -> ASGIApp:
    """Return the application: the page at `/token/`, its socket at `/token/socket`.

    Parameters
    ----------
    port : int
        Where it will listen.
    token : str
        The secret part of its address.
    first : dict
        What the page is told at the start.
    """
    sessions = PageSessions()
    connect = " ".join(f"ws://{name}:{port}" for name in (HOST, "localhost"))
    html = page_html({**first, "server": {"engines": ["numpy", *ENGINE_LIBRARIES]}}, connect)

    async def page(request: Request) -> Response:
        return Response(html, media_type="text/html", headers=HEADERS)

    async def talk(websocket: WebSocket) -> None:
        name = websocket.query_params.get("session", "")
        if not SESSION_NAME.fullmatch(name):
            await websocket.close()
            return
        await websocket.accept()
        send = websocket.send_bytes
        try:
            session = await sessions.enter(name, send)
        except PageRequestError as error:
            await send(encode_message({"refusal": error.text._asdict()}))
            await websocket.close(TRY_AGAIN_LATER)
            return
        try:
            while True:
                await send(await session.handle(await websocket.receive_bytes()))
        except (WebSocketDisconnect, RuntimeError):  # RuntimeError: it was lost while sending
            pass
        except (ValueError, KeyError, TypeError):
            await websocket.close(BAD_DATA)
        finally:
            session.disconnect(send)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        sessions.close_all()

    routes = [Route("/{token}/", page), WebSocketRoute("/{token}/socket", talk)]
    return OwnNamesOnly(Starlette(routes=routes, lifespan=lifespan), port, token)


def bind_port(wanted: int) -> socket.socket:
    """Return a socket that listens on this machine: on the port that is wanted, or on the next free one.

    Raises
    ------
    InputError
        If none can be used.
    """
    for port in range(wanted, min(wanted + PORTS_TRIED, 65536)):
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((HOST, port))
            listening.listen()
        except OSError as error:
            listening.close()
            if isinstance(error, PermissionError):
                raise InputError(
                    f"port {wanted} may not be used: choose one above 1023 with --port"
                ) from None
            continue
        return listening
    raise InputError(
        f"no port from {wanted} on is free ({PORTS_TRIED} were tried): choose another with --port"
    )


class PageServer:
    """A server that listens, and can be run until Ctrl-C.

    Attributes
    ----------
    url : str
        The address of its page, with the secret part.
    """

    def __init__(self, port: int, first: dict[str, Any] | None = None) -> None:
        self.socket = bind_port(port)
        self.port = self.socket.getsockname()[1]
        token = secrets.token_urlsafe(16)
        self.url = f"http://{HOST}:{self.port}/{token}/"
        config = uvicorn.Config(
            page_app(self.port, token, first or {}),
            log_level="critical",
            ws="websockets-sansio",
            ws_max_size=MESSAGE_BYTES,
            timeout_graceful_shutdown=1,
            server_header=False,
        )
        self.server = uvicorn.Server(config)

    def run(self) -> None:
        """Serve until Ctrl-C, which raises KeyboardInterrupt when all is closed."""
        self.server.run(sockets=[self.socket])

    def stop(self) -> None:
        """Let `run` return soon, from another thread."""
        self.server.should_exit = True
