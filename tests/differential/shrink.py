"""Makes a failing case small: a few rows in few files, and a short statement."""

import re
import time
from dataclasses import fields, replace

from choices import smaller
from verdict import difference
from oracle import Oracle, for_server, tables_of
from statements import statement
from tables import Append, FileOptions
from writers import write

SECONDS_MAX = 60
REPEATS = 4  # a plan may go wrong in some runs only


class Case:
    """Tables that are written, and a statement; `differs` is what differs, or None."""

    count = 0

    def __init__(self, server, tables, failing):
        Case.count += 1
        self.tables = tables
        self.statement = failing
        self.schema = f"shrunk{Case.count}"
        used = tables_of(failing.sql)
        self.oracle = Oracle(tables)
        try:
            for table in tables:
                if table.name in used:
                    write(table, server, self.schema)
            self.differs = self.try_statement(server, failing)
        except RuntimeError as error:
            self.differs = None
            self.unwritable = error

    def try_statement(self, server, made):
        expected = self.oracle.query(made.sql, made.parameters)
        for _ in range(REPEATS):
            found = server.query(for_server(made.sql, f"{server.store}.{self.schema}"), made.parameters)
            differs = difference(made, expected, found)
            if differs:
                return differs
        return None

    def close(self, server):
        self.oracle.close()
        server.drop(self.schema)


class Shrinker:
    """Takes what is smaller and fails still, until nothing is or the time is up."""

    def __init__(self, server, tables, failing):
        self.server = server
        self.deadline = time.monotonic() + SECONDS_MAX
        self.original = tables  # what the choices of a statement refer to
        self.case = Case(server, tables, failing)

    def run(self):
        """The smallest case that was found; None when the case does not fail again."""
        if not self.case.differs:
            return None
        self.shrink_statement()
        self.shrink_rows()
        self.shrink_statement()
        self.shrink_rows()
        self.simplify_tables()
        return self.case

    def in_time(self):
        return time.monotonic() < self.deadline

    def shrink_statement(self):
        """Replays smaller trees of choices over the same tables."""
        used = tables_of(self.case.statement.sql)
        seen, progress = {self.case.statement.sql}, True
        while progress and self.in_time():
            progress = False
            for tree in smaller(self.case.statement.choices):
                made = statement(self.original, recorded=tree)
                if made.sql in seen or not tables_of(made.sql) <= used or not self.in_time():
                    continue
                seen.add(made.sql)
                differs = self.case.try_statement(self.server, made)
                if differs and (len(made.sql), str(tree)) < (len(self.case.statement.sql), str(self.case.statement.choices)):
                    self.case.statement, self.case.differs, progress = made, differs, True
                    break

    def take(self, tables):
        """Whether the case fails with these tables, too; then they are its tables."""
        if not self.in_time():
            return False
        case = Case(self.server, tables, self.case.statement)
        (self.case if case.differs else case).close(self.server)
        if case.differs:
            self.case = case
        return bool(case.differs)

    def used(self):
        names = tables_of(self.case.statement.sql)
        return [place for place, table in enumerate(self.case.tables) if table.name in names]

    def with_table(self, place, table):
        return [table if number == place else other for number, other in enumerate(self.case.tables)]

    def shrink_rows(self):
        for place in self.used():
            without(self.case.tables[place].commits, lambda kept, place=place: self.take_commits(place, kept))
            for number in reversed(range(len(self.case.tables[place].commits))):
                commits = self.case.tables[place].commits
                if number < len(commits) and isinstance(commits[number], Append):
                    without(commits[number].rows, lambda rows, place=place, number=number: self.take_rows(place, number, rows))

    def take_commits(self, place, commits):
        return self.take(self.with_table(place, self.case.tables[place].with_commits(commits)))

    def take_rows(self, place, number, rows):
        commits = list(self.case.tables[place].commits)
        commits[number] = replace(commits[number], rows=rows)
        return bool(rows) and self.take_commits(place, commits)

    def simplify_tables(self):
        """Features that do not matter, columns that nothing names, values that may as well be null."""
        for place in self.used():
            for change in ({"partitions": []}, {"mapping": None}, {"inline_vectors": False}):
                table = self.case.tables[place]
                if all(getattr(table, name) != value for name, value in change.items()):
                    self.take(self.with_table(place, replace(table, **change)))
            for name in [column.name for column in self.case.tables[place].columns[1:]]:
                if not re.search(rf"\b{name}\b", self.case.statement.sql):
                    self.take(self.with_table(place, without_column(self.case.tables[place], name)))
            for option in fields(FileOptions):
                commits = self.case.tables[place].commits
                simple = [replace(commit, options=replace(commit.options, **{option.name: option.default})) if isinstance(commit, Append)
                          else commit for commit in commits]
                if simple != commits:
                    self.take_commits(place, simple)


def without(items, fails):
    """Leaves out halves, quarters and so on of the items as long as it fails."""
    width = max(len(items) // 2, 1)
    while items:
        start = 0
        while start < len(items):
            kept = items[:start] + items[start + width:]
            if fails(kept):
                items = kept
            else:
                start += width
        if width == 1:
            return
        width //= 2


def without_column(table, name):
    place = [column.name for column in table.columns].index(name)

    def cut(row):
        return row[:place] + row[place + 1:]

    commits = [replace(commit, rows=[cut(row) for row in commit.rows]) if isinstance(commit, Append) else commit for commit in table.commits]
    return replace(table, columns=cut(table.columns), commits=commits, partitions=[other for other in table.partitions if other != name])
