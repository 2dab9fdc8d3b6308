"""Raw requests: framing, limits, names, content types, keep-alive, clients that leave, graceful stop."""

import json
import os
import signal
import socket
import time

import pytest
import requests
from answers import raw, status

HOST = b"Host: 127.0.0.1\r\n"
FRAMING = {
    "length and coding": (HOST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400),
    "two lengths": (HOST + b"Content-Length: 5\r\nContent-Length: 6\r\n", 400),
    "length list": (HOST + b"Content-Length: 5, 6\r\n", 400), "signed": (HOST + b"Content-Length: +5\r\n", 400),
    "negative": (HOST + b"Content-Length: -1\r\n", 400), "hex": (HOST + b"Content-Length: 0x5\r\n", 400),
    "underscore": (HOST + b"Content-Length: 5_0\r\n", 400), "twenty digits": (HOST + b"Content-Length: 99999999999999999999\r\n", 400),
    "unknown coding": (HOST + b"Transfer-Encoding: xchunked\r\n", 501), "coding list": (HOST + b"Transfer-Encoding: chunked, identity\r\n", 400),
    "no host": (b"", 400), "two hosts": (HOST + HOST, 400), "bad host": (b"Host: a b\r\n", 400),
    "foreign host": (b"Host: evil.example\r\n", 421), "expectation": (HOST + b"Expect: 200-ok\r\n", 417),
}


@pytest.mark.parametrize("name", FRAMING)
def test_ambiguous_headers_get_one_refusal_and_a_close(server, name):
    lines, expected = FRAMING[name]
    smuggled = b"GET /health HTTP/1.1\r\n" + HOST + b"\r\n"
    answer = raw(server, b"POST /api/1.0/delta/local HTTP/1.1\r\n" + lines + b"Content-Type: application/json\r\n\r\n" + smuggled)
    assert status(answer) == expected
    assert answer.count(b"HTTP/1.1 ") == 1, "the smuggled request was answered"
    assert server.alive()


@pytest.mark.parametrize("chunk", [b"-2", b"0x5", b"1_0", b"FFFFFFFFFFFFFFFFF", b"", b"zz"])
def test_bad_chunk_sizes_are_refused(server, chunk):
    answer = raw(server, b"POST /api/1.0/delta/local HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
                 b"Transfer-Encoding: chunked\r\n\r\n" + chunk + b"\r\n{}\r\n0\r\n\r\n")
    assert status(answer) == 400
    assert server.alive()


REQUEST_LINES = {b"GET /health HTTP/3.0": (400, 505), b"GET /health HTTP/1.32": (400, 505), b"GET=\":<> / HTTP/1.1": (400,),
                 b"TRACE /health HTTP/1.1": (405,), b"CONNECT x:1 HTTP/1.1": (405,), b"DELETE /health HTTP/1.1": (405,)}


@pytest.mark.parametrize("line", REQUEST_LINES)
def test_odd_request_lines(server, line):
    assert status(raw(server, line + b"\r\n" + HOST + b"Connection: close\r\n\r\n")) in REQUEST_LINES[line]


def test_two_requests_in_one_packet_are_answered_in_order(server):
    one = b"GET /health HTTP/1.1\r\n" + HOST
    answer = raw(server, one + b"\r\n" + one + b"Connection: close\r\n\r\n")
    assert answer.count(b"Hey there!") == 2


