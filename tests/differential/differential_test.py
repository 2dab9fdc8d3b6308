"""The statements of `make test`, the same ones each time; and that the harness finds and shrinks a fault that is planted."""

import os
import random
import re
from collections import Counter
from decimal import Decimal

import duckdb
import kinds
import pyarrow as pa
import pytest
import reproduction
import run
import shrink
import values
from choices import Choices, smaller
from kinds import primitive
from oracle import Oracle, for_server, tables_of
from server import Refusal, Server
from statements import Statement, statement
from tables import Append, Column, Delete, FileOptions, Table, random_tables
from verdict import difference
from writers import write

COUNT = 2000
SEED = 1
NAN = float("nan")


@pytest.fixture(scope="module")
def lake():
    with Server() as server:
        yield server


def test_random_statements_are_answered_as_by_plain_duckdb():
    total, told = Counter(), []
    for tally in run.run(os.environ["YUMMY_PROGRAM"], COUNT, SEED, workers=2):
        total.update(tally.counts)
        told += [f"seed {seed}: {text}\n{shown}" for seed, text, shown in tally.differences]
    print(f"seed {SEED}: {dict(total)}")
    assert not told, "\n".join(told)
    assert total["statements"] == COUNT
    assert total["rows"] > COUNT / 3, "most statements find nothing: they show nothing"


# Tables.

EVERY_KIND = [*(primitive(name) for name in kinds.PRIMITIVES if name != "hugeint"), primitive("decimal(38,18)"),
              kinds.struct(a=primitive("double"), b=kinds.array(primitive("string"))), kinds.array(kinds.struct(a=primitive("binary"))),
              kinds.map_of(primitive("string"), primitive("timestamp"))]


def table_of_every_kind(seed, **more):
    """Three commits, the last of which deletes."""
    chance = random.Random(seed)
    columns = [Column("id", primitive("long"))] + [Column(f"c{number}", kind) for number, kind in enumerate(EVERY_KIND)]
    columns.append(Column("wide", primitive("decimal(20,4)"), narrow=primitive("integer")))

    def row(id):
        found = [None if chance.random() < 0.1 else values.nested_or_edge(kind, chance, 0.5) for kind in EVERY_KIND]
        return (id, *found, Decimal(chance.randint(-5, 5)))

    return Table("t0", columns, [Append([row(id) for id in range(20)], FileOptions(row_group_rows=3, bloom=True, narrow=True)),
                                 Append([row(id) for id in range(20, 30)])], **more)


@pytest.mark.parametrize("more", [{"writer": "rest json"}, {"writer": "rest arrow"}, {"writer": "deltalake"}, {"mapping": "name"},
                                  {"mapping": "id", "inline_vectors": True}, {"partitions": ["c0", "c11"]}], ids=str)
def test_every_writer_writes_the_rows_of_the_generator(lake, more):
    table = table_of_every_kind(str(more), **more)
    if not table.writer.startswith("rest"):
        table.commits.append(Delete([3, 4, 5, 25]))
    schema = f"every{abs(hash(str(more)))}"
    write(table, lake, schema)
    oracle = Oracle([table])
    for version in range(len(table.commits) + 1):
        made = Statement(f"SELECT * FROM {{t0@{version}}} AS a", [], False, False, "json" not in table.writer, [])
        expected = oracle.query(made.sql, [])
        assert expected.num_rows == [0, 20, 30, 26][version]
        assert difference(made, expected, lake.query(for_server(made.sql, f"lake.{schema}"), [])) is None
    oracle.close()


# Statements.


def test_a_statement_is_made_again_of_its_seed_and_of_its_choices():
    tables = random_tables(random.Random("again"), 3)
    for number in range(200):
        made = statement(tables, random.Random(number))
        assert statement(tables, random.Random(number)) == made
        assert statement(tables, recorded=made.choices).sql == made.sql


def test_no_choices_make_the_simplest_statement():
    tables = random_tables(random.Random("simplest"), 3)
    assert statement(tables).sql == "SELECT a1.id AS e2 FROM {t0} AS a1"


