"""The list of a store's tables."""

import pytest
import requests


@pytest.fixture
def server(start_server):
    server = start_server()
    for table in ("city", "city-2", "city_3", "sales.orders", "sales.returns", "zoo"):
        server.create(table, {"id": "long"})
    return server


def listed(server, **parameters):
    answer = requests.get(f"{server.api}/local", params=parameters, timeout=60)
    return answer.status_code, answer.json()


ALL = ["city", "city-2", "city_3", "sales.orders", "sales.returns", "zoo"]


def test_lists_all_tables_sorted(server):
    status, body = listed(server)
    assert status == 200 and body["tables"] == ALL and "next_page_token" not in body


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 10_000])
def test_pages_are_the_whole_in_pieces(server, limit):
    tables, token = [], ""
    while token is not None:
        status, body = listed(server, limit=limit, page_token=token)
        assert status == 200 and len(body["tables"]) <= limit
        tables += body["tables"]
        token = body.get("next_page_token")
    assert tables == ALL


@pytest.mark.parametrize("parameters", [{"limit": "0"}, {"limit": "x"}, {"limit": "10001"}, {"limit": "-1"}, {"pages": "1"}])
def test_refuses_what_is_no_page(server, parameters):
    status, body = listed(server, **parameters)
    assert status == 400 and body["reason"] in ("INVALID_PARAMETER", "UNKNOWN_PARAMETER")
