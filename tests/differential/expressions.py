"""Random expressions over columns that are in sight: values, conditions and orders.

Errors, and what plans may answer differently, are left out by construction: casts fit the values that there are, arithmetic does not
overflow, and what may fail all the same is marked in the draft.
"""

import datetime
from dataclasses import dataclass, field

import kinds
import values
from kinds import Kind, literal, primitive, quoted

OPERATORS = ["=", "<", ">", "<=", ">=", "<>"]
DEPTH_MAX = 3
PAIRS_MAX = 100_000
AS_JSON_NUMBERS = ("byte", "short", "integer", "long")
INTEGERS = ["byte", "short", "integer", "long", "hugeint"]


@dataclass(frozen=True)
class Ref:
    """Something that has a value in each row. `samples` are all its values, or none. `certain` is false where a zero may have either sign."""
    sql: str
    kind: Kind
    samples: tuple = ()
    exact_sums: bool = False
    certain: bool = True


@dataclass
class Source:
    """What stands in FROM: columns in sight, keys that make an order total, and about how many rows there are at most."""
    sql: str
    refs: list
    keys: list
    rows: int


@dataclass
class Draft:
    """What a statement gathers while it is made."""
    tables: list
    parameters: list = field(default_factory=list)
    may_fail: bool = False
    exact_zeros: bool = True
    aliases: int = 0

    def alias(self, letter="a"):
        """A name that nothing else in the statement has."""
        self.aliases += 1
        return f"{letter}{self.aliases}"


def table_source(draft, choices, percent_of_versions=12):
    """A table, sometimes at an earlier version."""
    table = choices.pick(draft.tables)
    version = f"@{choices.below(len(table.commits)) + 1}" if table.commits and choices.chance(percent_of_versions) else ""
    alias = draft.alias()
    refs = [Ref(f"{alias}.{column.name}", column.kind, tuple(column.samples), column.exact_sums) for column in table.columns]
    rows = sum(len(getattr(commit, "rows", ())) for commit in table.commits)
    return Source(f"{{{table.name}{version}}} AS {alias}", refs, [f"{alias}.id"], rows)


# Values


def constant(draft, choices, kind, samples=()):
    """A literal of the kind, or a parameter: mostly a value that a row has."""
    where_from = choices.below(12)
    if samples and (where_from < 8 or kind.is_nested):
        value = samples[choices.below(len(samples))]
    elif kind.is_nested or where_from == 11:
        value = None
    else:
        value = choices.pick(values.edges(kind))
    if value is None or kind.is_nested or not choices.chance(10):
        return literal(value, kind)
    draft.parameters.append(value if kind.family in ("boolean", "string") or kind.delta in AS_JSON_NUMBERS else kinds.text_of(value, kind))
    return f"CAST(${len(draft.parameters)} AS {kind.sql})"


def column(choices, source):
    return choices.pick(source.refs)


def leaf(draft, choices, ref):
    """A primitive part of a nested value; a primitive one as it is."""
    while ref.kind.family == "struct":
        name, kind = choices.pick(ref.kind.fields)
        samples = tuple(value and value[name] for value in ref.samples)
        ref = Ref(f'({ref.sql})."{name}"', kind, samples, certain=ref.certain)
    if ref.kind.family == "array":
        element = ref.kind.fields[0][1]
        if element.is_nested or choices.below(2):
            return Ref(f"len({ref.sql})", primitive("long"), (0, 1, 2, 3))
        samples = tuple(value[0] for value in ref.samples if value)
        return Ref(f"({ref.sql})[1]", element, samples, certain=ref.certain)
    if ref.kind.family == "map":
        return Ref(f"len(map_keys({ref.sql}))", primitive("long"), (0, 1, 2))
    return ref


def value(draft, choices, source):
    """A column, or something made of one."""
    ref = column(choices, source)
    made = choices.part()
    how = choices.below(10)
    if how < 6:
        return ref
    if how < 8:
        return cast(draft, made, ref)
    if how == 8:
        return function(draft, made, leaf(draft, made, ref))
    other = constant(draft, made, ref.kind, ref.samples)
    if made.below(2):
        return Ref(f"coalesce({ref.sql}, {other})", ref.kind, certain=ref.certain)
    return Ref(f"CASE WHEN {condition(draft, made, source, DEPTH_MAX)} THEN {ref.sql} ELSE {other} END", ref.kind, certain=ref.certain)


