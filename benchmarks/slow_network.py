"""A second host on this machine, behind a network as slow as one likes: a namespace whose packets are carried by hand.

Needs root and Linux. Each side has a network device of its own (TUN), and this process carries packets from one to the
other, late by the delay, and no faster than the rate.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import queue
import select
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

HERE, THERE = "10.77.0.1", "10.77.0.2"
NAMESPACE = "twolayer-bench"
MTU = 60_000  # bytes: few and large packets, as Python carries each
LOOK_EVERY = 0.2  # seconds between two looks at whether all has ended
IFF_TUN, IFF_NO_PI, TUNSETIFF = 0x0001, 0x1000, 0x400454CA


@contextmanager
def slow_host(delay: float, rate: float) -> Iterator[list[str]]:
    """Make the other host; yield the words that run a command on it, which reaches this one at HERE.

    Parameters
    ----------
    delay : float
        Seconds that a packet takes, each way.
    rate : float
        Bytes a second, each way.
    """
    remove_namespace()
    run("ip", "netns", "add", NAMESPACE)
    try:
        here, there = tun_device("twolayer-here"), tun_device("twolayer-there")
        run("ip", "link", "set", "twolayer-there", "netns", NAMESPACE)
        inside = ["ip", "netns", "exec", NAMESPACE]
        for prefix, name, address in (
            ([], "twolayer-here", HERE),
            (inside, "twolayer-there", THERE),
        ):
            run(*prefix, "ip", "addr", "add", f"{address}/24", "dev", name)
            run(*prefix, "ip", "link", "set", name, "mtu", str(MTU), "up")
        run(*inside, "ip", "link", "set", "lo", "up")
        ended = threading.Event()
        threads = [
            thread
            for source, target in ((here, there), (there, here))
            for thread in carriers(source, target, delay, rate, ended)
        ]
        for thread in threads:
            thread.start()
        yield inside
        ended.set()
        for thread in threads:
            thread.join()
        os.close(here)
        os.close(there)
    finally:
        remove_namespace()


def run(*words: str) -> None:
    """Run a command that must succeed."""
    subprocess.run(words, check=True, capture_output=True)


def remove_namespace() -> None:
    """Remove what an earlier run left."""
    subprocess.run(["ip", "netns", "del", NAMESPACE], check=False, capture_output=True)


def tun_device(name: str) -> int:
    """Return the file of a new network device."""
    file = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(file, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    return file


def carriers(
    source: int, target: int, delay: float, rate: float, ended: threading.Event
) -> list[threading.Thread]:
    """Return the threads that carry packets one way until all has ended."""
    under_way: queue.Queue[tuple[float, bytes]] = queue.Queue()

    def take() -> None:
        free = time.monotonic()  # when the line has sent what is before
        while not ended.is_set():
            if select.select([source], [], [], LOOK_EVERY)[0]:
                packet = os.read(source, MTU + 100)
                free = max(free, time.monotonic()) + len(packet) / rate
                under_way.put((free + delay, packet))

    def give() -> None:
        while not ended.is_set():
            try:
                due, packet = under_way.get(timeout=LOOK_EVERY)
            except queue.Empty:
                continue
            time.sleep(max(0.0, due - time.monotonic()))
            with contextlib.suppress(OSError):  # the other side is not up yet, or no more
                os.write(target, packet)

    return [threading.Thread(target=work, daemon=True) for work in (take, give)]