def test_http_1_0_gets_a_whole_answer(server):
    server.create("old_client", {"id": "long"})
    server.append("old_client", {"id": list(range(50000))})
    answer = raw(server, b"GET /api/1.0/delta/local/old_client?query=SELECT+*+FROM+old_client HTTP/1.0\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"chunked" not in head.lower()
    assert f"Content-Length: {len(body)}".encode() in head
    assert sum(len(batch["id"]) for batch in json.loads(body)) == 50000


def test_continue_is_sent_before_the_body(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        connection.sendall(b"POST /api/1.0/sql HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\nContent-Length: 18\r\nExpect: 100-continue\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 100 Continue")
        connection.sendall(b'{"sql":"SELECT 1"}')
        assert b"200 OK" in connection.recv(1000)


def test_problems_have_their_shape_and_ids_are_echoed(server):
    answer = requests.get(f"{server.api}/nope", headers={"X-Request-Id": "mine-1"}, timeout=60)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["X-Request-Id"] == "mine-1"
    body = answer.json()
    assert (body["status"], body["code"], body["reason"], body["request_id"]) == (404, "NotFound", "STORE_NOT_FOUND", "mine-1")


@pytest.mark.parametrize("path", ["..%2f..%2fetc", "%2e%2e", "..;/x", "%252e%252e", "%c0%ae", "..%5c..", "a%00b", "a%0ab", "a%2Fb", "_delta_log",
                                  "a%252Fb", "%ED%A0%80", "a" * 256, "."])
def test_names_that_leave_the_store_are_refused(server, path):
    answer = raw(server, f"GET /api/1.0/delta/local/{path}/details HTTP/1.1\r\nConnection: close\r\n".encode() + HOST + b"\r\n")
    assert status(answer) == 400
    assert b"INVALID_NAME" in answer


def test_media_types(server):
    server.create("media", {"id": "long"})
    for kind in ("text/xml", "application/json; charset=utf-16", ""):
        answer = requests.post(f"{server.api}/local/media", data=b"{}", headers={"Content-Type": kind}, timeout=60)
        assert answer.status_code == 415, kind
    answer = requests.get(f"{server.api}/local/media", params={"query": "SELECT 1"}, headers={"Accept": "image/png"}, timeout=60)
    assert answer.status_code == 406


def test_body_limits_hold_to_the_byte(start_server):
    server = start_server(extra="limits: {json_body_bytes: 1000}\n")
    server.create("t", {"id": "long"})
    body = b'{"record_batch_dict": {"id": [1]}}'
    url, headers = f"{server.api}/local/t", {"Content-Type": "application/json"}
    for size, expected in ((1000, 200), (1001, 413)):
        text = body + b" " * (size - len(body))
        assert requests.post(url, data=text, headers=headers, timeout=60).status_code == expected
        assert requests.post(url, data=iter([text[:500], text[500:]]), headers=headers, timeout=60).status_code == expected
    assert server.rows("SELECT count(*) FROM t", "t") == [(2,)]


def test_header_limits(server):
    assert status(raw(server, b"GET /health HTTP/1.1\r\n" + HOST + b"A: b\r\n" * 100 + b"\r\n")) == 431
    assert status(raw(server, b"GET /health HTTP/1.1\r\n" + HOST + b"A: " + b"b" * 33000 + b"\r\n\r\n")) == 431
    assert status(raw(server, b"GET /" + b"a" * 66000 + b" HTTP/1.1\r\n" + HOST + b"\r\n")) == 414


SLOW = "SELECT count(*) FROM range(100000) a, range(100000) b, range(1000) c WHERE a.range + b.range + c.range = -1"


def post_sql(connection, sql):
    body = json.dumps({"sql": sql}).encode()
    connection.sendall(b"POST /api/1.0/sql HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def cpu_seconds(server):
    with open(f"/proc/{server.process.pid}/stat") as text:
        return sum(map(int, text.read().rpartition(")")[2].split()[11:13])) / os.sysconf("SC_CLK_TCK")


def start_slow(server, connection):
    """Returns when the server works at it."""
    begin = cpu_seconds(server)
    post_sql(connection, SLOW)
    wait_for(lambda: cpu_seconds(server) > begin + 0.2)


def wait_for(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_client_that_leaves_ends_its_query(start_server):
    server = start_server(extra="limits: {queries: 1, queries_queued: 4, queue_seconds: 30}\n")
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        start_slow(server, connection)
    assert server.query("SELECT 1").status_code == 200  # the only place is free again


def test_too_many_queries_are_refused_at_once(start_server):
    server = start_server(extra="limits: {queries: 1, queries_queued: 0}\n")
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        start_slow(server, connection)
        answer = server.query("SELECT 1")
        assert answer.status_code == 503
        assert answer.headers["Retry-After"]


def test_a_late_error_cuts_the_answer(server):
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        server.query("SELECT CASE WHEN i = 3000000 THEN 'x' ELSE '1' END::INT v FROM range(4000000) t(i)").json()
    assert server.alive()


def test_slow_readers_cost_bounded_memory(server):
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        post_sql(connection, "SELECT i, repeat('x', 100) FROM range(100000000) t(i)")
        connection.recv(1000)
        time.sleep(1)
        with open(f"/proc/{server.process.pid}/status") as lines:
            resident_kb = next(int(text.split()[1]) for text in lines if text.startswith("VmRSS"))
        assert resident_kb < 600_000
    assert server.alive()


def test_a_stop_lets_running_requests_finish(start_server):
    server = start_server()
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        post_sql(connection, "SELECT i FROM range(3000000) t(i)")
        received = connection.recv(1000)
        server.process.send_signal(signal.SIGTERM)
        while piece := connection.recv(1 << 20):
            received = received[-16:] + piece
        assert received.endswith(b"0\r\n\r\n")
    assert server.process.wait(timeout=20) == 0


def test_a_stop_closes_a_connection_whose_answer_it_met(start_server, lake):
    server = start_server(extra="limits: {stop_seconds: 300}\n")
    fields = [{"name": f"c{i}_" + "x" * 300, "type": "long", "nullable": True, "metadata": {}} for i in range(30_000)]
    actions = [{"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}},
               {"metaData": {"id": "wide", "format": {"provider": "parquet", "options": {}}, "partitionColumns": [], "configuration": {},
                             "schemaString": json.dumps({"type": "struct", "fields": fields})}}]
    (lake / "wide").write(f"_delta_log/{0:020}.json", "".join(json.dumps(action) + "\n" for action in actions).encode())
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        connection.sendall(b"GET /api/1.0/delta/local/wide/details HTTP/1.1\r\n" + HOST + b"\r\n")
        assert b"Connection: close" not in connection.recv(1000)  # no socket holds the rest: the server is still writing
        server.process.send_signal(signal.SIGTERM)
        wait_for(lambda: "stopping: running" in server.log_file.read_text())
        while connection.recv(1 << 20):
            pass
        assert server.process.wait(timeout=20) == 0


def test_a_second_stop_ends_at_once(start_server):
    server = start_server()
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        start_slow(server, connection)
        server.process.send_signal(signal.SIGTERM)
        wait_for(lambda: "stopping: running" in server.log_file.read_text())
        assert server.process.poll() is None
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=20) == 0
