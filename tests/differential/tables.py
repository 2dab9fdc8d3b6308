"""Random tables as data: columns and the history of their rows. What is in a table at each version follows from the history alone."""

import datetime
from dataclasses import dataclass, field, replace
from decimal import Decimal

import pyarrow as pa

import kinds
import values
from kinds import Kind, primitive

PRIMITIVES = ["byte", "short", "integer", "long", "long", "float", "double", "double", "string", "string", "binary", "boolean", "date", "timestamp",
              "timestamp_ntz", "decimal(5,2)", "decimal(10,2)", "decimal(18,2)", "decimal(18,18)", "decimal(20,4)", "decimal(38,0)", "decimal(38,18)",
              "decimal(38,38)"]
# Kinds to which the protocol lets a column be widened.
WIDER = {"byte": ["short", "integer", "long", "double", "decimal(20,4)"], "short": ["integer", "long", "double", "decimal(20,4)"],
         "integer": ["long", "double", "decimal(20,4)"], "long": ["decimal(38,18)"], "float": ["double"], "date": ["timestamp_ntz"],
         "decimal(5,2)": ["decimal(10,2)", "decimal(20,4)", "decimal(38,18)"], "decimal(10,2)": ["decimal(18,2)"]}
WRITERS = ["rest json", "rest arrow", "deltalake", "deltalake", "log", "log", "log"]
STATISTICS = ["full", "full", "none", "rows", "without nan", "truncated", "doubles", "partial"]
FEW_FILES, MANY_FILES = 3, 24
KINDS = 7  # in a set of tables
PATH_BYTES_MAX = 60  # each may become three characters of a file's name


@dataclass
class Column:
    """`samples` holds every value that a row has, and is what literals are made of. `narrow` is the type before it was widened."""
    name: str
    kind: Kind
    samples: list = field(default_factory=list)
    exact_sums: bool = False
    narrow: Kind | None = None


@dataclass(frozen=True)
class FileOptions:
    """How the files of a commit are written; REST heeds none of these, deltalake the first two."""
    row_group_rows: int = 1000
    bloom: bool = False
    statistics: str = "full"
    narrow: bool = False  # widened columns have the type from before
    annotated: bool = True  # strings say that they are strings
    parquet_statistics: bool = True
    dictionary: bool = True


@dataclass
class Append:
    rows: list
    options: FileOptions = FileOptions()
    replaces: bool = False  # all rows that were there


@dataclass
class Delete:
    """Of the rows with these ids: by deletion vectors in a log of our own, by files written anew in deltalake."""
    ids: list


@dataclass
class Table:
    """The first column is `id`, unique and never null. Version 0 is empty, each commit is a version."""
    name: str
    columns: list
    commits: list
    writer: str = "log"
    partitions: list = field(default_factory=list)
    mapping: str | None = None  # name or id
    inline_vectors: bool = False

    def rows(self, version=None):
        """The rows of a version, the newest by default; None for a version that there is not."""
        if version is not None and version > len(self.commits):
            return None
        rows = []
        for commit in self.commits[:version]:
            if isinstance(commit, Delete):
                gone = set(commit.ids)
                rows = [row for row in rows if row[0] not in gone]
            else:
                rows = [*([] if commit.replaces else rows), *commit.rows]
        return rows

    def with_commits(self, commits):
        """The same table with another history, without commits that do nothing, as not every writer makes a version of these."""
        kept, there = [], set()
        for commit in commits:
            if isinstance(commit, Delete):
                ids = [id for id in commit.ids if id in there]
                if ids:
                    kept.append(Delete(ids))
                    there -= set(ids)
            elif commit.rows:
                kept.append(commit)
                there = (set() if commit.replaces else there) | {row[0] for row in commit.rows}
        return replace(self, commits=kept)


class Pools:
    """Kinds that the tables of a set share, and values of these, so that joins find something."""

    def __init__(self, random):
        self.random = random
        self.kinds = [random_kind(random) for _ in range(KINDS)]
        self.pools = {}

    def of(self, kind):
        """The values of a column: some that other columns have, or some of its own."""
        key = kinds.as_python(kind)
        if key not in self.pools or self.random.random() < 0.2:
            self.pools[key] = values.pool(kind, self.random)
        return self.pools[key]


def random_kind(random, depth=0):
    """Mostly a primitive; nested ones up to two levels."""
    if depth > 1 or random.random() < 0.88:
        return primitive(random.choice(PRIMITIVES))
    shape = random.choice(["struct", "array", "map"])
    if shape == "struct":
        return kinds.struct(**{name: random_kind(random, depth + 1) for name in ("a", "b", "c")[:random.randint(1, 3)]})
    if shape == "array":
        return kinds.array(random_kind(random, depth + 1))
    return kinds.map_of(primitive(random.choice(["string", "string", "integer", "date"])), random_kind(random, depth + 1))


def random_column(name, pools, writer):
    random = pools.random
    kind = random.choice(pools.kinds)
    if writer == "deltalake" and kind.is_nested and "timestamp_ntz" in kinds.as_python(kind):
        kind = primitive("timestamp_ntz")  # deltalake 1.6 makes no table of it where it is nested
    if writer == "log" and kind.delta in WIDER and random.random() < 0.3:
        narrow, kind = kind, primitive(random.choice(WIDER[kind.delta]))
        small = pools.of(narrow)
        wide = [as_wide(value, narrow, kind) for value in small]
        return Column(name, kind, wide, narrow=narrow)
    chosen = pools.of(kind)
    exact = kind.family == "float" and all(value in values.TAME_FLOATS or value != value for value in chosen)
    return Column(name, kind, list(chosen), exact)


