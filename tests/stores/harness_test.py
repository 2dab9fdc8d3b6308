"""The stub and the proxy do what the other tests rely on."""

import http.client
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import obstore
import pytest
from fault_proxy import FaultProxy
from obstore.exceptions import AlreadyExistsError, PreconditionError
from places import on

BODY = bytes(range(256)) * 4000  # about 1 MB
KEYS = ["a b", "50%", "%2F", "a#b", "a?b", "a+b", "żółw", "a&b=c", "<x>", "x\"y'"]


def listed(client, **options):
    return [meta["path"] for page in client.list(**options) for meta in page]


@on("gcs", "moto", "azurite", "seaweedfs")
def test_objects(place):
    client = place.client()
    for key in KEYS:
        client.put(f"keys/{key}", key.encode(), mode="create")
        with pytest.raises(AlreadyExistsError):
            client.put(f"keys/{key}", b"other", mode="create")
        assert bytes(client.get(f"keys/{key}").bytes()) == key.encode()
    assert sorted(listed(client)) == sorted(f"keys/{key}" for key in KEYS)
    client.put("big", BODY)
    assert bytes(client.get_range("big", start=1000, length=10)) == BODY[1000:1010]
    assert bytes(client.get_range("big", start=len(BODY) - 5, length=5)) == BODY[-5:]
    assert client.head("big")["size"] == len(BODY)
    with pytest.raises(FileNotFoundError):
        client.get("absent")
    client.copy("big", "copy")
    assert bytes(client.get("copy").bytes()) == BODY
    client.delete(["big", "copy"])
    assert sorted(listed(client)) == sorted(f"keys/{key}" for key in KEYS)


@on("gcs", "moto", "azurite", "seaweedfs")
def test_generations_and_parts(place):
    client = place.client()
    first = {name: value for name, value in client.put("x", b"1").items() if value}
    client.put("x", b"2")
    with pytest.raises(PreconditionError):
        client.put("x", b"3", mode=first)
    parts = BODY * 12
    client.put("parts", parts, use_multipart=True, chunk_size=5 << 20, max_concurrency=3)
    assert bytes(client.get("parts").bytes()) == parts


@on("gcs", "moto")
def test_lists_have_pages(place):
    client = place.client()
    names = [f"d{number % 7}/f{number:05}" for number in range(2500)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: client.put(name, b""), names))
    assert listed(client) == sorted(names)
    assert listed(client, offset="d3/f01") == sorted(name for name in names if name > "d3/f01")
    level = client.list_with_delimiter()
    assert (sorted(level["common_prefixes"]), level["objects"]) == ([f"d{number}" for number in range(7)], [])
    level = client.list_with_delimiter("d3")
    assert len(level["objects"]) == 357


def get(proxy, place, key="x", headers=None):
    request = urllib.request.Request(f"{proxy.endpoint}/{place.url.partition('//')[2]}/{key}", headers=headers or {})
    with urllib.request.urlopen(request, timeout=5) as answer:
        return answer.status, dict(answer.headers), answer.read()


@pytest.fixture
def filled(place):
    place.write("x", BODY)
    return place


@on("gcs")
def test_the_proxy_passes_on_and_counts(filled, proxy):
    client = obstore.store.from_url(filled.url, config=proxy.through({"google_service_account_key": filled.options["GOOGLE_SERVICE_ACCOUNT_KEY"]}),
                                    client_options={"allow_http": True})
    assert bytes(client.get("x").bytes()) == BODY
    client.put("y z", BODY * 20, use_multipart=False)
    assert filled.read("y z") == BODY * 20
    assert [(each["method"], each["path"].rpartition("/")[2], each["status"]) for each in proxy.requests()] == [("GET", "x", 200), ("PUT", "y z", 200)]
    proxy.forget()
    assert proxy.requests() == []


@on("gcs")
def test_a_delay_does_not_put_requests_in_a_row(filled, proxy):
    proxy.set_latency(0.2)
    started = time.monotonic()
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda _: get(proxy, filled), range(20)))
    assert 0.2 <= time.monotonic() - started < 2


@on("gcs")
def test_faults_happen_as_asked(filled, proxy):
    proxy.inject("status", path="/x$", status=429, headers={"Retry-After": "3"}, body="slow down", skip=1, times=2, applied=False)
    assert get(proxy, filled)[0] == 200
    for _ in range(2):
        with pytest.raises(urllib.error.HTTPError) as refused:
            get(proxy, filled)
        assert (refused.value.code, refused.value.headers["Retry-After"], refused.value.read()) == (429, "3", b"slow down")
    assert get(proxy, filled)[0] == 200
    assert [each["fault"] for each in proxy.requests()] == [None, "429", "429", None]
    assert [each["status"] for each in proxy.requests()] == [200, None, None, 200]


@on("gcs")
def test_answers_are_lost_cut_and_false(filled, proxy):
    wanted = {"Range": "bytes=100-199"}
    expected = {
        "whole_for_range": (200, None, BODY), "short_range": (206, f"bytes 100-199/{len(BODY)}", BODY[100:150]),
        "shifted_range": (206, f"bytes 101-200/{len(BODY)}", BODY[101:201]), "wrong_range": (206, f"bytes 100-199/{len(BODY)}", BODY[:100])}
    for kind, (status, content_range, body) in expected.items():
        proxy.inject(kind, path="/x$", times=1)
        found = get(proxy, filled, headers=wanted)
        assert (found[0], found[1].get("Content-Range"), found[2]) == (status, content_range, body), kind
    for kind in ("reset", "truncate"):
        proxy.inject(kind, path="/x$", times=1)
        with pytest.raises((OSError, http.client.HTTPException)):
            get(proxy, filled)
    proxy.inject("hang", path="/x$", times=1)
    with pytest.raises(OSError):
        get(proxy, filled)
    assert get(proxy, filled)[2] == BODY
    assert all(each["status"] in (200, 206) for each in proxy.requests())


@on("gcs")
def test_chances_are_those_of_the_seed(filled):
    seen = []
    for _ in range(2):
        with FaultProxy(filled.endpoint, seed=5) as proxy:
            proxy.inject("status", status=503, chance=0.3)
            for _ in range(100):
                try:
                    get(proxy, filled)
                except urllib.error.HTTPError:
                    pass
            seen.append([each["fault"] for each in proxy.requests()])
    assert seen[0] == seen[1]
    assert 15 < seen[0].count("503") < 50
