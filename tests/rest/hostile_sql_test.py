"""Statements that ended the server, or held it for good: each is refused in words, and the server lives on."""

import time

import pytest
import requests

DEEP_OBJECT = "repeat('{\"a\":', 20000) || '1' || repeat('}', 20000)"
DEEP_STRUCTURE = "repeat('{\"a\":', 20000) || '\"INT\"' || repeat('}', 20000)"
DEEP_LIST = "repeat('[', 200000) || repeat(']', 200000)"

ENDED_THE_PROCESS = [
    "SELECT DISTINCT v FROM (SELECT {'a': [1, 2]}::VARIANT v FROM range(3000))",
    "SELECT count(*) FROM (SELECT {'a': [1, 2]}::VARIANT v FROM range(3000)) GROUP BY v",
    "SELECT v FROM (SELECT {'a': [1, 2]}::VARIANT v FROM range(3000)) ORDER BY v LIMIT 1",
    "SELECT variant_normalize(v) FROM (SELECT {'a': [1, 2]}::VARIANT v FROM range(3000))",
    "SELECT DISTINCT from_json('{\"a\": 1}', '{\"a\": \"VARIANT\"}') FROM range(3000)",
    "SELECT reservoir_quantile(id::TINYINT, 'nan'::DOUBLE) FROM t GROUP BY id % 3",
    "SELECT reservoir_quantile(i::TINYINT, 'nan'::DOUBLE) OVER () FROM range(100) t(i)",
    "SELECT list_aggregate([1, 2, 3]::TINYINT[], 'reservoir' || '_quantile', 'nan'::DOUBLE)",
    "SELECT reservoir_quantile(1::DECIMAL(38, 0), []) FROM range(3000)",
    "SELECT reservoir_quantile(i, 0.5, 2147483647) FROM range(300000) t(i) GROUP BY i",
    f"SELECT json_structure({DEEP_OBJECT})",
    f"SELECT json_structure({DEEP_OBJECT} || repeat(' ', id)) FROM t",
    f"SELECT json_group_structure(({DEEP_OBJECT})::JSON) FROM t",
    f"SELECT json_transform('{{}}', {DEEP_STRUCTURE})",
    f"SELECT from_json('{{}}', {DEEP_STRUCTURE})",
    f"SELECT ({DEEP_LIST})::JSON::VARIANT",
    f"SELECT json_merge_patch('{{}}', {DEEP_OBJECT})",
    f"SELECT json_contains({DEEP_LIST}, {DEEP_LIST})",
]

HELD_A_THREAD = [
    "SELECT levenshtein(repeat('a', 3000000), repeat('b', 3000000))",
    "SELECT repeat('a', 20000) GLOB repeat('*a', 30) || 'b'",
    "SELECT lpad('a', 2147483647, 'bc')",
    "SELECT bitstring('1', 2147483647)",
    "SELECT equi_width_bins(-2147483648, 2147483647, 1000000, false)",
    "SELECT printf('%1000000000d', 1)",
    "SELECT count(*) FROM (SELECT unnest(range(100000000)))",
    "SELECT regexp_matches('x', '" + "|".join(f"(a{{0,900}})b{i}" for i in range(300)) + "')",
    "SELECT repeat('9', 300000)::BIGNUM + 1",
    "SELECT 1" + ", 1" * 100000,
    "SELECT count(*) FROM t t0" + "".join(f" JOIN t t{i} ON t{i}.id = t{i - 1}.id" for i in range(1, 100)),
    "WITH c0 AS (SELECT id FROM t)" + "".join(f", c{i} AS NOT MATERIALIZED (SELECT a.id FROM c{i - 1} a JOIN c{i - 1} b USING (id))"
                                              for i in range(1, 41)) + " SELECT count(*) FROM c40",
]


@pytest.fixture(scope="module", autouse=True)
def table(server):
    server.create("t", {"id": "long"})
    assert server.append("t", {"id": [1, 2, 3]}).status_code == 200


@pytest.mark.parametrize("sql", ENDED_THE_PROCESS)
def test_what_ended_the_process_is_refused(server, sql):
    answer = server.query(sql.replace("FROM t", "FROM local.t"))
    assert answer.json()["reason"] in ("SQL_NOT_ALLOWED", "FUNCTION_LIMIT"), answer.text
    assert answer.status_code in (400, 403)
    assert server.alive()
    assert server.rows("SELECT count(*) FROM local.t") == [(3,)]


@pytest.mark.parametrize("sql", HELD_A_THREAD, ids=lambda sql: sql[:40])
def test_what_held_a_thread_is_refused(server, sql):
    begin = time.monotonic()
    answer = server.query(sql.replace("FROM t", "FROM local.t").replace("JOIN t ", "JOIN local.t "))
    assert answer.json()["reason"] in ("SQL_NOT_ALLOWED", "FUNCTION_LIMIT", "STATEMENT_TOO_LARGE"), answer.text
    assert answer.status_code in (400, 403)
    assert time.monotonic() - begin < 20
    assert server.alive()


def test_a_condition_is_bounded_as_a_query_is(server):
    server.create("p", {"k": "string", "v": "long"}, partition_columns=["k"])
    assert server.append("p", {"k": ["a"], "v": [1]}).status_code == 200
    for condition in ("levenshtein(repeat(k, 3000000), repeat('y', 3000000)) > 0", "k::VARIANT = 'a'", "from_json('1', '\"VARIANT\"') IS NULL",
                      f"json_contains({DEEP_LIST}, k)"):
        answer = requests.put(f"{server.api}/local/p", params={"replace_where": condition},
                              json={"record_batch_list": [{"k": "a", "v": 2}]}, timeout=60)
        assert answer.json()["reason"] in ("SQL_NOT_ALLOWED", "FUNCTION_LIMIT"), answer.text
    assert server.rows("SELECT v FROM local.p") == [(1,)]


# What analysts use every day, by functions that have bounds.
def test_bounded_functions_answer_as_before(server):
    assert server.rows("SELECT levenshtein('kitten', 'sitting'), lpad('7', 3, '0'), printf('%05.1f', 2.25), repeat('ab', 2), "
                       "json_structure('{\"a\": [1]}'), from_json('{\"a\": 1}', '{\"a\": \"INT\"}').a, regexp_extract('a-12', '(\\d+)', 1), "
                       "'abc' LIKE '_b%', concat_ws('-', 'a', 'b'), len(range(10)), string_split('a,b', ',')[2]") == [
        (3, "007", "002.2", "abab", '{"a":["UBIGINT"]}', 1, "12", True, "a-b", 10, "b")]
