"""Writes tables into a store: over REST, by deltalake, or by a log of our own."""

import base64
import io
import json
import math

import pyarrow as pa
from deltalake import BloomFilterProperties, ColumnProperties, DeltaTable, Schema, WriterProperties, write_deltalake
from kinds import delta_type
from log_writer import LogWriter
from tables import Delete, arrow_table


def write(table, server, schema):
    """Writes the table as `store.schema.table`."""
    folder = server.folder / schema / table.name
    if table.writer == "log":
        LogWriter(table, folder).write()
    elif table.writer == "deltalake":
        by_deltalake(table, folder)
    else:
        by_rest(table, server, f"{schema}.{table.name}")


def schema_fields(table):
    return [{"name": column.name, "type": delta_type(column.kind), "nullable": True, "metadata": {}} for column in table.columns]


def by_deltalake(table, folder):
    schema = Schema.from_json(json.dumps({"type": "struct", "fields": schema_fields(table)}))
    DeltaTable.create(str(folder), schema, partition_by=table.partitions or None)
    for commit in table.commits:
        if isinstance(commit, Delete):
            DeltaTable(str(folder)).delete(f"id IN ({', '.join(map(str, commit.ids))})")
            continue
        bloom = BloomFilterProperties(True, fpp=0.001, ndv=len(commit.rows)) if commit.options.bloom else None
        properties = WriterProperties(max_row_group_size=commit.options.row_group_rows,
                                      default_column_properties=ColumnProperties(bloom_filter_properties=bloom))
        write_deltalake(str(folder), arrow_table(table.columns, commit.rows), mode="overwrite" if commit.replaces else "append",
                        writer_properties=properties)


def by_rest(table, server, name):
    server.send("POST", f"/api/1.0/delta/{server.store}",
                {"table": name, "schema": schema_fields(table), "partition_columns": table.partitions})
    for commit in table.commits:
        verb, path = "PUT" if commit.replaces else "POST", f"/api/1.0/delta/{server.store}/{name}"
        if table.writer == "rest json":
            rows = [{column.name: as_json(value, column.kind) for column, value in zip(table.columns, row)} for row in commit.rows]
            server.send(verb, path, {"record_batch_list": rows})
        else:
            server.send(verb, path, arrow_stream(arrow_table(table.columns, commit.rows)), "application/vnd.apache.arrow.stream")


def arrow_stream(table):
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return sink.getvalue()


def as_json(value, kind):
    """The value as a body of the REST API has it."""
    if value is None or kind.family in ("integer", "string", "boolean"):
        return value
    if kind.family == "float":
        return value if math.isfinite(value) else "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if kind.family == "decimal":
        return f"{value:f}"
    if kind.family == "binary":
        return base64.b64encode(value).decode()
    if kind.family == "struct":
        return {name: as_json(value[name], field) for name, field in kind.fields}
    if kind.family == "array":
        return [as_json(item, kind.fields[0][1]) for item in value]
    if kind.family == "map":
        pairs = [(as_json(key, kind.fields[0][1]), as_json(item, kind.fields[1][1])) for key, item in value]
        return dict(pairs) if kind.fields[0][1].family == "string" else [{"key": key, "value": item} for key, item in pairs]
    return value.isoformat().replace("+00:00", "Z")