def test_smaller_choices_are_smaller():
    tree = [3, [1, [2], 0], 4]
    found = list(smaller(tree))
    assert [] in found and [3, [], 4] in found and [3, [2], 4] in found and [0, [1, [2], 0], 4] in found
    assert tree not in found
    assert Choices(recorded=[9]).below(4) == 3


# Verdicts.


def verdict(expected, found, ordered=False, may_fail=False, exact_zeros=True):
    def answer(values):
        return pa.table({"e": pa.array(values, pa.float64())}) if isinstance(values, list) else values

    return difference(Statement("", [], ordered, may_fail, exact_zeros, []), answer(expected), answer(found))


@pytest.mark.parametrize("same", [
    ([1.0, 2.0], [2.0, 1.0]), ([NAN], [-NAN]), ([None, -0.0], [-0.0, None]), (duckdb.ConversionException("no"), Refusal(400, "InvalidArgument", "no")),
])
def test_answers_that_are_the_same(same):
    assert verdict(*same) is None


@pytest.mark.parametrize("other", [
    ([1.0, 1.0], [1.0]), ([1.0, 1.0, 2.0], [1.0, 2.0, 2.0]), ([0.0], [-0.0]), ([NAN], [None]), ([1.0], Refusal(400, "InvalidArgument", "no")),
    (duckdb.ConversionException("no"), [1.0]), (duckdb.ConversionException("no"), Refusal(500, "Internal", "no")),
    ([1.0], pa.table({"e": pa.array([1.0], pa.float32())})), ([1.0], pa.table({"f": pa.array([1.0])})),
])
def test_answers_that_are_not_the_same(other):
    assert verdict(*other)


def test_an_order_counts_and_a_zero_has_a_sign_only_where_they_are_certain():
    assert verdict([1.0, 2.0], [2.0, 1.0], ordered=True)
    assert verdict([0.0], [-0.0], exact_zeros=False) is None


def test_a_value_that_another_condition_leaves_out_may_fail_in_one_plan_only():
    assert verdict(duckdb.ConversionException("no"), [1.0], may_fail=True) is None
    assert verdict([1.0], Refusal(400, "InvalidArgument", "no"), may_fail=True) is None
    assert verdict(duckdb.BinderException("no"), [1.0], may_fail=True)


# A fault.


class FaultyServer(Server):
    """Loses the last row of what is asked with an IN."""

    def query(self, sql, parameters):
        answer = super().query(sql, parameters)
        if " IN (" in sql and isinstance(answer, pa.Table):
            return answer.slice(0, max(answer.num_rows - 1, 0))
        return answer


def test_a_planted_fault_is_found_and_shrunk_to_a_row_and_a_short_statement(monkeypatch):
    monkeypatch.setattr(shrink, "REPEATS", 1)
    monkeypatch.setattr(run, "DIFFERENCES_SHRUNK_PER_SET", 1)
    with FaultyServer() as server:
        tally = run.run_set(server, "planted.0", range(60))
    assert tally.differences, "the fault was not found"
    seed, _, shown = tally.differences[0]
    assert re.fullmatch(r"planted\.0\.\d+", seed)
    told = {}
    program = shown.replace("from reproduction import show", "")
    exec(program, {"show": lambda tables, sql, *_, **__: told.update(tables=tables, sql=sql)})  # as someone who runs it
    assert sum(len(table.rows()) for table in told["tables"]) <= 2
    assert len(told["tables"]) <= len(tables_of(told["sql"]))
    assert " IN (" in told["sql"] and len(told["sql"]) < 160, told["sql"]


def test_the_program_that_shows_a_difference_runs(lake, capsys):
    table = Table("t0", [Column("id", primitive("long")), Column("c0", primitive("double"))], [Append([(1, NAN)])])
    case = shrink.Case(lake, [table], Statement("SELECT a.c0 FROM {t0} AS a", [], False, False, True, []))
    assert case.differs is None
    case.differs = 'it says "so"'
    exec(reproduction.program(case), {})
    assert "0 of" in capsys.readouterr().out
    case.close(lake)
