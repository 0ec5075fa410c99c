"""The server of the page: who is let in, what it answers, and what becomes of lost connections, over real sockets."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from importlib.util import find_spec

import numpy as np
import pytest
from page_client import PageClient, running_server
from websockets.exceptions import ConnectionClosed, InvalidStatus

from twolayer import checks
from twolayer.errors import InputError
from twolayer.watch.frames import encode_message
from twolayer.watch.page_sessions import MOST_SESSIONS
from twolayer.watch.server import HOST, bind_port
from twolayer.watch.watch_settings import WATCH_ENGINES

MAIN = [sys.executable, "-c", "from twolayer.cli.main import main; main()"]
SMALL = {"rows": 5, "inputs": 3, "hidden": 6, "outputs": 2, "rate": 1e-3}


@pytest.fixture(scope="module")
def server():
    with running_server() as server:
        yield server


@pytest.fixture
def page(server, request):
    page = PageClient(server, f"test-{abs(hash(request.node.name))}")
    yield page
    page.close()
    until = time.monotonic() + 10
    while time.monotonic() < until and not server_is_quiet(server):
        time.sleep(0.01)


def server_is_quiet(server):
    return not server.server.server_state.connections


def get(server, path=None, **headers):
    connection = http.client.HTTPConnection(HOST, server.port, timeout=30)
    connection.putrequest("GET", path or token_path(server), skip_host="Host" in headers)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    with closing(connection):
        response = connection.getresponse()
        return response, response.read().decode()


def token_path(server):
    return "/" + server.url.split("/")[3] + "/"


def test_the_page_is_served_with_a_strict_policy(server):
    response, text = get(server)
    assert response.status == 200
    assert "<title>" in text
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)[1]
    assert "default-src 'none'" in policy
    assert f"connect-src ws://127.0.0.1:{server.port} ws://localhost:{server.port};" in policy
    assert "unsafe" not in policy
    assert response.headers["Content-Security-Policy"] == "frame-ancestors 'none'"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Server"] is None


def test_the_server_listens_on_this_machine_only(server):
    assert server.socket.getsockname()[0] == "127.0.0.1"
    names = {
        found[4][0] for found in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)
    }
    for name in names - {"127.0.0.1"}:
        if not name.startswith("127."):
            with pytest.raises(OSError, match="refused"):
                socket.create_connection((name, server.port), timeout=5)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{port}",
        "127.0.0.1",
        "127.0.0.1:1",
        "localhost.evil:{port}",
        "",
    ],
)
def test_a_forged_host_is_refused(server, host):
    response, text = get(server, Host=host.format(port=server.port))
    assert response.status == 403
    assert text.count("\n") == 1
    assert "<" not in text


def test_the_page_has_two_names(server):
    assert get(server, Host=f"localhost:{server.port}")[0].status == 200
    assert get(server, Host=f"LOCALHOST:{server.port}")[0].status == 200


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://127.0.0.1:{port}", "http://127.0.0.1"]
)
def test_a_forged_origin_is_refused(server, origin):
    origin = origin.format(port=server.port)
    assert get(server, Origin=origin)[0].status == 403
    with pytest.raises(InvalidStatus) as refused:
        PageClient(server, "forged-origin", Origin=origin)
    assert refused.value.response.status_code == 403


def test_a_socket_without_an_origin_is_refused(server):
    address = f"{server.url.replace('http', 'ws', 1)}socket?session=no-origin-1"
    from websockets.sync.client import connect

    with pytest.raises(InvalidStatus) as refused:
        connect(address, proxy=None).__enter__()
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/socket",
        "/{short}/",
        "/{long}/",
        "/{other}/",
        "//",
        "/%00/",
    ],
)
def test_without_the_secret_part_nothing_is_served(server, path):
    token = token_path(server).strip("/")
    path = path.format(short=token[:-1], long=token + "x", other=token.swapcase())
    assert get(server, path)[0].status == 403


def test_other_paths_and_methods_are_not_there(server):
    assert get(server, token_path(server) + "etc/passwd")[0].status == 404
    connection = http.client.HTTPConnection(HOST, server.port, timeout=30)
    with closing(connection):
        connection.request("POST", token_path(server), b"x")
        assert connection.getresponse().status == 405


@pytest.mark.parametrize("name", ["", "short", "a" * 65, "../../etc/passwd", "a b c d e f"])
def test_a_session_has_a_plain_name(server, name):
    with pytest.raises(InvalidStatus):
        PageClient(server, name)


@pytest.mark.parametrize("engine", WATCH_ENGINES)
def test_the_lines_are_run_by_every_engine(page, engine):
    if engine != "numpy" and find_spec("torch") is None:
        pytest.skip("torch is not installed")
    assert page.hello == {"hello": True, "fresh": True}
    started = page.ask("start", settings={**SMALL, "engine": engine})
    codes = [line["code"] for line in started["lines"]]
    expected = {"numpy": "h = x.dot(w1)", "custom": "h_relu = Rectifier.apply(h)"}
    assert expected.get(engine, "h = x.mm(w1)") in codes
    for _ in range(3):
        page.ask("move", unit="step", by=1)
    frame = page.ask("frame", variables=["w1", "h"], want=["matrices"])
    assert frame["iteration"] == 2
    rng = np.random.default_rng(0)
    x, y, w1, w2 = (rng.standard_normal(shape) for shape in ((5, 3), (5, 2), (3, 6), (6, 2)))
    losses = []
    for _ in range(3):
        h_relu = np.maximum(x @ w1, 0)
        difference = h_relu @ w2 - y
        losses.append(np.square(difference).sum())
        grad_w1 = x.T @ np.where(x @ w1 < 0, 0, 2 * difference @ w2.T)
        w1, w2 = w1 - 1e-3 * grad_w1, w2 - 1e-3 * h_relu.T @ (2 * difference)
    np.testing.assert_allclose(frame["losses"], losses, rtol=1e-10)
    np.testing.assert_allclose(frame["matrices"]["w1"]["values"], w1.ravel(), rtol=1e-6)


def test_a_refusal_is_an_answer_and_the_run_goes_on(page):
    page.ask("start", settings=SMALL)
    page.ask("move", unit="line", by=1)
    refused = page.ask("start", settings={**SMALL, "rows": 10**9})
    assert set(refused["refusal"]) == {"en", "zh"}
    assert "from 1 to 2000" in refused["refusal"]["en"]
    assert page.place() == 1


def test_frames_are_sent_when_asked_for_and_are_of_the_newest_state(page):
    page.ask("start", settings=SMALL)
    page.ask("go", speed={"unit": "step", "perSecond": 1000})
    with pytest.raises(TimeoutError):
        page.receive(0.5)  # nothing waits for a page that does not look
    before = page.place()
    time.sleep(0.2)
    after = page.place()
    assert after > before > 0
    page.ask("pause")
    place = page.place()
    time.sleep(0.1)
    assert page.place() == place


def test_a_lost_connection_goes_on_where_it_was(server):
    first = PageClient(server, "comes-back-1")
    first.ask("start", settings=SMALL)
    for _ in range(5):
        first.ask("move", unit="line", by=1)
    first.socket.socket.close()  # without a word
    again = PageClient(server, "comes-back-1", serial=10)
    assert again.hello == {"hello": True, "fresh": False}
    assert again.place() == 5
    again.ask("move", serial=6, unit="line", by=1)  # answered before, and asked again
    assert again.place() == 5
    again.ask("move", serial=20, unit="line", by=1)
    assert again.place() == 6
    again.close()


def test_a_run_waits_while_its_page_is_away(server):
    page = PageClient(server, "waits-for-me")
    page.ask("start", settings=SMALL)
    page.ask("go", speed={"unit": "line", "perSecond": 200})
    page.close()
    time.sleep(0.5)
    page = PageClient(server, "waits-for-me", serial=10)
    place = page.place()
    time.sleep(0.3)
    assert place < 100
    assert page.place() > place  # and runs on
    page.close()


def test_two_tabs_have_a_run_each(server):
    one, other = PageClient(server, "tab-one-1"), PageClient(server, "tab-two-2")
    one.ask("start", settings=SMALL)
    other.ask("start", settings={**SMALL, "rows": 7})
    one.ask("move", unit="step", by=1)
    assert (one.place() > 0, other.place()) == (True, 0)
    window = {"variable": "x", "row": 0, "column": 0, "rows": 9, "columns": 9}
    assert one.ask("cells", **window)["shape"] == [5, 3]
    assert other.ask("cells", **window)["shape"] == [7, 3]
    one.close()
    other.close()


def test_too_many_pages_are_told_so_and_one_that_was_left_makes_room():
    with running_server() as server:
        pages = [PageClient(server, f"many-pages-{k}") for k in range(MOST_SESSIONS)]
        late = PageClient(server, "one-too-many")
        assert str(MOST_SESSIONS) in late.hello["refusal"]["en"]
        with pytest.raises(ConnectionClosed) as closed:
            late.receive()
        assert closed.value.rcvd.code == 1013
        pages[3].close()
        until = time.monotonic() + 10
        while "refusal" in (late := PageClient(server, "one-too-many")).hello:
            assert time.monotonic() < until
            time.sleep(0.05)
        assert late.place() == 0
        for page in [*pages, late]:
            page.close()


def test_a_message_that_is_too_large_ends_the_connection_and_not_the_run(server):
    page = PageClient(server, "too-large-1")
    page.ask("start", settings=SMALL)
    page.ask("move", unit="line", by=1)
    with pytest.raises(ConnectionClosed) as closed:
        page.ask("start", settings=SMALL, own=np.zeros(7_000_000))
    assert closed.value.rcvd.code == 1009
    again = PageClient(server, "too-large-1", serial=10)
    assert again.place() == 1
    again.close()


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff" * 100, b"\x02\x00\x00\x00[]", encode_message({"kind": "move"}), "text"],
    ids=["nothing", "noise", "a list", "no serial", "text"],
)
def test_what_is_no_request_ends_the_connection_and_not_the_server(server, data):
    page = PageClient(server, "talks-rubbish")
    page.socket.send(data)
    with pytest.raises(ConnectionClosed):
        page.receive()
    again = PageClient(server, "talks-rubbish")
    again.ask("start", settings=SMALL)
    again.close()


def test_a_port_in_use_is_passed_over():
    with bind_port(0) as taken:
        port = taken.getsockname()[1]
        if port > 65000:
            pytest.skip("the last ports")
        with bind_port(port) as found:
            assert port < found.getsockname()[1] <= port + 50


def test_no_free_port_is_said(monkeypatch):
    monkeypatch.setattr("twolayer.watch.server.PORTS_TRIED", 1)
    with bind_port(0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"no port from {port} on is free .* --port"):
            bind_port(port)


@pytest.mark.skipif(os.name == "nt", reason="signals are other ones there")
def test_the_command_says_where_the_page_is_and_ctrl_c_ends_it():
    with bind_port(0) as taken:
        port = taken.getsockname()[1]
        command = [*MAIN, "watch", "--no-browser", "--port", str(port)]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        try:
            lines = [process.stdout.readline() for _ in range(3)]
            assert lines[0].startswith(f"Port {port} is in use; the page is on port ")
            url = re.search(r"http://127\.0\.0\.1:(\d+)/[\w-]{20,}/", lines[1])
            connection = http.client.HTTPConnection(HOST, int(url[1]), timeout=30)
            until = time.monotonic() + 30
            while True:
                try:
                    connection.request("GET", url[0].partition(url[1])[2])
                    break
                except OSError:
                    assert time.monotonic() < until
                    time.sleep(0.1)
            with closing(connection):
                assert connection.getresponse().read().startswith(b"<!DOCTYPE html>")
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
        finally:
            process.kill()
    assert (process.returncode, err) == (0, "")
    assert out.strip() == "The server has ended; the page shows what it last had."


@pytest.mark.parametrize("library", ["starlette", "uvicorn", "websockets"])
def test_without_the_extra_one_sentence_says_what_installs_it(monkeypatch, twolayer, library):
    real = checks.find_spec
    monkeypatch.setattr(checks, "find_spec", lambda name: None if name == library else real(name))
    code, out, err = twolayer("watch", "--no-browser")
    assert (code, out) == (2, "")
    assert err == (
        f"twolayer: the page's server needs {library}, which is not installed: pip install 'twolayer[watch]'\n"
    )


def test_the_pages_file_needs_no_server(tmp_path):
    code = f"""
import sys
sys.modules |= dict.fromkeys(["starlette", "uvicorn", "websockets"])
from twolayer.cli.main import main
main(["watch", "--out", {str(tmp_path / "page.html")!r}])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
