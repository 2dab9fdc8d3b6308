"""Clients that want too much: they vanish, send without end, send slowly, ask for more than there is memory; and stops that must end the process."""

import contextlib
import json
import resource
import signal
import socket
import struct
import threading
import time

import pyarrow as pa
import pytest
import requests
from answers import raw, status
from deltalake import write_deltalake
from stopped_threads import busy_threads, reap, stop_thread

HOST = b"Host: 127.0.0.1\r\n"
HEALTH = b"GET /health HTTP/1.1\r\n" + HOST + b"\r\n"
SLOW = "SELECT count(*) FROM range(100000) a, range(100000) b, range(1000) c WHERE a.range + b.range + c.range = -1"


def memory_kb(server, key):
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(key))


def processor_seconds(server):
    with open(f"/proc/{server.process.pid}/schedstat", encoding="ascii") as text:
        own = int(text.read().split()[0])
    with open(f"/proc/{server.process.pid}/stat", encoding="ascii") as text:
        ticks = sum(map(int, text.read().rpartition(")")[2].split()[11:13]))
    return max(own / 1e9, ticks / 100)


def wait_for(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def post(sql):
    body = json.dumps({"sql": sql}).encode()
    return b"POST /api/1.0/sql HTTP/1.1\r\nContent-Type: application/json\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % len(body) + body


def get(sql):
    return b"GET /api/1.0/sql?sql=" + requests.utils.quote(sql).encode() + b" HTTP/1.1\r\n" + HOST + b"\r\n"


def connect(server):
    return socket.create_connection(("127.0.0.1", server.port), timeout=60)


def leave(connection, how):
    if how == "reset":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("more", [b"", b"G", b"x" * 30_000], ids=["", "a byte", "many bytes"])
@pytest.mark.parametrize("request_of", [get, post])
def test_a_client_that_leaves_ends_its_query(start_server, how, more, request_of):
    server = start_server(extra="limits: {queries: 1, queries_queued: 4, queue_seconds: 20}\n")
    connection = connect(server)
    begin = processor_seconds(server)
    connection.sendall(request_of(SLOW))
    wait_for(lambda: processor_seconds(server) > begin + 0.1)
    if more:
        connection.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            connection.send(more)
        time.sleep(0.3)
    leave(connection, how)
    assert server.query("SELECT 1").status_code == 200  # the only place is free again


def test_a_client_that_closes_its_side_gets_no_answer(start_server):
    server = start_server()
    with connect(server) as connection:
        begin = processor_seconds(server)
        connection.sendall(post(SLOW))
        wait_for(lambda: processor_seconds(server) > begin + 0.1)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1000) == b""
    assert " 499 " in server.log_file.read_text()


def test_a_request_that_comes_while_another_runs_is_answered_after_it(server):
    with connect(server) as connection:
        connection.sendall(post("SELECT count(*) FROM range(100000) a, range(3000) b WHERE a.range + b.range = -1"))
        time.sleep(0.3)
        connection.sendall(HEALTH[:10])
        time.sleep(0.3)
        connection.sendall(HEALTH[10:] + post("SELECT 42").replace(HOST, HOST + b"Connection: close\r\n"))
        received = b""
        while piece := connection.recv(65536):
            received += piece
    assert received.count(b"HTTP/1.1 200 OK") == 3
    assert received.index(b"[0]") < received.index(b"Hey there!") < received.index(b"[42]")


def chunked(table, trailers):
    return (b"POST /api/1.0/delta/local/" + table + b" HTTP/1.1\r\nContent-Type: application/json\r\nConnection: close\r\n" + HOST +
            b'Transfer-Encoding: chunked\r\n\r\n21\r\n{"record_batch_dict":{"id":[1]}}\n\r\n0\r\n' + trailers + b"\r\n")


TRAILERS = {"few": (b"A: b\r\n" * 50, 200), "many lines": (b"A: b\r\n" * 101, 431), "a long line": (b"A: " + b"b" * 33_000 + b"\r\n", 431),
            "bytes": (b"A: " + b"b" * 1000 + b"\r\n", 200), "many bytes": ((b"A: " + b"b" * 1000 + b"\r\n") * 33, 431), "no line": (b"A b\r\n", 400)}


