#!/usr/bin/env python3
"""Prints how the code is laid out: modules and rooms with their sizes, and what holds them apart.

    tools/layout.py [CHECKOUT]

Per module: rooms, units, lines of sources and of tests, the share of comment lines in sources. Below: includes that go up, cycles of
folders, the largest knot of units that include each other, the largest file and the longest function.
"""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import tidy


def folder_of(name):
    return "/".join(name.split("/")[:-1])


def longest_function(tree):
    """(lines, file, head) by the layout of clang-format: from a line in the first column that opens a body to the lone `}`."""
    longest = (0, "", "")
    for name in tree.sources():
        start = head = None
        for number, line in enumerate(tidy.without_raw_strings(tree.text(name)).splitlines(), 1):
            if line == "}" and start is not None:
                longest = max(longest, (number - start + 1, name, head))
            if line.startswith("}"):
                start = None
            elif re.match(r"[A-Za-z_~:]", line) and not re.match(r"(namespace|class|struct|enum|union|extern)\b", line) and line.endswith("{"):
                start, head = number, line
            elif start is not None and line and not line[0].isspace() and line[0] not in "#/)":
                start, head = number, line
    return longest


def main(arguments):
    tree = tidy.Tree(arguments[0] if arguments else Path(__file__).resolve().parent.parent)
    sources = [name for name in tree.sources() if name.startswith("yummy/") and not tidy.is_test(name)]
    print(f"{'module':10} {'rooms':>5} {'units':>5} {'lines':>7} {'tests':>7} {'comments':>9}")
    for module in tree.modules:
        own = [name for name in sources if tidy.module_of(name) == module]
        lines = [line.strip() for name in own for _, line in tree.lines(name) if line.strip()]
        tests = sum(len(list(tree.lines(name))) for name in tree.sources() if tidy.module_of(name) == module and tidy.is_test(name))
        comments = sum(line.startswith("//") for line in lines)
        units = {tidy.unit_of(tree, name) for name in own}
        print(f"{module:10} {len(tree.rooms[module]):5} {len(units):5} {len(lines):7} {tests:7} {comments / max(len(lines), 1):9.1%}")

    upward = sum(len(list(check(tree))) for check in (tidy.check_layers, tidy.check_rooms))
    folders, units = {}, {}
    for name in sources:
        targets = {include for _, include, _ in tree.includes[name] if include in tree.includes}
        folders.setdefault(folder_of(name), set()).update({folder_of(target) for target in targets} - {folder_of(name)})
        units.setdefault(tidy.unit_of(tree, name), set()).update({tidy.unit_of(tree, target) for target in targets} - {tidy.unit_of(tree, name)})
    largest = max(tidy.knots(units), key=len, default=set())
    print(f"includes that go up: {upward}; cycles of folders: {len(list(tidy.knots(folders)))}; "
          f"largest knot of units: {max(len(largest), 1)} {' '.join(sorted(largest))}")
    file = max(sources, key=lambda name: len(list(tree.lines(name))))
    print(f"largest file: {file}, {len(list(tree.lines(file)))} lines")
    lines, name, head = longest_function(tree)
    print(f"longest function: {lines} lines, {name}: {head}")


if __name__ == "__main__":
    main(sys.argv[1:])