def cast(draft, choices, ref):
    """The value in another type that can hold all of its values."""
    targets = []
    if ref.kind.family == "integer":
        targets = [name for name in INTEGERS if fit(ref, name)] + ["double", "decimal(38,0)"]
    elif ref.kind.family == "float":
        targets = ["double"] + [name for name in ("float", "long", "short") if fit(ref, name)]
    elif ref.kind.family == "decimal":
        targets = ["double"] + [name for name in ("decimal(38,0)", "decimal(18,2)", "decimal(20,4)", "decimal(5,2)", "integer") if fit(ref, name)]
    elif ref.kind.family in ("date", "timestamp", "timestamp_ntz"):
        targets = ["timestamp_ntz", "date"]
    elif ref.kind.family == "boolean":
        targets = ["integer"]
    if ref.kind.family == "string" and choices.below(2):
        name = choices.pick(["integer", "double", "date", "boolean"])
        fails = choices.chance(10)
        draft.may_fail |= fails
        return Ref(f"{'CAST' if fails else 'TRY_CAST'}({ref.sql} AS {primitive(name).sql})", primitive(name))
    if ref.certain and ref.kind.family != "string":
        targets.append("string")
    if not targets:
        return ref
    kind = primitive(choices.pick(targets))
    samples = tuple(filter(lambda value: value is not None, (converted(value, ref.kind, kind) for value in ref.samples)))
    return Ref(f"CAST({ref.sql} AS {kind.sql})", kind, samples, certain=ref.certain)


def fit(ref, name):
    return bool(ref.samples) and all(kinds.fits(sample, primitive(name)) for sample in ref.samples)


def converted(value, source, target):
    """A sample in another type; None where it is not worth the while."""
    if value is None or target.family in ("string", "decimal"):
        return None
    if target.family == source.family:
        return values.single(value) if target.delta == "float" else value
    if target.family == "float":
        return float(value)
    if target.family == "integer":
        return int(value)
    if target.family == "date":
        return value.date()
    return datetime.datetime.combine(value, datetime.time()) if source.family == "date" else value.replace(tzinfo=None)


FUNCTIONS = {
    "integer": [("CAST({} AS HUGEINT) + 1", "hugeint"), ("abs(CAST({} AS HUGEINT))", "hugeint"), ("{} % 7", None), ("-CAST({} AS HUGEINT)", "hugeint"),
                ("CAST({} AS HUGEINT) * 3", "hugeint")],
    "float": [("isnan({})", "boolean"), ("{} > 0", "boolean"), ("abs({})", None), ("isinf({})", "boolean")],
    "decimal": [("CAST({} AS DOUBLE)", "double"), ("{} > 0", "boolean")],
    "string": [("length({})", "long"), ("upper({})", "string"), ("lower({})", "string"), ("substr({}, 2, 3)", "string"), ("{} || 'x'", "string"),
               ("left({}, 1)", "string"), ("reverse({})", "string"), ("starts_with({}, 'a')", "boolean"), ("contains({}, 'b')", "boolean")],
    "binary": [("octet_length({})", "long"), ("hex({})", "string"), ("{} || '\\x00'::BLOB", "binary")],
    "boolean": [("NOT {}", "boolean")],
    "date": [("year({})", "long"), ("month({})", "long"), ("date_trunc('month', {})", None), ("dayofweek({})", "long")],
    "timestamp": [("year({})", "long"), ("hour({})", "long"), ("epoch_us({})", "long")],
    "timestamp_ntz": [("year({})", "long"), ("microsecond({})", "long"), ("date_trunc('hour', {})", None), ("epoch_us({})", "long")],
}


def function(draft, choices, ref):
    text, name = choices.pick(FUNCTIONS[ref.kind.family])
    if name is None and ref.kind.family == "date":
        return Ref(f"CAST({text.format(ref.sql)} AS DATE)", ref.kind, ref.samples)
    return Ref(f"({text.format(ref.sql)})", primitive(name) if name else ref.kind, () if name else ref.samples, certain=ref.certain)


# Conditions


def condition(draft, choices, source, depth=0):
    """Something that is true, false or null for each row. Sub-queries stand at the upper levels only."""
    part = choices.part()
    return part.pick(CONDITIONS if depth == 0 else CONDITIONS[:-len(SUBQUERIES)] if depth < DEPTH_MAX else COMPARISONS)(draft, part, source, depth)


def compared(draft, choices, source, depth):
    ref = leaf(draft, choices, column(choices, source))
    if choices.chance(20):
        ref = cast(draft, choices.part(), ref)
    operator = choices.pick(OPERATORS)
    other = constant(draft, choices.part(), ref.kind, ref.samples)
    return f"{other} {operator} {ref.sql}" if choices.chance(10) else f"{ref.sql} {operator} {other}"


def equal(draft, choices, source, depth):
    ref = column(choices, source)
    return f"{ref.sql} = {constant(draft, choices.part(), ref.kind, ref.samples)}"


def in_list(draft, choices, source, depth):
    ref = leaf(draft, choices, column(choices, source))
    items = [constant(draft, choices.part(), ref.kind, ref.samples) for _ in range(choices.below(5) + 1)]
    return f"{ref.sql} {choices.pick(['IN', 'IN', 'NOT IN'])} ({', '.join(items)})"


def between(draft, choices, source, depth):
    ref = leaf(draft, choices, column(choices, source))
    low, high = (constant(draft, choices.part(), ref.kind, ref.samples) for _ in range(2))
    return f"{ref.sql} {choices.pick(['BETWEEN', 'BETWEEN', 'NOT BETWEEN'])} {low} AND {high}"


def null_test(draft, choices, source, depth):
    ref = leaf(draft, choices, column(choices, source)) if choices.below(2) else column(choices, source)
    return f"{ref.sql} {choices.pick(['IS NULL', 'IS NOT NULL'])}"