@pytest.mark.parametrize("name", TRAILERS)
def test_trailers_have_the_limits_of_headers(server, name):
    server.create("trailers", {"id": "long"}, mode="ignore")
    lines, expected = TRAILERS[name]
    before = server.rows("SELECT count(*) FROM trailers", "trailers")[0][0]
    assert status(raw(server, chunked(b"trailers", lines))) == expected
    assert server.rows("SELECT count(*) FROM trailers", "trailers") == [(before + (expected == 200),)]


def test_trailers_without_end_take_no_memory(start_server):
    server = start_server()
    server.create("t", {"id": "long"})
    before = memory_kb(server, "VmHWM")
    with contextlib.suppress(ConnectionError):
        assert status(raw(server, chunked(b"t", b"A: bbbbbbbbbbbbbbbbbb\r\n" * 3_000_000))) == 431
    assert memory_kb(server, "VmHWM") < before + 20_000
    assert server.alive()


def arrow_body(rows):
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows)
    return sink.getvalue().to_pybytes()


def test_the_time_of_an_upload_is_not_the_querys(start_server):
    server = start_server(extra="limits: {query_seconds: 1}\n")
    server.create("t", {"id": "long"})
    body = arrow_body(pa.table({"id": pa.array(range(1000), pa.int64())}))

    def slowly():
        for i in range(4):
            yield body[i * len(body) // 4:(i + 1) * len(body) // 4]
            time.sleep(0.6)

    answer = requests.post(f"{server.api}/local/t", data=slowly(), headers={"Content-Type": "application/vnd.apache.arrow.stream"}, timeout=60)
    assert answer.status_code == 200, answer.text


@contextlib.contextmanager
def headroom(server, megabytes):
    """The server's address space may grow by so much."""
    pid = server.process.pid
    unlimited = resource.prlimit(pid, resource.RLIMIT_AS)
    resource.prlimit(pid, resource.RLIMIT_AS, ((memory_kb(server, "VmSize") << 10) + (megabytes << 20), unlimited[1]))
    yield
    resource.prlimit(pid, resource.RLIMIT_AS, unlimited)


@pytest.mark.parametrize("megabytes", [30, 60, 90, 120, 150, 200])
def test_too_little_memory_is_told_as_that(start_server, megabytes):
    server = start_server()
    server.create("t", {"id": "long"})
    assert server.append("t", {"id": [1]}).status_code == 200
    body = b'{"record_batch_dict": {"id": [' + b",".join(b"1" for _ in range(20_000_000)) + b"]}}"
    with headroom(server, megabytes):
        for _ in range(3):
            answer = requests.post(f"{server.api}/local/t", data=body, headers={"Content-Type": "application/json"}, timeout=120)
            assert answer.status_code == 503, answer.text[:1000]
            problem = answer.json()
            assert problem["reason"] in ("OUT_OF_MEMORY", "QUERY_MEMORY") and problem["retryable"] is True, problem
        assert requests.get(f"{server.url}/health", timeout=60).status_code == 200
    assert server.rows("SELECT count(*) FROM t", "t") == [(1,)]
    assert server.stop() == 0


def test_an_answer_that_needs_too_much_memory_ends_itself_alone(start_server):
    server = start_server()
    assert server.rows("SELECT 1 AS x") == [(1,)]
    for megabytes in (100, 200, 300, 400):
        with headroom(server, megabytes):
            # One value of which every byte becomes six.
            answer = None
            with contextlib.suppress(requests.exceptions.ChunkedEncodingError):
                answer = server.query("SELECT repeat(chr(1), 60000000) AS x")
            assert answer is None or answer.status_code in (200, 503)
            assert server.process.poll() is None
        assert server.rows("SELECT 41 + 1 AS x") == [(42,)]
    assert server.stop() == 0


@contextlib.contextmanager
def stuck(server):
    """A query whose threads look at nothing any more. Gives how to wait for the end of the process."""
    with connect(server) as connection:
        connection.sendall(post(SLOW))
        wait_for(lambda: busy_threads(server.process))
        threads = busy_threads(server.process)
        for thread in threads:
            stop_thread(thread)

        def wait_for_end(seconds):
            wait_for(lambda: reap(threads) or server.process.poll() is not None, seconds)
            return server.process.returncode

        try:
            yield wait_for_end
        finally:
            server.process.kill()
            wait_for_end(20)


def test_a_second_stop_ends_even_what_is_stuck(start_server):
    server = start_server(extra="limits: {stop_seconds: 300}\n")
    with stuck(server) as wait_for_end:
        server.process.send_signal(signal.SIGTERM)
        wait_for(lambda: "stopping: running" in server.log_file.read_text())
        with pytest.raises(AssertionError):
            wait_for_end(2)
        server.process.send_signal(signal.SIGINT)
        assert wait_for_end(20) == 1
    assert "by force" in server.log_file.read_text()


def test_a_stop_that_takes_too_long_ends_even_what_is_stuck(start_server):
    server = start_server(extra="limits: {stop_seconds: 1}\n")
    with stuck(server) as wait_for_end:
        server.process.send_signal(signal.SIGTERM)
        assert wait_for_end(20) == 1
    assert "by force" in server.log_file.read_text()


def test_a_hang_up_is_a_stop(start_server):
    server = start_server()
    assert server.stop(signal.SIGHUP) == 0
    assert "stopping: running" in server.log_file.read_text()


def test_a_client_writes_no_lines_and_no_terminal_codes_into_the_log(start_server):
    server = start_server()
    fake = "2026-11-30T00:00:00.000Z warning FAKE"
    sql = f"SELECT CASE WHEN i = 3000000 THEN error('a' || chr(13) || chr(10) || '{fake}' || chr(27) || '[31m' || repeat('y', 5000000)) END FROM range(4000000) t(i)"
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        server.query(sql).json()
    raw(server, b"GET /\xc2\x9b\xff HTTP/1.1\r\nConnection: close\r\n" + HOST + b"\r\n")
    log = server.log_file.read_bytes()
    assert fake.encode() not in log.split(b"\r") + log.split(b"\n") and not any(byte in log for byte in (b"\x1b", b"\r", b"\xff", b"\xc2\x9b"))
    assert len(log) < 100_000


def test_an_error_is_short_however_long_its_message_is(server):
    answer = server.query("SELECT error(repeat('x', 50000000))")
    assert answer.status_code == 400 and len(answer.content) < 20_000


SPILL = "SELECT i, md5(i::VARCHAR) AS m FROM range(3000000) t(i) ORDER BY m"


def test_what_a_killed_server_has_spilled_is_removed_by_the_next(start_server, tmp_path, monkeypatch):
    spills = tmp_path / "spills"
    spills.mkdir()
    monkeypatch.setenv("TMPDIR", str(spills))
    extra = "limits: {memory_bytes: 67108864}\n"
    killed = start_server(extra=extra, name="killed")
    running = start_server(extra=extra, name="running")
    with connect(killed) as connection:
        connection.sendall(post(SPILL))
        connection.recv(1000)
        files = [file for file in spills.rglob("*") if file.is_file() and file.stat().st_size > 1 << 20]
        assert files, "nothing was spilled"
        killed.stop(signal.SIGKILL)
    assert all(file.exists() for file in files)
    last = start_server(extra=extra, name="last")
    assert not any(file.exists() for file in files)
    assert len(list(spills.iterdir())) == 2  # of those that run
    assert last.stop() == 0 and running.stop() == 0
    assert not list(spills.iterdir())


@pytest.fixture(scope="module")
def long_strings(tmp_path_factory):
    """1 GB of rows in few bytes on disk."""
    folder = tmp_path_factory.mktemp("long") / "lake"
    schema = pa.schema([("id", pa.int64()), ("s", pa.string())])
    batches = (pa.record_batch({"id": pa.array(range(i, i + 500), pa.int64()), "s": pa.array([f"{k:08}" + "x" * 49_992 for k in range(i, i + 500)])})
               for i in range(0, 20_000, 500))
    write_deltalake(str(folder / "long"), pa.RecordBatchReader.from_batches(schema, batches))
    return folder


@pytest.mark.parametrize("accept", ["application/json", "application/vnd.apache.arrow.stream"])
@pytest.mark.parametrize("limits", ["", "limits: {memory_bytes: 536870912}\n"], ids=["", "512 MiB"])
def test_long_strings_take_bounded_memory(start_server, long_strings, accept, limits):
    server = start_server({"local": long_strings}, extra=limits)
    size = 0
    with requests.post(f"{server.url}/api/1.0/sql", json={"sql": "SELECT s FROM local.long"}, headers={"Accept": accept}, stream=True, timeout=120) as answer:
        assert answer.status_code == 200, answer.text
        time.sleep(2)  # a reader that stalls
        for piece in answer.iter_content(1 << 20):
            size += len(piece)
    assert size > 1_000_000_000
    assert memory_kb(server, "VmHWM") < 700_000
