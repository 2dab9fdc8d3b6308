"""Tables that others wrote, over REST.

What must be seen is in the index of the shared data. Beyond it every version is compared, row by row, with what deltalake and DuckDB
read of it, where they can, and with the Parquet files that Spark left beside it, where it did.
"""

import datetime
import decimal
import json
from pathlib import PurePath

import pyarrow.compute as pc
import pyarrow.parquet as pq
import requests
from compare import by_deltalake, by_duckdb, by_us, seen
from engines import open_duckdb

EPOCH = datetime.datetime(1970, 1, 1)
# Tables that are refused, and the feature that the refusal names.
REFUSED = {"duckdb/inlined/variant/basic": "variantType"}
EXPIRED, MISSING = (410, "VERSION_EXPIRED"), (500, "MISSING_FILE")
# Versions that are not whole: of some the log was cleaned up, of others the data was vacuumed or never there.
GONE = {
    "dat/no_replay/delta": {0: EXPIRED, 1: EXPIRED, 2: MISSING},
    "delta_golden/deltalog-getChanges": {0: MISSING},
    "deltars/checkpoint-cdf-table": {0: EXPIRED, 1: EXPIRED, 2: EXPIRED},
    "kernelrs_data/table-with-cdf": {0: MISSING},
    "kernelrs_golden/deltalog-getChanges/delta": {0: MISSING},
}
# A partition value without a zone, whose writer was in Los Angeles and left its own time in the expected rows. The log does not
# say so: here and in the other readers it is UTC (PROTOCOL.md, "Partition Value Serialization").
WRITERS_ZONE = ("kernelrs_golden/data-reader-partition-values/delta", "as_timestamp")


def read_index(folder):
    """Returns {path: what is expected}; `columns` has the counts and bounds, `versions` the rows at each version."""
    tables = {}
    for entry in json.loads((folder / "index.json").read_text())["tables"]:
        readers = [entry["readers"].get(name, {}) for name in ("expected-parquet", "deltalake-1.6.6", "duckdb-1.5.5-delta")]
        counts = entry.get("rows_by_version_deltalake") or {}
        tables[entry["path"]] = {
            "rows": entry["rows_expected"], "latest": entry["latest_version"],
            "columns": next((reader["columns"] for reader in readers if reader.get("columns")), {}),
            "versions": {int(version): rows for version, rows in counts.items() if isinstance(rows, int)}}
    for entry in json.loads((folder / "dat_index.json").read_text())["tables"]:
        tables[entry["path"]] = {"rows": entry["rows_expected"], "columns": entry["expected"], "versions": {}}
    return tables


def address(path, parents):
    """The store's folder and the names within it; a folder within another store's folder is a schema of that store."""
    parent = PurePath(path).parent
    store = next((above for above in parent.parents if above in parents), parent)
    return store, PurePath(path).relative_to(store).parts


def store_name(folder):
    return str(folder).replace("/", "_")