def as_wide(value, narrow, wide):
    """The same value in the wider type."""
    if wide.family == "float":
        return float(value)
    if wide.family == "decimal":
        return Decimal(value)
    return datetime.datetime.combine(value, datetime.time()) if narrow.family == "date" else value


def random_options(random, writer):
    """Of one commit's files."""
    if writer == "deltalake":
        return FileOptions(random.choice([2, 5, 1000]), random.random() < 0.3)
    return FileOptions(random.choice([1, 3, 10, 1000]), random.random() < 0.3, random.choice(STATISTICS), random.random() < 0.5,
                       random.random() < 0.85, random.random() < 0.85, random.random() < 0.8)


def random_table(name, pools):
    """A table with up to MANY_FILES commits of some rows each."""
    random = pools.random
    writer = random.choice(WRITERS)
    columns = [Column("id", primitive("long"))]
    columns += [random_column(f"c{number}", pools, writer) for number in range(random.randint(2, 7))]
    table = Table(name, columns, [], writer, random_partitions(columns, writer, random))
    if writer == "log":
        table.mapping = random.choice([None, None, "name", "id"])
        table.inline_vectors = random.random() < 0.5
    commits = random.choice([1, FEW_FILES, FEW_FILES, 10, MANY_FILES])
    rows_max = random.choice([2, 10, 20, 60]) if commits > 1 else random.choice([20, 200, 200, 200, 3000, 0])
    null_shares = [0] + [random.choice([0, 0.1, 0.1, 0.5, 1 if random.random() < 0.1 else 0]) for _ in columns[1:]]
    ids = iter(range(1, 10**9))
    history = []
    for _ in range(commits):
        kind_of_commit = random.random()
        if history and writer in ("log", "deltalake") and kind_of_commit < 0.25:
            there = [row[0] for row in table.with_commits(history).rows()]
            history.append(Delete(sorted(random.sample(there, random.randint(0, len(there)) // random.choice([1, 3, 10])))))
            continue
        rows = random_rows(columns, null_shares, ids, random.randint(1, rows_max) if rows_max else 0, random)
        history.append(Append(rows, random_options(random, writer), bool(history) and kind_of_commit > 0.97))
    columns[0].samples = [1, 2, 3, 5, 8, 20, 100, 10_000]  # an integer cast of these holds all
    return table.with_commits(history)


def random_partitions(columns, writer, random):
    """None, one or two columns whose values the writer can tell."""
    able = [column.name for column in columns[1:] if can_be_partition(column, writer)]
    return random.sample(able, min(len(able), random.choice([0, 0, 0, 1, 1, 2])))


def can_be_partition(column, writer):
    """deltalake names folders by values, which must not be long, and does not read its own text of small decimals again."""
    if column.kind.is_nested or column.kind.family == "binary":
        return False
    if writer != "deltalake":
        return True
    is_long = any(len(folder_text(value).encode()) > PATH_BYTES_MAX for value in column.samples)
    return column.kind.family != "decimal" and not is_long


def folder_text(value):
    """About what deltalake writes into a path: all digits of a float, 325 of 5e-324."""
    return f"{Decimal(repr(value)):f}" if isinstance(value, float) else str(value)


def random_rows(columns, null_shares, ids, count, random):
    """Each commit picks from a part of a column's values, so that files differ in their bounds."""
    parts = [column.samples if random.random() < 0.5 or not column.samples
             else random.sample(column.samples, random.randint(1, len(column.samples))) for column in columns]

    def value(column, null_share, part):
        if column.name == "id":
            return next(ids)
        return None if random.random() < null_share or not part else random.choice(part)

    return [tuple(value(*of_column) for of_column in zip(columns, null_shares, parts)) for _ in range(count)]


def random_tables(random, count):
    """A set of tables that share some of their values."""
    pools = Pools(random)
    return [as_written(random_table(f"t{number}", pools)) for number in range(count)]


def as_written(table):
    """The table with values that its way can tell: the empty string is null in a partition column, NaN has no sign there and in JSON."""
    parted = [column.name in table.partitions for column in table.columns]

    def told(value, in_path):
        if in_path and value == "":
            return None
        return without_signed_nan(value) if in_path or table.writer == "rest json" else value

    for commit in table.commits:
        if isinstance(commit, Append):
            commit.rows = [tuple(map(told, row, parted)) for row in commit.rows]
    return table


def without_signed_nan(value):
    if isinstance(value, (list, tuple)):
        return type(value)(map(without_signed_nan, value))
    if isinstance(value, dict):
        return {name: without_signed_nan(field) for name, field in value.items()}
    return values.NAN if isinstance(value, float) and value != value else value


def arrow_table(columns, rows):
    """The rows as Arrow, made of the generator's own values."""
    transposed = list(zip(*rows)) or [()] * len(columns)
    return pa.table({column.name: pa.array(column_values, column.kind.arrow) for column, column_values in zip(columns, transposed)},
                    schema=pa.schema([pa.field(column.name, column.kind.arrow) for column in columns]))
