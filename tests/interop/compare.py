"""What other engines and this one see in a table, in a form in which it compares."""

import datetime
import math
import time

import pyarrow as pa
import requests
from deltalake import DeltaTable, QueryBuilder

CHECKPOINT_SECONDS_MAX = 30


def plain(value):
    """One form for what the readers return: NaN equals itself, 0.0 is not -0.0, maps are sorted pairs."""
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else repr(value)
    if isinstance(value, datetime.datetime):
        return (value.astimezone(datetime.timezone.utc) if value.tzinfo else value).isoformat()
    if isinstance(value, dict):
        return sorted((str(key), plain(item)) for key, item in value.items())
    if isinstance(value, (list, tuple)):
        if value and all(isinstance(item, tuple) and len(item) == 2 for item in value):
            return sorted((str(key), plain(item)) for key, item in value)
        return [plain(item) for item in value]
    return value


def sorted_rows(table):
    """The rows of an Arrow table, in an order that does not depend on its own."""
    columns = [[plain(value) for value in column.to_pylist()] for column in table.columns]
    return sorted(zip(*columns), key=repr) if columns else []


def seen(table):
    """Column names and rows: what two readers of one version must agree on."""
    return table.column_names, sorted_rows(table)


def by_us(server, table, sql=None, store="local", version=None):
    at = "" if version is None else f" AT (VERSION => {version})"
    answer = requests.get(f"{server.api}/{store}/{table}", timeout=120,
                          params={"query": sql or f'SELECT * FROM "{table}"{at}', "format": "arrow"})
    assert answer.status_code == 200, answer.text
    return pa.ipc.open_stream(answer.content).read_all()


def by_deltalake(folder, condition="true", version=None):
    table = DeltaTable(str(folder), version=version)
    return pa.table(QueryBuilder().register("t", table).execute(f"SELECT * FROM t WHERE {condition}").read_all())


def by_duckdb(duck, folder, condition="true", version=None):
    at = "" if version is None else f", version => {version}"
    quoted = str(folder).replace("'", "''")
    return duck.execute(f"SELECT * FROM delta_scan('{quoted}'{at}) WHERE {condition}").to_arrow_table()


def by_spark(spark, folder, condition="true", version=None):
    reader = spark.read.format("delta")
    if version is not None:
        reader = reader.option("versionAsOf", version)
    return reader.load(str(folder)).where(condition).toArrow()


def latest_version(server, table, store="local"):
    answer = requests.get(f"{server.api}/{store}/{table}/details", timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()["version"]


def leave_checkpoint_alone(log, version):
    """Waits for the checkpoint of a version, which is written after the answer, and removes the commits before it."""
    deadline = time.monotonic() + CHECKPOINT_SECONDS_MAX
    while not (log / f"{version:020}.checkpoint.parquet").exists():
        assert time.monotonic() < deadline, f"no checkpoint of version {version} was written"
        time.sleep(0.02)
    for before in range(version):
        (log / f"{before:020}.json").unlink()
