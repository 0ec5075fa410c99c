"""The pages that are open: each has its own run, which waits for it when its connection is lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from twolayer.tutorial.bilingual import Bilingual
from twolayer.watch.frames import decode_message, encode_message
from twolayer.watch.program_host import CHANGES_STATE, ProgramHost
from twolayer.watch.watch_settings import PageRequestError

MOST_SESSIONS = 8
ANSWERS_KEPT = 64  # to requests that changed something, in case a page did not get them
RESULT_SECONDS = 0.1  # between two results of a comparison

Send = Callable[[bytes], Awaitable[None]]

SESSIONS_REFUSAL = Bilingual(
    en="{most} pages are open on this server already: close one of them, and load this page again",
    zh="这个服务器上已经打开了 {most} 个页面：请关掉一个，再重新载入本页",
)
MEMORY_REFUSAL = Bilingual(
    en="there is not enough memory for these sizes: choose smaller ones",
    zh="这些尺寸太大，内存放不下：请改用小一些的尺寸",
)


class PageSession:
    """One page: its run, what was answered last, and the connection if there is one."""

    def __init__(self, executor: ThreadPoolExecutor) -> None:
        self.host = ProgramHost()
        self.executor = executor
        self.answers: dict[int, bytes] = {}
        self.send: Send | None = None
        self.left_at = time.monotonic()
        self.awake = asyncio.Event()
        self.task = asyncio.create_task(self.work())

    async def connect(self, send: Send, fresh: bool) -> None:
        """Take a connection in the place of the last one, and say whether the run is a new one."""
        self.send = send
        await send(encode_message({"hello": True, "fresh": fresh}))
        self.awake.set()

    def disconnect(self, send: Send) -> None:
        """Forget a connection that was lost; the run waits."""
        if self.send is send:
            self.send, self.left_at = None, time.monotonic()

    async def handle(self, data: bytes) -> bytes:
        """Return the answer to a message; one that was handled before gets the answer of then."""
        message = decode_message(data)
        serial, kind = int(message["serial"]), message.get("kind")
        if kind in CHANGES_STATE and serial in self.answers:
            return self.answers[serial]
        answer = await asyncio.get_running_loop().run_in_executor(
            self.executor, self.answer, serial, kind, message
        )
        if kind in CHANGES_STATE:
            self.answers[serial] = answer
            while len(self.answers) > ANSWERS_KEPT:
                del self.answers[next(iter(self.answers))]
            self.awake.set()
        return answer

    def answer(self, serial: int, kind: Any, message: dict[str, Any]) -> bytes:
        """Return an answer, or why there is none, as bytes."""
        try:
            content = {"serial": serial, "answer": self.host.answer(kind, message)}
        except PageRequestError as error:
            content = {"serial": serial, "refusal": error.text._asdict()}
        except MemoryError:
            content = {"serial": serial, "refusal": MEMORY_REFUSAL._asdict()}
        return encode_message(content)

    async def work(self) -> None:
        """Run the program on while it should and a page looks at it, in short turns."""
        loop = asyncio.get_running_loop()
        sent_at = 0.0
        while True:
            await self.awake.wait()
            wait = await loop.run_in_executor(self.executor, self.host.turn) if self.send else None
            results, send = self.host.results, self.send
            due = time.monotonic() - sent_at > RESULT_SECONDS or wait is None
            if results and send and due:
                self.host.results, sent_at = {}, time.monotonic()
                try:
                    await send(encode_message(results))
                except Exception:  # whatever a lost connection raises; the page asks again
                    self.disconnect(send)
            if wait is None:
                self.awake.clear()
            else:
                await asyncio.sleep(wait)


class PageSessions:
    """All pages by the names that they gave themselves."""

    def __init__(self) -> None:
        self.executor = ThreadPoolExecutor(
            1, initializer=limit_threads
        )  # the lines of all pages run in turn
        self.open: dict[str, PageSession] = {}

    async def enter(self, name: str, send: Send) -> PageSession:
        """Return the session of that name, new or the one of before, with this connection.

        Raises
        ------
        PageRequestError
            If too many pages are open.
        """
        fresh = name not in self.open
        if fresh and len(self.open) >= MOST_SESSIONS:
            left = [one for one, session in self.open.items() if session.send is None]
            if not left:
                raise PageRequestError(SESSIONS_REFUSAL, most=MOST_SESSIONS)
            self.close(min(left, key=lambda one: self.open[one].left_at))
        if fresh:
            self.open[name] = PageSession(self.executor)
        await self.open[name].connect(send, fresh)
        return self.open[name]

    def close(self, name: str) -> None:
        """End a session."""
        self.open.pop(name).task.cancel()

    def close_all(self) -> None:
        """End all sessions."""
        for name in list(self.open):
            self.close(name)
        self.executor.shutdown(wait=False, cancel_futures=True)


def limit_threads() -> None:
    """Let products run on one thread: at these sizes more would wait for each other."""
    from importlib.util import find_spec

    from threadpoolctl import threadpool_limits

    threadpool_limits(1)
    if find_spec("torch"):
        import torch

        torch.set_num_threads(1)
