"""Writes a table by its log and pyarrow: deletion vectors, mapped and widened columns, and statistics as others leave them."""

import json
import math
import uuid

import deletion_vector
import kinds
import pyarrow as pa
import pyarrow.parquet as pq
from file_statistics import statistics
from tables import Delete

CREATED = 1_700_000_000_000
FEATURES = ["columnMapping", "deletionVectors", "timestampNtz", "typeWidening"]


class Mapping:
    """What columns and fields are called in the log and in files. A field's path goes from the column down."""

    def __init__(self, mode):
        self.mode = mode
        self.ids = {}

    def id(self, path):
        return self.ids.setdefault(path, len(self.ids) + 1)

    def physical(self, path):
        return f"col-{self.id(path)}" if self.mode else path[-1]

    def log_field(self, path, type):
        metadata = {"delta.columnMapping.id": self.id(path), "delta.columnMapping.physicalName": self.physical(path)} if self.mode else {}
        return {"name": path[-1], "type": type, "nullable": True, "metadata": metadata}

    def arrow_field(self, path, kind, annotated):
        """Of a file: where ids count, names say nothing."""
        type = self.arrow_type(path, kind, annotated)
        if self.mode == "id":
            return pa.field(f"named-{self.id(path) * 7}", type, metadata={"PARQUET:field_id": str(self.id(path))})
        return pa.field(self.physical(path), type)

    def arrow_type(self, path, kind, annotated):
        parts = [((*path, name), part) for name, part in kind.fields]
        if kind.family == "struct":
            return pa.struct([self.arrow_field(*part, annotated) for part in parts])
        types = [self.arrow_type(*part, annotated) for part in parts]
        if kind.is_nested:
            return pa.list_(*types) if kind.family == "array" else pa.map_(*types)
        return pa.binary() if kind.family == "string" and not annotated else kind.arrow

    def log_kind(self, path, kind):
        """The kind with a struct's fields called as in the log, for statistics."""
        if kind.family != "struct":
            return kind
        return kinds.struct(**{self.physical((*path, name)): self.log_kind((*path, name), part) for name, part in kind.fields})


def renamed(value, kind, type):
    """The value with a struct's fields called as in the Arrow type or kind."""
    if value is None or not kind.is_nested:
        return value
    if kind.family == "struct":
        names = [field.name for field in type]
        return {name: renamed(value[field], part, type.field(name).type) for name, (field, part) in zip(names, kind.fields)}
    if kind.family == "array":
        return [renamed(item, kind.fields[0][1], type.value_type) for item in value]
    return [(key, renamed(item, kind.fields[1][1], type.item_type)) for key, item in value]


def narrowed(value, column):
    """The value in the type that a column had before it was widened."""
    if value is None or column.narrow is None:
        return value
    if column.narrow.family == "integer":
        return int(value)
    return value.date() if column.narrow.family == "date" else value


def partition_text(value, kind):
    """As the log has the value of a partition column."""
    if value is None:
        return None
    if kind.family == "boolean":
        return str(value).lower()
    if kind.family == "float" and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if kind.family in ("timestamp", "timestamp_ntz"):
        return value.replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")
    return value.isoformat() if kind.family == "date" else f"{value:f}" if kind.family == "decimal" else str(value)


def removed(add):
    facts = {name: add[name] for name in ("path", "partitionValues", "size", "deletionVector") if name in add}
    return {"remove": {**facts, "deletionTimestamp": CREATED, "dataChange": True, "extendedFileMetadata": True}}