def text_of(value):
    """A bound as the index writes it."""
    if isinstance(value, datetime.datetime):
        return str((value.replace(tzinfo=None) - EPOCH) // datetime.timedelta(microseconds=1))
    if isinstance(value, datetime.date):
        return str((value - EPOCH.date()).days)
    if isinstance(value, decimal.Decimal):
        return f"{value.normalize():f}"
    return str(value)


def text_in_index(text, kind):
    return f"{decimal.Decimal(text).normalize():f}" if kind.startswith("decimal") else text


def has_bounds(column):
    kind = column["type"]
    return "min" in column and (kind.startswith(("int", "decimal", "timestamp")) or kind in ("string", "date"))


def differences_from_index(path, rows, expected):
    """Yields what differs in rows, and per column in non-null values, smallest and largest."""
    if rows.num_rows != expected["rows"]:
        yield f"{rows.num_rows} rows instead of {expected['rows']}"
    if set(expected["columns"]) != set(rows.column_names):
        yield f"columns {rows.column_names} instead of {[*expected['columns']]}"
        return
    for name, column in expected["columns"].items():
        values = rows.column(name)
        if len(values) - values.null_count != column["nonnull"]:
            yield f"{name} has {len(values) - values.null_count} values instead of {column['nonnull']}"
        elif has_bounds(column) and (path, name) != WRITERS_ZONE:
            found = {bound: text_of(value.as_py()) for bound, value in zip(("min", "max"), pc.min_max(values).values())}
            wanted = {bound: text_in_index(column[bound], column["type"]) for bound in ("min", "max")}
            if found != wanted:
                yield f"{name} is within {found} instead of {wanted}"


def files_of(folder):
    return {str(path.relative_to(folder)): (path.stat().st_size, path.stat().st_mtime_ns) for path in folder.rglob("*")}


def spark_rows(folder, version, latest):
    """What Spark left as Parquet beside the table, or None."""
    names = [f"v{version}/table_content", *(["latest/table_content", "."] if version == latest else [])]
    for name in names:
        if (folder.parent / "expected" / name).is_dir():
            files = sorted((folder.parent / "expected" / name).glob("*.parquet"))
            return pq.ParquetDataset(files).read() if files else None
    return None


class Looker:
    """Looks at one table over REST, and at the same with the other readers."""

    def __init__(self, server, folder, store, names):
        self.server, self.folder, self.store = server, folder, store
        self.table = ".".join(names)
        self.name = ".".join(f'"{name}"' for name in (store, *names))

    def get(self, sql):
        return requests.get(f"{self.server.api}/{self.store}/{self.table}", params={"query": sql, "format": "arrow"}, timeout=60)

    def rows(self, version):
        return by_us(self.server, self.table, f"SELECT * FROM {self.name} AT (VERSION => {version})", store=self.store)

    def details(self, version):
        return requests.get(f"{self.server.api}/{self.store}/{self.table}/details", params={"tableVersion": version}, timeout=60)

    def peers(self, version, latest):
        """What others see of a version: {reader: rows}. One that cannot read it has nothing to compare and is left out."""
        found = {"Spark": spark_rows(self.folder, version, latest)}
        for name, read in {"deltalake": lambda: by_deltalake(self.folder, version=version),
                           "DuckDB": lambda: by_duckdb(open_duckdb(), self.folder, version=version)}.items():
            try:
                found[name] = read()
            except Exception:
                continue
        return {name: rows for name, rows in found.items() if rows is not None}


def seen_in(path, rows):
    """Names and rows without the column that its writer's zone changed; Spark's files have partition columns at the end."""
    names = sorted(name for name in rows.column_names if (path, name) != WRITERS_ZONE)
    return seen(rows.select(names))


def differences_of_version(looker, path, expected, version, latest, compared):
    """Yields what differs at one version; adds the readers that saw the same to `compared`."""
    rows = looker.rows(version)
    if expected["versions"].get(version, rows.num_rows) != rows.num_rows:
        yield f"version {version}: {rows.num_rows} rows instead of {expected['versions'][version]}"
    counted = by_us(looker.server, looker.table, f"SELECT count(*) FROM {looker.name} AT (VERSION => {version})", store=looker.store)
    if counted.column(0).to_pylist() != [rows.num_rows]:
        yield f"version {version}: counts {counted.column(0).to_pylist()}, reads {rows.num_rows}"
    details = looker.details(version).json()
    if details["version"] != version or details["rows"] not in (None, rows.num_rows):
        yield f"version {version}: details {details}"
    for reader, theirs in looker.peers(version, latest).items():
        if seen_in(path, theirs) == seen_in(path, rows):
            compared[reader] = compared.get(reader, 0) + 1
        else:
            yield f"version {version}: {reader} sees other rows"


def differences_of_table(looker, path, expected, compared):
    answer = looker.get(f"SELECT * FROM {looker.name}")
    if feature := REFUSED.get(path):
        problem = answer.json()
        if (answer.status_code, problem["reason"]) != (501, "UNSUPPORTED_TABLE_FEATURE") or feature not in problem["detail"]:
            yield f"not refused for {feature}: {answer.text}"
        return
    if answer.status_code != 200:
        yield answer.text
        return
    latest = looker.details(None).json()["version"]
    if expected.get("latest", latest) != latest:
        yield f"version {latest} is the latest, instead of {expected['latest']}"
    yield from differences_from_index(path, looker.rows(latest), expected)
    for version in range(latest + 1):
        if gone := GONE.get(path, {}).get(version):
            answer = looker.get(f"SELECT * FROM {looker.name} AT (VERSION => {version})")
            if (answer.status_code, answer.json()["reason"]) != gone:
                yield f"version {version}: {answer.text}"
        else:
            yield from differences_of_version(looker, path, expected, version, latest, compared)


def test_all_tables(start_server, shared, matrix):
    folder = shared / "fixtures"
    tables = read_index(folder)
    parents = {PurePath(path).parent for path in tables}
    before = files_of(folder)
    server = start_server({store_name(store): {"path": str(folder / "delta" / store)}
                           for store, _ in (address(path, parents) for path in tables)})
    differences = []
    for path, expected in tables.items():
        store, names = address(path, parents)
        compared = {}
        found = list(differences_of_table(Looker(server, folder / "delta" / path, store_name(store), names), path, expected, compared))
        differences += [f"{path}: {difference}" for difference in found]
        matrix(path, "over REST", "DIFFERENT" if found else f"refused: {REFUSED[path]}" if path in REFUSED else
               f"{expected['rows']} rows, as expected")
        for reader, versions in compared.items():
            matrix(path, f"versions equal to {reader}'s", str(versions))
    assert differences == []
    assert len(tables) == 77
    assert files_of(folder) == before, "reading wrote"
    assert server.alive()
