"""Statements that DuckDB's optimiser answers wrongly, and what is right: docs/duckdb-faults.md."""

import pytest


@pytest.fixture(scope="module")
def tables(server):
    """A few rows of times, one of them null, and two tables of numbers of which all pairs are ordered."""
    server.create("times", {"id": "long", "t": "timestamp_ntz", "z": "timestamp", "d": "date"})
    rows = [{"id": 1, "t": "2024-02-29T12:00:00", "z": "2024-02-29T12:00:00Z", "d": "2024-02-01"},
            {"id": 2, "t": "2024-02-29T12:30:00", "z": "2024-02-29T12:30:00Z", "d": "2024-02-29"}, {"id": 3}]
    assert server.append("times", rows).status_code == 200
    for table, ids in (("low", [1, 2]), ("high", [10, 11])):
        server.create(table, {"id": "long"})
        assert server.append(table, {"id": ids}).status_code == 200
    server.create("named", {"id": "long", "name": "string", "other": "long"})
    assert server.append("named", [{"id": 1, "name": "a", "other": -1}]).status_code == 200
    return server


def ids(server, sql):
    return sorted(id for id, in server.rows(sql))


@pytest.mark.parametrize("right", ["(SELECT id FROM local.high WHERE id % 10 = 7)", "(SELECT id FROM local.high WHERE id > 1000)"])
@pytest.mark.parametrize("operator", ["<", "<=", "<>", "IS DISTINCT FROM"])
def test_an_anti_join_keeps_all_rows_when_its_right_side_is_empty(tables, operator, right):
    assert ids(tables, f"SELECT l.id FROM local.low l ANTI JOIN {right} r ON l.id {operator} r.id") == [1, 2]
    assert ids(tables, f"SELECT l.id FROM local.low l ANTI JOIN local.high r ON l.id {operator} r.id") == []
    assert ids(tables, f"SELECT l.id FROM local.low l ANTI JOIN {right} r ON l.id {operator} r.id AND l.id <> r.id") == [1, 2]


@pytest.mark.parametrize("sql", [
    "SELECT min(l.name) FROM local.named l ANTI JOIN local.high h ON l.id = h.id JOIN local.times t ON l.other = t.id",
    "SELECT min(l.name) FROM local.named l ANTI JOIN local.high h ON l.id = h.id, local.times t WHERE l.other = t.id",
    "SELECT min(l.name) FROM local.named l JOIN local.times t ON l.other = t.id WHERE NOT EXISTS (FROM local.high h WHERE h.id = l.id)",
])
def test_a_join_without_matches_over_another_is_planned_without_bounds(tables, sql):
    assert tables.rows(sql) == [(None,)]


@pytest.mark.parametrize("condition, right", [
    ("date_trunc('hour', t) = TIMESTAMP '2024-02-29 12:00:00'", [True, True, None]),
    ("date_trunc('hour', t) = TIMESTAMP '2024-02-29 12:00:01'", [False, False, None]),
    ("TIMESTAMP '2024-02-29 12:00:01' <> date_trunc('hour', t)", [True, True, None]),
    ("date_trunc('hour', t) <> TIMESTAMP '2024-02-29 12:00:00'", [False, False, None]),
    ("datetrunc('minute', z) <> TIMESTAMPTZ '2024-02-29 12:00:00.5Z'", [True, True, None]),
    ("date_trunc('month', d) = DATE '2024-02-01'", [True, True, None]),
    ("date_trunc('month', d) = DATE '2024-02-29'", [False, False, None]),
    ("date_trunc('month', d) <> DATE '2024-02-29'", [True, True, None]),
    ("date_trunc('month', d) IS DISTINCT FROM DATE '2024-02-29'", [True, True, True]),
    ("date_trunc('hour', t) = NULL::TIMESTAMP", [None, None, None]),
    ("date_trunc('hour', t) <= TIMESTAMP 'infinity'", [True, True, None]),
    ("date_trunc('hour', t) BETWEEN TIMESTAMP '-infinity' AND TIMESTAMP '2024-02-29 12:00:00'", [True, True, None]),
])
def test_a_time_cut_to_a_unit_is_null_where_it_is_null(tables, condition, right):
    assert [value for value, in tables.rows(f"SELECT {condition} AS v FROM local.times ORDER BY id")] == right
    assert ids(tables, f"SELECT id FROM local.times WHERE {condition}") == [id for id, value in enumerate(right, 1) if value]
    assert ids(tables, f"SELECT id FROM local.times WHERE NOT ({condition})") == [id for id, value in enumerate(right, 1) if value is False]


@pytest.mark.parametrize("start", ["п", "ÿ", "\U0010ffff", "a\x7f"])
def test_like_takes_any_character_before_a_wildcard(server, start):
    """The last byte of these has no next one that is UTF-8."""
    table = f"like_{ord(start[-1])}"
    server.create(table, {"id": "long", "s": "string"})
    assert server.append(table, {"id": [1, 2, 3, 4], "s": [f"{start}ima", f"{start}im", "ima", None]}).status_code == 200
    for condition, right in ((f"s LIKE '{start}%a'", [1]), (f"s LIKE '{start}_ma'", [1]), (f"s LIKE '{start}%'", [1, 2]),
                             (f"s NOT LIKE '{start}%a'", [2, 3]), (f"s LIKE concat('{start}', '%a')", [1])):
        assert ids(server, f"SELECT id FROM local.{table} WHERE {condition}") == right, condition


@pytest.mark.parametrize("condition, right", [
    ("> ''", [1, 2]), ("<> 'never'", [1, 2]), ("< 'never'", [1, 2]), ("= 'never'", []), ("BETWEEN '2' AND '3'", [1, 2]),
    ("NOT IN ('never', 'ever')", [1, 2]), ("LIKE '%12:3%'", [2]), ("= '2024-02-29 12:00:00+00'", [1]), ("= '2024-02-29T12:00:00Z'", []),
])
def test_a_time_as_text_is_compared_as_text(tables, condition, right):
    assert ids(tables, f"SELECT id FROM local.times WHERE CAST(z AS VARCHAR) {condition}") == right
