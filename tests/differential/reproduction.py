"""A failing case as a Python program that shows it again, and what that program runs."""

from verdict import difference
from kinds import as_python, value_as_python
from oracle import Oracle, for_server, tables_of
from server import Server
from shrink import REPEATS
from statements import Statement
from tables import Append, FileOptions
from writers import write

HEAD = '''"""{differs}

Run with YUMMY_PROGRAM and PYTHONPATH=tests/differential in the environment.
"""
import datetime
from decimal import Decimal

from kinds import array, map_of, primitive, struct
from reproduction import show
from tables import Append, Column, Delete, FileOptions, Table

'''


def program(case):
    """The text of the program."""
    made = case.statement
    used = tables_of(made.sql)
    tables = ",\n".join(table_text(table) for table in case.tables if table.name in used)
    differs = case.differs.replace("\\", "\\\\").replace('"""', "'''")
    arguments = f"{made.parameters!r}, ordered={made.ordered}, may_fail={made.may_fail}, exact_zeros={made.exact_zeros}"
    return f"{HEAD.format(differs=differs)}TABLES = [{tables}]\nSQL = {made.sql!r}\nshow(TABLES, SQL, {arguments})\n"


def table_text(table):
    columns = ", ".join(f"Column({column.name!r}, {as_python(column.kind)}{f', narrow={as_python(column.narrow)}' if column.narrow else ''})"
                        for column in table.columns)
    commits = ",\n    ".join(commit_text(commit) for commit in table.commits)
    return (f"Table({table.name!r}, [{columns}],\n   [{commits}],\n   {table.writer!r}, {table.partitions!r}, {table.mapping!r}, {table.inline_vectors})")


def commit_text(commit):
    if not isinstance(commit, Append):
        return repr(commit)
    options = "" if commit.options == FileOptions() else f", {commit.options!r}"
    return f"Append({value_as_python(commit.rows)}{options}{', replaces=True' if commit.replaces else ''})"


def show(tables, sql, parameters=(), ordered=False, may_fail=False, exact_zeros=True):
    """Prints what is right and what the server answers."""
    made = Statement(sql, list(parameters), ordered, may_fail, exact_zeros, [])
    with Server() as server:
        for table in tables:
            write(table, server, "shown")
        text = for_server(sql, f"{server.store}.shown")
        oracle = Oracle(tables)
        expected = oracle.query(sql, made.parameters)
        differs = [difference(made, expected, server.query(text, made.parameters)) for _ in range(REPEATS)]
        oracle.close()
        wrong = list(filter(None, differs))
        print(f"{text}\n{made.parameters}\n{len(wrong)} of {REPEATS} answers differ" + (f":\n{wrong[0]}" if wrong else ""))
        return bool(wrong)
