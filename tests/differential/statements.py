"""Random statements over a set of tables, whose answers are certain: rows are cut off only in a total order."""

from dataclasses import dataclass, replace

from choices import Choices
from expressions import Draft, Ref, Source, column, cast, condition, limit, order, table_source, value
from kinds import decimal_shape, primitive

ROWS_SHOWN_MAX = 2_000
JOINED_ROWS_MAX = 60_000
DERIVED_DEPTH_MAX = 2
SUM_DIGITS_MAX = 28


@dataclass
class Statement:
    """`{t0} AS a` in the text is table t0, `{t0@2} AS a` its version 2. `choices` makes the statement again."""
    sql: str
    parameters: list
    ordered: bool
    may_fail: bool
    exact_zeros: bool
    choices: list


@dataclass
class Query:
    """A SELECT: its text, its columns by name, and names of columns that tell its rows apart."""
    sql: str
    columns: list
    keys: list
    rows: int
    ordered: bool = False


def statement(tables, random=None, recorded=()):
    """A statement over the tables: at random, or as it was recorded."""
    choices = Choices(random, recorded)
    draft = Draft(tables)
    part = choices.part()
    query = part.pick(FORMS)(draft, part)
    return Statement(query.sql, draft.parameters, query.ordered, draft.may_fail, draft.exact_zeros, choices.made)


# FROM


def source(draft, choices, depth=0):
    """Tables and sub-queries, alone or joined."""
    first = single(draft, choices.part(), depth)
    for _ in range(choices.pick([0, 0, 0, 1, 1, 2])):
        first = joined(draft, choices.part(), first, depth)
    return first


def single(draft, choices, depth):
    if depth < DERIVED_DEPTH_MAX and choices.chance(25):
        return derived(draft, choices, depth + 1)
    return table_source(draft, choices)


def derived(draft, choices, depth):
    """A sub-query, with or without a limit."""
    query = choices.pick([plain, plain, grouped, windowed])(draft, choices.part(), depth)
    alias = draft.alias()
    refs = [replace(ref, sql=f"{alias}.{ref.sql}") for ref in query.columns]
    return Source(f"({query.sql}) AS {alias}", refs, [f"{alias}.{key}" for key in query.keys], query.rows)


