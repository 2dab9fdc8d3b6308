"""Kept results: given again while their tables are unchanged, never when anything changed or the statement may vary."""

import random
import shutil
import time
from pathlib import Path

import pytest
import requests
from places import place_for

SCHEMA = {"id": "long", "name": "string"}


def is_hit(answer):
    assert answer.status_code == 200, answer.text
    return answer.headers.get("Cache-Status") == "yummy-delta; hit"


def ask(server, sql, table=None, **parameters):
    """The rows, and whether they were kept."""
    answer = server.query(sql, table, **parameters)
    columns = {}
    hit = is_hit(answer)
    for batch in answer.json():
        for name, values in batch.items():
            columns.setdefault(name, []).extend(values)
    return list(zip(*columns.values())), hit


def filled(server, name, rows=({"id": 1, "name": "a"}, {"id": 2, "name": "b"})):
    server.create(name, SCHEMA)
    answer = server.append(name, list(rows))
    assert answer.status_code == 200, answer.text
    return name


def settled(table):
    """A table's folder on local disk, when the server has written the checksum of its last version, which comes after the answer."""
    newest = max((table / "_delta_log").glob("*.json"))
    deadline = time.monotonic() + 30
    while not newest.with_suffix(".crc").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return table


def drop(table):
    shutil.rmtree(settled(table))


@pytest.fixture(scope="module")
def asked(server):
    return filled(server, "asked")


def test_the_second_answer_is_kept_and_equal(server):
    table = filled(server, "twice")
    for sql in (f"SELECT * FROM {table} ORDER BY id", f"SELECT count(*) AS n FROM {table}", f"SELECT * FROM {table} WHERE id = 7",
                f"SELECT {table}.name AS x FROM {table}, range(3) ORDER BY ALL", f"DESCRIBE {table}", f"SUMMARIZE {table}"):
        first, hit = ask(server, sql, table)
        assert not hit, sql
        again, hit = ask(server, sql, table)
        assert hit and again == first, sql


def test_every_format_comes_from_one_kept_result(server):
    table = filled(server, "formats")
    sql = f"SELECT * FROM {table} ORDER BY id"
    plain = server.query(sql, table)
    arrow = server.query(sql, table, format="arrow")
    braceless = server.query(sql, table, braces="false")
    assert not is_hit(plain) and is_hit(arrow) and is_hit(braceless)
    assert plain.text == "[" + braceless.text + "]"
    import pyarrow as pa
    assert pa.ipc.open_stream(arrow.content).read_all().to_pydict() == {"id": [1, 2], "name": ["a", "b"]}


def test_a_read_after_an_acknowledged_write_sees_it(server):
    table = filled(server, "fresh")
    sql = f"SELECT count(*) AS n, max(id) AS m FROM {table}"
    for number in range(3, 40):
        assert server.append(table, [{"id": number, "name": "x"}]).status_code == 200
        for on in (table, None):
            statement = sql if on else sql.replace(f"FROM {table}", f"FROM local.{table}")
            assert ask(server, statement, on)[0] == [(number, number)]
            assert ask(server, statement, on) == ([(number, number)], True)


def test_overwrite_and_another_schema_are_seen(server):
    table = filled(server, "changing")
    sql = f"SELECT * FROM {table} ORDER BY 1"
    assert ask(server, sql, table)[0] == [(1, "a"), (2, "b")] and ask(server, sql, table)[1]
    answer = requests.put(f"{server.api}/local/{table}", json={"record_batch_list": [{"id": 9, "name": "z"}]}, timeout=60)
    assert answer.status_code == 200
    assert ask(server, sql, table) == ([(9, "z")], False)
    assert ask(server, sql, table) == ([(9, "z")], True)
    server.create(table, {"day": "date"}, mode="overwrite")
    assert ask(server, f"DESCRIBE {table}", table)[0][0][:2] == ("day", "DATE")
    assert ask(server, sql, table) == ([], False)
    assert server.append(table, [{"day": "2026-11-25"}]).status_code == 200
    assert ask(server, sql, table) == ([("2026-11-25",)], False)