class LogWriter:
    """Writes one version after the other."""

    def __init__(self, table, folder):
        self.table = table
        self.folder = folder
        self.mapping = Mapping(table.mapping)
        self.places = {column.name: place for place, column in enumerate(table.columns)}
        self.live = []  # (add action, ids of its rows in order)
        self.gone = set()
        self.version = 0

    def write(self):
        (self.folder / "_delta_log").mkdir(parents=True)
        self.commit([{"protocol": {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": FEATURES, "writerFeatures": FEATURES}},
                     self.metadata()])
        for commit in self.table.commits:
            self.commit(self.delete(commit) if isinstance(commit, Delete) else self.append(commit))

    def commit(self, actions):
        text = "".join(json.dumps(action, ensure_ascii=False) + "\n" for action in actions)
        (self.folder / "_delta_log" / f"{self.version:020}.json").write_text(text, encoding="utf-8")
        self.version += 1

    def metadata(self):
        fields = []
        for column in self.table.columns:
            path = (column.name,)
            fields.append(self.mapping.log_field(path, kinds.delta_type(column.kind, self.mapping.log_field, path)))
            if column.narrow:
                fields[-1]["metadata"]["delta.typeChanges"] = [{"fromType": column.narrow.delta, "toType": column.kind.delta}]
        configuration = {"delta.enableDeletionVectors": "true", "delta.enableTypeWidening": "true"}
        if self.table.mapping:
            configuration |= {"delta.columnMapping.mode": self.table.mapping, "delta.columnMapping.maxColumnId": str(len(self.mapping.ids))}
        return {"metaData": {"id": str(uuid.uuid4()), "format": {"provider": "parquet", "options": {}},
                             "schemaString": json.dumps({"type": "struct", "fields": fields}), "partitionColumns": self.table.partitions,
                             "configuration": configuration, "createdTime": CREATED}}

    def append(self, commit):
        actions = []
        if commit.replaces:
            actions = [removed(add) for add, _ in self.live]
            self.live = []
        by_partition = {}
        for row in commit.rows:
            by_partition.setdefault(tuple(self.partition_texts(row)), []).append(row)
        for texts, rows in by_partition.items():
            add = self.data_file(texts, rows, commit.options)
            self.live.append((add, [row[0] for row in rows]))
            actions.append({"add": add})
        return actions

    def delete(self, commit):
        """Gives a new vector to each file that holds such a row; a file of which nothing is left is removed."""
        self.gone |= set(commit.ids)
        actions, kept = [], []
        for add, ids in self.live:
            if set(commit.ids) & set(ids):
                actions.append(removed(add))
                places = [place for place, id in enumerate(ids) if id in self.gone]
                if len(places) == len(ids):
                    continue
                add = {**add, "deletionVector": deletion_vector.write(self.folder, places, self.table.inline_vectors)}
                actions.append({"add": add})
            kept.append((add, ids))
        self.live = kept
        return actions

    def partition_texts(self, row):
        places = [self.places[name] for name in self.table.partitions]
        return [partition_text(row[place], self.table.columns[place].kind) for place in places]

    def data_file(self, partition_texts, rows, options):
        """Writes one file; returns its add action."""
        fields, arrays, columns = [], [], []
        for column in (column for column in self.table.columns if column.name not in self.table.partitions):
            path, values = (column.name,), [row[self.places[column.name]] for row in rows]
            kind = column.narrow if column.narrow and options.narrow else column.kind
            fields.append(self.mapping.arrow_field(path, kind, options.annotated))
            stored = [narrowed(value, column) for value in values] if options.narrow else values
            arrays.append(pa.array([renamed(value, kind, fields[-1].type) for value in stored], fields[-1].type))
            log_kind = self.mapping.log_kind(path, column.kind)
            columns.append((self.mapping.physical(path), log_kind, [renamed(value, column.kind, log_kind.arrow) for value in values]))
        name = f"part-{uuid.uuid4()}.parquet"
        self.parquet(pa.Table.from_arrays(arrays, schema=pa.schema(fields)), self.folder / name, options)
        partition_columns = [self.mapping.physical((column,)) for column in self.table.partitions]
        add = {"path": name, "partitionValues": dict(zip(partition_columns, partition_texts)), "size": (self.folder / name).stat().st_size, "modificationTime": CREATED + self.version, "dataChange": True}
        stats = statistics(columns, options.statistics)
        return add if stats is None else {**add, "stats": stats}

    @staticmethod
    def parquet(table, path, options):
        more = {}
        if options.bloom:
            able = [field.name for field in table.schema if not pa.types.is_nested(field.type) and not pa.types.is_boolean(field.type)]
            more["bloom_filter_options"] = {name: {"ndv": len(table), "fpp": 0.001} for name in able}
        pq.write_table(table, path, row_group_size=options.row_group_rows, write_statistics=options.parquet_statistics,
                       use_dictionary=options.dictionary, store_schema=False, **more)