def joined(draft, choices, left, depth):
    """One more source beside what there is, or one of both alone. Of SEMI and ANTI joins the right side is out of sight."""
    right = single(draft, choices.part(), depth)
    kind = choices.pick([None, "right alone", "JOIN", "JOIN", "JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "SEMI JOIN", "ANTI JOIN", "CROSS JOIN"])
    if kind in (None, "right alone"):
        return right if kind else left
    both = Source("", left.refs + right.refs, left.keys + right.keys, left.rows * right.rows)
    pairs = [(a, b) for a in left.refs for b in right.refs if a.kind == b.kind]
    by_keys = both.rows > JOINED_ROWS_MAX
    if by_keys:
        pairs = [(a, b) for a, b in pairs if a.sql in left.keys and b.sql in right.keys]
        both.rows = max(left.rows, right.rows)
        if not pairs or kind not in ("JOIN", "LEFT JOIN"):
            return left
    if kind == "CROSS JOIN":
        return Source(f"{left.sql} CROSS JOIN {right.sql}", both.refs, both.keys, both.rows)
    if not pairs:
        return left
    a, b = choices.pick(pairs)
    on = f"{a.sql} {'=' if by_keys else choices.pick(['=', '=', '=', '=', 'IS NOT DISTINCT FROM', '<', '>='])} {b.sql}"
    if choices.chance(25) and not by_keys:  # a join by more than equality takes all pairs
        on += f" AND {condition(draft, choices, Source('', right.refs, right.keys, right.rows), 1)}"
    sql = f"{left.sql} {kind} {right.sql} ON {on}"
    if kind in ("SEMI JOIN", "ANTI JOIN"):
        return Source(sql, left.refs, left.keys, left.rows)
    return Source(sql, both.refs, both.keys, both.rows)


def where(draft, choices, found, percent=70):
    return f" WHERE {condition(draft, choices, found)}" if choices.chance(percent) else ""


# SELECT


def named(draft, refs):
    """The SELECT list, and the columns as the query around sees them."""
    columns = [replace(ref, sql=draft.alias("e")) for ref in refs]
    return ", ".join(f"{ref.sql} AS {column.sql}" for ref, column in zip(refs, columns)), columns


def with_keys(draft, found, depth):
    """For a query around this one: keys as more columns of the SELECT list, and their names."""
    names = [draft.alias("k") for _ in found.keys] if depth else []
    return [f"{key} AS {name}" for key, name in zip(found.keys, names)], names


def total_order(choices, refs, keys):
    """ORDER BY some of these and then by what tells rows apart."""
    items = [order(choices.part(), choices.pick(refs)) for _ in range(choices.below(3))] + keys
    return " ORDER BY " + ", ".join(items) if items else ""


def plain(draft, choices, depth=0):
    """Values of rows; cut off in a total order or not at all."""
    found = source(draft, choices.part(), depth)
    refs = [value(draft, choices.part(), found) for _ in range(choices.below(4) + 1)]
    listed, columns = named(draft, refs)
    keys, key_names = with_keys(draft, found, depth)
    sql = f"SELECT {', '.join([listed, *keys])} FROM {found.sql}{where(draft, choices.part(), found)}"
    rows_max = min(found.rows, 50) or 1
    cut = choices.chance(45) or found.rows > ROWS_SHOWN_MAX
    ordered = cut or choices.chance(20)
    if ordered:  # what is sorted comes back with zeros of one sign
        draft.exact_zeros = False
        columns = [replace(ref, certain=False) for ref in columns]
        sql += total_order(choices.part(), found.refs + refs, found.keys)
    if cut and found.keys:
        sql += " " + limit(choices.part(), rows_max)
    return Query(sql, columns, key_names, rows_max if cut else found.rows, ordered)


def top(draft, choices):
    """The first values in their own order: rows that are equal in it are equal."""
    found = source(draft, choices.part())
    ref = column(choices, found)
    if choices.below(2):
        ref = cast(draft, choices.part(), ref)
    draft.exact_zeros = False
    listed, columns = named(draft, [ref])
    sql = f"SELECT {listed} FROM {found.sql}{where(draft, choices.part(), found, 40)} ORDER BY {order(choices, columns[0])}"
    return Query(f"{sql} {limit(choices, 20)}", columns, [], 20, True)


def aggregates(choices, found, ref):
    """Aggregates of the column, as (text, kind); sums only where they are exact in any order."""
    by_keys = ", ".join(found.keys)
    made = [("count(*)", primitive("long")), ("count({0})", primitive("long")), ("min({0})", ref.kind), ("max({0})", ref.kind),
            ("count(DISTINCT {0})", primitive("long"))]
    if by_keys:
        made += [(f"first({{0}} ORDER BY {by_keys})", ref.kind), (f"last({{0}} ORDER BY {by_keys} DESC)", ref.kind), (f"arg_max({{0}}, {found.keys[0]})", ref.kind)]
        made = made[:-1] if len(found.keys) > 1 else made
    if ref.kind.family == "integer" and ref.kind.delta != "hugeint":
        made += [("sum({0})", primitive("hugeint")), ("avg({0})", primitive("double")), ("bit_xor({0})", ref.kind)]
    if ref.exact_sums:
        made += [("sum({0})", primitive("double")), ("avg({0})", primitive("double"))]
    if ref.kind.family == "decimal" and decimal_shape(ref.kind.delta)[0] <= SUM_DIGITS_MAX:
        made += [("sum({0})", primitive(f"decimal(38,{decimal_shape(ref.kind.delta)[1]})")), ("avg({0})", primitive("double"))]
    if ref.kind.family == "boolean":
        made += [("bool_and({0})", ref.kind), ("bool_or({0})", ref.kind)]
    return made


def aggregate(draft, choices, found):
    ref = column(choices, found)
    text, kind = choices.pick(aggregates(choices, found, ref))
    filtered = f" FILTER (WHERE {condition(draft, choices, found, 1)})" if choices.chance(15) else ""
    return Ref(text.format(ref.sql) + filtered, kind, ref.samples if kind == ref.kind and "xor" not in text else (), certain=False)


def grouped(draft, choices, depth=0):
    """Aggregates, of all rows or of groups."""
    draft.exact_zeros = False
    found = source(draft, choices.part(), depth)
    groups = [replace(value(draft, choices.part(), found), certain=False) for _ in range(choices.pick([0, 1, 1, 2]))]
    refs = groups + [aggregate(draft, choices.part(), found) for _ in range(choices.below(3) + 1)]
    listed, columns = named(draft, refs)
    names = [ref.sql for ref in columns[:len(groups)]]
    sql = f"SELECT {listed} FROM {found.sql}{where(draft, choices.part(), found, 50)}"
    if groups:
        texts = ", ".join(names)
        shape = choices.pick(["{}", "{}", "{}", "ROLLUP ({})", "CUBE ({})"]) if depth == 0 else "{}"
        sql += f" GROUP BY {shape.format(texts)}"
        if choices.chance(20):
            sql += f" HAVING count(*) {choices.pick(['>', '<', '='])} {choices.below(5)}"
        if shape == "{}" and choices.chance(40):
            sql += total_order(choices.part(), columns, names) + " " + limit(choices.part(), 10)
            return Query(sql, columns, names, found.rows, True)
    return Query(sql, columns, names, found.rows)


def distinct_rows(draft, choices):
    """DISTINCT, or the first row of each of some groups."""
    found = source(draft, choices.part())
    draft.exact_zeros = False
    refs = [value(draft, choices.part(), found) for _ in range(choices.below(3) + 1)]
    listed, columns = named(draft, refs)
    condition_text = where(draft, choices.part(), found, 50)
    if choices.below(2) and found.keys:
        head = column(choices, found)
        sql = f"SELECT DISTINCT ON ({head.sql}) {listed} FROM {found.sql}{condition_text} ORDER BY {order(choices.part(), head)}"
        return Query(f"{sql}, {', '.join(found.keys)} {limit(choices, 20)}", columns, [], 20, True)
    names = [ref.sql for ref in columns]
    sql = f"SELECT DISTINCT {listed} FROM {found.sql}{condition_text}"
    if not choices.below(2):
        return Query(sql, columns, names, found.rows)
    return Query(f"{sql}{total_order(choices.part(), columns, names)} {limit(choices, 20)}", columns, names, 20, True)


def window(draft, choices, found):
    """A window function whose value is certain: over a total order, or of ranks."""
    ref = column(choices, found)
    over = ""
    if choices.below(2):
        over = f"PARTITION BY {column(choices, found).sql} "
    by = f"ORDER BY {order(choices.part(), column(choices, found))}"
    by_keys = ", ".join([by, *found.keys])
    frame = choices.pick(["", "ROWS BETWEEN 2 PRECEDING AND CURRENT ROW", "ROWS BETWEEN 1 PRECEDING AND 2 FOLLOWING",
                          "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING"])
    long = primitive("long")
    forms = [("row_number()", by_keys, "", long), ("rank()", by, "", long), ("dense_rank()", by, "", long), ("ntile(3)", by_keys, "", long),
             (f"lag({ref.sql})", by_keys, "", ref.kind), (f"lead({ref.sql}, 2)", by_keys, "", ref.kind),
             (f"first_value({ref.sql})", by_keys, frame, ref.kind), (f"last_value({ref.sql})", by_keys, frame, ref.kind),
             ("count(*)", by_keys, frame, long), (f"max({ref.sql})", by_keys, frame, ref.kind), (f"count({ref.sql})", by_keys, frame, long)]
    text, ordering, shown, kind = choices.pick(forms)
    return Ref(f"{text} OVER ({over}{ordering} {shown})", kind, certain=False)


def windowed(draft, choices, depth=0):
    """Rows with windows over them, some left out by QUALIFY."""
    found = source(draft, choices.part(), depth)
    if not found.keys:
        return grouped(draft, choices, depth)
    draft.exact_zeros = False
    refs = [value(draft, choices.part(), found), *(window(draft, choices.part(), found) for _ in range(choices.below(2) + 1))]
    listed, columns = named(draft, refs)
    keys, key_names = with_keys(draft, found, depth)
    sql = f"SELECT {', '.join([listed, *keys])} FROM {found.sql}{where(draft, choices.part(), found, 40)}"
    if choices.chance(50):
        partition = f"PARTITION BY {column(choices, found).sql} " if choices.below(2) else ""
        items = ", ".join([order(choices.part(), column(choices, found)), *found.keys])
        sql += f" QUALIFY row_number() OVER ({partition}ORDER BY {items}) <= {choices.below(4) + 1}"
    if found.rows > ROWS_SHOWN_MAX:
        return Query(f"{sql}{total_order(choices.part(), found.refs, found.keys)} {limit(choices, 50)}", columns, key_names, 50, True)
    return Query(sql, columns, key_names, found.rows)


def set_operation(draft, choices):
    """UNION, INTERSECT or EXCEPT of two SELECTs with columns of the same kinds."""
    draft.exact_zeros = False
    left, right = (source(draft, choices.part(), DERIVED_DEPTH_MAX) for _ in range(2))
    refs = [column(choices, left) for _ in range(choices.below(2) + 1)]
    others = [choices.pick([other for other in right.refs if other.kind == ref.kind] or [Ref(f"CAST(NULL AS {ref.kind.sql})", ref.kind)]) for ref in refs]
    listed, columns = named(draft, [replace(ref, certain=False) for ref in refs])
    sql = f"SELECT {listed} FROM {left.sql}{where(draft, choices.part(), left, 50)} "
    sql += choices.pick(["UNION ALL", "UNION", "EXCEPT", "INTERSECT", "EXCEPT ALL", "INTERSECT ALL"])
    sql += f" SELECT {named(draft, others)[0]} FROM {right.sql}{where(draft, choices.part(), right, 50)}"
    names = [ref.sql for ref in columns]
    if choices.chance(40):
        return Query(f"{sql}{total_order(choices.part(), columns, names)} {limit(choices, 20)}", columns, [], 20, True)
    return Query(sql, columns, [], left.rows + right.rows)


def with_query(draft, choices):
    """A query with a name, used once or twice."""
    inner = choices.pick([plain, grouped, windowed])(draft, choices.part(), 1)
    refs = [replace(ref, sql=f"x.{ref.sql}") for ref in inner.columns]
    named_query = Source("w AS x", refs, [f"x.{key}" for key in inner.keys], inner.rows)
    found = joined(draft, choices.part(), named_query, 1) if choices.below(2) else named_query
    listed, columns = named(draft, [value(draft, choices.part(), found) for _ in range(choices.below(3) + 1)])
    kept = choices.pick(["", "", "MATERIALIZED ", "NOT MATERIALIZED "])
    sql = f"WITH w AS {kept}({inner.sql}) SELECT {listed} FROM {found.sql}{where(draft, choices.part(), found, 60)}"
    if found.rows > ROWS_SHOWN_MAX:
        sql += f"{total_order(choices.part(), found.refs, found.keys)} {limit(choices, 50) if found.keys else ''}"
    return Query(sql, columns, [], found.rows)


FORMS = [plain, plain, plain, plain, top, top, grouped, grouped, distinct_rows, windowed, set_operation, with_query]