def test_a_table_made_anew_with_the_same_version_is_another_table(server):
    table = filled(server, "anew")
    sql = f"SELECT * FROM {table} ORDER BY id"
    assert ask(server, sql, table)[0] == [(1, "a"), (2, "b")] and ask(server, sql, table)[1]
    drop(server.stores["local"] / table)
    assert server.query(sql, table).status_code == 404
    filled(server, table, [{"id": 5, "name": "e"}])
    assert ask(server, sql, table) == ([(5, "e")], False)
    # In one step, as a restore from a copy would be.
    shutil.copytree(settled(server.stores["local"] / table), server.folder / "copy")
    assert ask(server, sql, table)[1]
    answer = requests.put(f"{server.api}/local/{table}", json={"record_batch_list": [{"id": 6, "name": "f"}]}, timeout=60)
    assert answer.status_code == 200 and ask(server, sql, table) == ([(6, "f")], False)
    drop(server.stores["local"] / table)
    shutil.copytree(server.folder / "copy", server.stores["local"] / table)
    assert ask(server, sql, table) == ([(5, "e")], False)


def test_time_travel_has_its_own_results(server):
    table = filled(server, "travel")
    sql = f"SELECT count(*) AS n FROM {table}"
    assert server.append(table, [{"id": 3, "name": "c"}]).status_code == 200
    for _ in range(2):
        answers = {version: ask(server, sql, table, tableVersion=version) for version in (0, 1, 2)}
        assert [rows for rows, _ in answers.values()] == [[(0,)], [(2,)], [(3,)]]
        assert ask(server, sql, table)[0] == [(3,)]
    assert [hit for _, hit in answers.values()] == [True] * 3
    assert server.append(table, [{"id": 4, "name": "d"}]).status_code == 200
    assert ask(server, sql, table) == ([(4,)], False)
    assert ask(server, sql, table, tableVersion=1) == ([(2,)], True)
    assert ask(server, sql, table, tableDate="2100-01-01") == ([(4,)], True)


def test_each_of_the_tables_counts(server):
    left, right = filled(server, "pair_left"), filled(server, "pair_right")
    sql = f"SELECT count(*) AS n FROM {left} JOIN {right} USING (id)"
    assert ask(server, sql, left)[0] == [(2,)] and ask(server, sql, left) == ([(2,)], True)
    for number, table in ((3, left), (3, right)):
        assert server.append(table, [{"id": number, "name": "x"}]).status_code == 200
        rows, hit = ask(server, sql, left)
        assert rows == [(3,) if table == right else (2,)] and not hit
    # One that it does not read does not count.
    other = filled(server, "pair_other")
    assert ask(server, sql, left)[1]
    assert server.append(other, [{"id": 3, "name": "x"}]).status_code == 200
    assert ask(server, sql, left)[1]


def test_a_name_that_gets_another_meaning_is_seen(server):
    filled(server, "shadow", [{"id": 1, "name": "lower"}])
    sql = "SELECT name FROM local.SHADOW"
    assert ask(server, sql)[0] == [("lower",)] and ask(server, sql)[1]
    filled(server, "elsewhere", [{"id": 1, "name": "upper"}])
    settled(server.stores["local"] / "elsewhere").rename(server.stores["local"] / "SHADOW")
    assert ask(server, sql) == ([("upper",)], False)


def test_parameters_are_told_apart_by_value_and_type(server):
    table = filled(server, "parameters")

    def answer(**body):
        return requests.post(f"{server.url}/api/1.0/sql", json=body, timeout=60)

    values = [1, "1", 1.0, True, None, "a", 2, 1.5]
    sql = "SELECT $1 AS v, typeof($1) AS t"
    first = [answer(sql=sql, parameters=[value]) for value in values]
    again = [answer(sql=sql, parameters=[value]) for value in values]
    assert not any(map(is_hit, first)) and all(map(is_hit, again))
    assert [one.json() for one in first] == [one.json() for one in again]
    named = f"SELECT name FROM local.{table} WHERE id = $id AND name = $name"
    for id, name, rows in ((1, "a", [("a")]), (2, "b", ["b"]), (1, "b", None), (1, "a", ["a"])):
        body = answer(sql=named, parameters={"id": id, "name": name}).json()
        assert (body[0]["name"] if body else None) == rows


def test_equal_text_in_another_store_is_another_question(test_store, tmp_path, start_server):
    server = start_server({store: place_for(test_store, tmp_path / store) for store in ("one", "two")})
    for store in ("one", "two"):
        server.create("t", SCHEMA, store=store)
        assert server.append("t", [{"id": 1, "name": store}], store=store).status_code == 200
    for _ in range(2):
        for store in ("one", "two"):
            assert server.query("SELECT name FROM t", "t", store=store).json() == [{"name": [store]}]