def distinct(draft, choices, source, depth):
    ref = leaf(draft, choices, column(choices, source))
    return f"{ref.sql} {choices.pick(['IS NOT DISTINCT FROM', 'IS DISTINCT FROM'])} {constant(draft, choices.part(), ref.kind, ref.samples)}"


def like(draft, choices, source, depth):
    texts = [ref for ref in (leaf(draft, choices, ref) for ref in source.refs) if ref.kind.family == "string"]
    if not texts:
        return compared(draft, choices, source, depth)
    ref = choices.pick(texts)
    sample = choices.pick([sample for sample in ref.samples if sample] or ["a"])
    pattern = choices.pick([sample[:1] + "%", sample + "%", "%" + sample[-1:], "%" + sample[:2] + "%", sample, "_" + sample[1:], sample[:1] + "%" + sample[-1:], "%"])
    return f"{ref.sql} {choices.pick(['LIKE', 'LIKE', 'NOT LIKE', 'ILIKE'])} {quoted(pattern)}"


def two_columns(draft, choices, source, depth):
    ref = leaf(draft, choices, column(choices, source))
    others = [other for other in source.refs if other.kind == ref.kind]
    return f"{ref.sql} {choices.pick(OPERATORS)} {(choices.pick(others) if others else ref).sql}"


def computed(draft, choices, source, depth):
    ref = function(draft, choices, leaf(draft, choices, column(choices, source)))
    return f"{ref.sql} {choices.pick(OPERATORS)} {constant(draft, choices.part(), ref.kind, ref.samples)}"


def boolean_column(draft, choices, source, depth):
    flags = [ref for ref in source.refs if ref.kind.family == "boolean"]
    return choices.pick(flags).sql if flags else compared(draft, choices, source, depth)


def several(draft, choices, source, depth):
    parts = [condition(draft, choices, source, depth + 1) for _ in range(choices.below(2) + 2)]
    return "(" + choices.pick([" AND ", " OR ", " OR "]).join(parts) + ")"


def negated(draft, choices, source, depth):
    return f"NOT ({condition(draft, choices, source, depth + 1)})"


def matching(draft, choices, kind):
    """A table and a column of it of the kind; None where there is none."""
    able = [table for table in draft.tables if any(column.kind == kind for column in table.columns)]
    if not able:
        return None, None
    source = table_source(Draft(able, aliases=draft.aliases), choices)
    draft.alias()
    return source, choices.pick([ref for ref in source.refs if ref.kind == kind])


def in_subquery(draft, choices, source, depth):
    ref = column(choices, source)
    other, found = matching(draft, choices, ref.kind)
    if not other:
        return compared(draft, choices, source, depth)
    where = f" WHERE {condition(draft, choices, other, 1)}" if choices.chance(50) else ""
    top = f" ORDER BY {order(choices, found)}, {other.keys[0]} {limit(choices, 20)}" if choices.chance(40) else ""
    return f"{ref.sql} {choices.pick(['IN', 'IN', 'NOT IN'])} (SELECT {found.sql} FROM {other.sql}{where}{top})"


def exists(draft, choices, source, depth):
    ref = column(choices, source)
    other, found = matching(draft, choices, ref.kind)
    if not other or source.rows * other.rows > PAIRS_MAX:
        return compared(draft, choices, source, depth)
    more = f" AND {condition(draft, choices, other, 1)}" if choices.chance(40) else ""
    return f"{choices.pick(['EXISTS', 'EXISTS', 'NOT EXISTS'])} (SELECT 1 FROM {other.sql} WHERE {found.sql} = {ref.sql}{more})"


def scalar_subquery(draft, choices, source, depth):
    ref = leaf(draft, choices, column(choices, source))
    other, found = matching(draft, choices, ref.kind)
    if not other:
        return compared(draft, choices, source, depth)
    where = f" WHERE {condition(draft, choices, other, 1)}" if choices.chance(50) else ""
    quantified = choices.below(4)
    if quantified > 1 and source.rows * other.rows <= PAIRS_MAX:
        return f"{ref.sql} {choices.pick(OPERATORS)} {['ANY', 'ALL'][quantified - 2]} (SELECT {found.sql} FROM {other.sql}{where})"
    return f"{ref.sql} {choices.pick(OPERATORS)} (SELECT {choices.pick(['max', 'min'])}({found.sql}) FROM {other.sql}{where})"


COMPARISONS = [equal, compared, compared, in_list, between, null_test, distinct, like, two_columns, computed, boolean_column]
SUBQUERIES = [in_subquery, in_subquery, exists, scalar_subquery]
CONDITIONS = [*COMPARISONS, several, several, several, negated, *SUBQUERIES]


# Orders


def order(choices, ref):
    return ref.sql + choices.pick(["", " DESC", " NULLS FIRST", " DESC NULLS LAST", " DESC NULLS FIRST", " NULLS LAST"])


def limit(choices, rows_max):
    offset = f" OFFSET {choices.below(rows_max)}" if choices.chance(25) else ""
    return f"LIMIT {choices.pick([1, 2, 3, 5, 0, rows_max])}{offset}"