@pytest.mark.parametrize("expression", ["random()", "uuid()", "now()", "current_timestamp", "age(DATE '2020-01-01'::TIMESTAMP)",
                                        "get_current_timestamp()", "localtimestamp", "(SELECT max(now()) FROM asked)"])
def test_what_may_vary_is_asked_anew(server, asked, expression):
    sql = f"SELECT {expression}::VARCHAR AS v FROM {asked} LIMIT 1"
    seen = set()
    for _ in range(5):
        rows, hit = ask(server, sql, asked)
        assert not hit
        seen.add(rows[0])
    if not expression.startswith("age"):  # counts whole days
        assert len(seen) == 5


@pytest.mark.parametrize("sql", ["SELECT * FROM asked AT (VERSION => 1)", "SELECT * FROM asked AT (TIMESTAMP => '2100-01-01')",
                                 "SHOW TABLES", "EXPLAIN SELECT * FROM asked", "SELECT * FROM asked USING SAMPLE 1"])
def test_versions_lists_plans_and_samples_are_asked_anew(server, asked, sql):
    assert [is_hit(server.query(sql, asked)) for _ in range(3)] == [False] * 3


def test_errors_and_long_results_are_not_kept(server):
    table = filled(server, "long")
    for sql, status in ((f"SELECT no FROM {table}", 400), (f"SELECT name::INT FROM {table}", 400), ("SELECT * FROM local.none", 404)):
        assert [server.query(sql, table).status_code for _ in range(2)] == [status] * 2
    sql = "SELECT i, i::VARCHAR AS t FROM range(200000) r(i)"
    assert not is_hit(server.query(sql, table)) and not is_hit(server.query(sql, table))


def test_nothing_is_kept_when_it_is_switched_off(start_server):
    server = start_server(extra="limits: {result_cache_bytes: 0}\n")
    table = filled(server, "off")
    assert [is_hit(server.query(f"SELECT * FROM {table}", table)) for _ in range(3)] == [False] * 3


@pytest.mark.parametrize("seed", [random.randrange(1 << 30)])
def test_two_servers_on_one_store_agree_with_one_that_keeps_nothing(lake, start_server, seed):
    """Writes go to any server; each then answers random questions as the one without a cache does."""
    print("seed", seed)
    chance = random.Random(seed)
    keeping = [start_server(name=f"keeping{i}") for i in range(2)]
    plain = start_server(extra="limits: {result_cache_bytes: 0}\n", name="plain")
    tables = ["a", "b"]
    for table in tables:
        keeping[0].create(table, SCHEMA)
    questions = ["SELECT count(*) AS n, sum(id) AS s FROM {0}", "SELECT * FROM {0} ORDER BY ALL", "SELECT max(name) AS m FROM {1}",
                 "SELECT count(*) AS n FROM {0} JOIN {1} USING (id)", "SELECT * FROM {0} WHERE id = 3 ORDER BY ALL", "DESCRIBE {1}",
                 "WITH a AS (SELECT 1 AS one) SELECT count(*) AS n FROM a, {1}"]
    hits = 0
    for step in range(60):
        table = chance.choice(tables)
        writer = chance.choice(keeping + [plain])
        rows = [{"id": chance.randrange(6), "name": chance.choice("xyz")} for _ in range(chance.randrange(1, 4))]
        action = chance.random()
        if action < 0.3:
            assert writer.append(table, rows).status_code == 200
        elif action < 0.4:
            answer = requests.put(f"{writer.api}/local/{table}", json={"record_batch_list": rows}, timeout=60)
            assert answer.status_code == 200
        elif action < 0.45 and lake.is_local:
            drop(Path(lake.url) / table)
            writer.create(table, SCHEMA)
        for _ in range(6):
            sql = chance.choice(questions).format(*chance.sample(tables, 2))
            parameters = {"tableVersion": 0} if chance.random() < 0.2 else {}
            on = chance.choice(tables)
            expected = plain.query(sql, on, **parameters)
            answer = chance.choice(keeping).query(sql, on, **parameters)
            assert (answer.status_code, answer.json()) == (200, expected.json()), (step, sql, on, parameters)
            assert answer.headers["Yummy-Table-Version"] == expected.headers["Yummy-Table-Version"]
            hits += is_hit(answer)
            assert not is_hit(expected)
    assert hits > 10
