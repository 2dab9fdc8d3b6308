#!/usr/bin/env python3
"""Holds the rules of docs/style.md that no compiler checks.

    tools/tidy.py [ROOT]

Prints a line `path:line: rule: text` for each finding and exits with 1 if there is one. Every rule has a case in
tests/tidy_test.py that shows it fail.
"""

import re
import subprocess
import sys
from pathlib import Path

KIB = 1024
FILE_BYTES_MAX = 256 * KIB
SOURCE_LINES_MAX = 1000
HEADER_LINES_MAX = 400
FUNCTION_LINES_MAX = 120

# Which modules may see a vendor's headers. Where a vendor is not named here, any module may.
VENDOR_MODULES = {
    "duckdb": ("duck", "extension"),
    "boost": ("server",),
    "yaml-cpp": ("lake",),
    "CLI": ("cli",),
}
# A header that includes one of these is for its own module only.
VENDORS_KEPT_IN = ("duckdb", "boost", "yaml-cpp", "CLI", "simdjson")
VENDORS_IN_SOURCES_ONLY = ("simdjson",)

FORBIDDEN_WORDS = {"util", "utils", "helper", "helpers", "common", "misc", "manager", "impl"}
# Written in two halves, so that this file does not name what it forbids to name.
REGISTRY_HOSTS = [
    ".".join(parts) for parts in (
        ("pypi", "org"), ("pythonhosted", "org"), ("crates", "io"), ("npmjs", "org"), ("npmjs", "com"),
        ("golang", "org"), ("maven", "org"), ("deb.debian", "org"), ("security.debian", "org"))
]
# Bytes that others wrote: facts, not our text.
OTHERS_TEXT = ("tests/golden/", "tests/rest/recorded/", "third_party/", "LICENSE")
CODE_SUFFIXES = (".cc", ".h", ".py", ".sh", ".js", ".ts", ".html", ".css", ".cmake", ".txt", ".sql", ".test")
# Folders of the repository: a path in a document that starts with one of them must exist.
TOP_FOLDERS = ("yummy", "docs", "tools", "tests", "cmake", "third_party", "examples", "bench", "fuzz", "web", "python",
               "changes", ".ci")

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')
# Units that include each other and are meant to: DuckDB's catalogue, whose entries, schemas and transactions know each other; and a
# table, which begins transactions that commit to it.
KNOTS_ALLOWED = [
    {"yummy/duck/catalog/" + unit for unit in ("catalog", "delta_transaction", "schema_entry", "statement_plan", "table_entry")},
    {"yummy/delta/commit/table", "yummy/delta/commit/transaction"},
]
COLUMNS_MAX = 120
MODULE_CALL = re.compile(r"yummy_module\(\s*(\w+)([^)]*)\)")
TYPE_NAME = re.compile(r"^\s*(?:template\s*<[^>]*>\s*)?(?:class|struct|enum class|enum|union|using|concept)\s+(\w+)")
OPEN_TASK = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b(?!\(#\d+\))")
MACHINE_PATH = re.compile(r"(?<![\w.}/:-])/(?:work|root|home/\w+|Users/\w+)/")
SHARED_FOLDER = re.compile(r"\.\./sha" r"red\b")
MAKE_VERB = re.compile(r"\bmake((?: [a-z][a-z-]*)+)")
# {"deletionVectors", … and {"GET", {"api", "1.0", kAny}, …
FEATURE_TABLE = "yummy/delta/protocol/features.cc"
FEATURE_ROW = re.compile(r'\.name = "([\w-]+)"')
ROUTE_TABLE = "yummy/server/routes/routes.cc"
ROUTE_ROW = re.compile(r'\s*\{"([A-Z]+)", \{([^}]*)\}')
PROTOCOL_TABLE = "docs/protocol.md"
CLAIM = re.compile(r"(yes|conflict)\b")
UNIT_TEST = re.compile(r"^TEST(?:_[FP])?\(\s*(\w+),\s*(\w+)\s*\)", re.MULTILINE)
PYTHON_TEST = re.compile(r"^def (test_\w+)", re.MULTILINE)
MARKDOWN_LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE_SPAN = re.compile(r"`([^`]+)`")
RAW_STRING = re.compile(r'R"(\w*)\((.*?)\)\1"', re.DOTALL)

# The head of a function that is not in the first column: no statement, no type.
METHOD_HEAD = re.compile(r" +(?!(if|for|while|switch|else|do|try|catch|namespace|class|struct|enum|union|case|return|\})\b).*"
                         r"\)(?: const| noexcept| override| final| -> [\w:<>*& ]+)* \{$")

RULES = {}


def rule(name):
    """Registers a check: a function from the tree to (path, line, text)."""
    def register(check):
        RULES[name] = check
        return check
    return register


class Tree:
    """The files of a checkout that git tracks or would track, and what several rules ask about them."""

    def __init__(self, root):
        self.root = Path(root)
        listed = subprocess.run(
            ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            check=True, stdout=subprocess.PIPE).stdout.decode()
        self.files = sorted({name for name in listed.split("\0") if name and (self.root / name).is_file()})
        self.texts = {}
        self.modules, self.rooms = self.read_modules()
        self.includes = {name: list(self.read_includes(name)) for name in self.sources()}

    def text(self, name):
        """The text of a file; empty for one that is not text."""
        if name not in self.texts:
            try:
                self.texts[name] = (self.root / name).read_text(encoding="utf-8")
            except UnicodeDecodeError:
                self.texts[name] = ""
        return self.texts[name]

    def lines(self, name):
        return enumerate(self.text(name).splitlines(), 1)

    def sources(self):
        return [name for name in self.files if name.endswith((".cc", ".h"))]

    def own_texts(self):
        return [name for name in self.files if not name.startswith(OTHERS_TEXT)]

    def documents(self):
        return [name for name in self.files if name.endswith(".md") and ("/" not in name or name.startswith("docs/"))]

    def read_modules(self):
        """Returns {module: the modules it DEPENDS on} and {module: its ROOMS, bottom first} as CMake sees them."""
        depends, rooms = {}, {}
        for name in self.files:
            if not re.fullmatch(r"yummy/\w+/CMakeLists\.txt", name):
                continue
            text = re.sub(r"#.*", "", self.text(name))
            for module, arguments in MODULE_CALL.findall(text):
                lists, key = {}, None
                for word in arguments.split():
                    if word in ("DEPENDS", "LIBRARIES", "PCH", "ROOMS"):
                        key = word
                    else:
                        lists.setdefault(key, []).append(word)
                depends[module], rooms[module] = lists.get("DEPENDS", []), lists.get("ROOMS", [])
        return depends, rooms

    def read_includes(self, name):
        for number, line in self.lines(name):
            found = INCLUDE.match(line)
            if found:
                yield number, found.group(1) or found.group(2), found.group(1) is not None


def module_of(name):
    parts = name.split("/")
    return parts[1] if len(parts) > 2 and parts[0] == "yummy" else None


def room_of(name):
    """The folder of a file within its module; None at the module's root."""
    parts = name.split("/")
    return parts[2] if len(parts) > 3 and parts[0] == "yummy" else None


def unit_of(tree, name):
    """A header and its source are one unit, with the header beside them that holds what they keep to themselves."""
    unit = name.rpartition(".")[0]
    owner = unit.removesuffix("_state")
    return owner if owner + ".h" in tree.includes else unit


def vendor_of(include):
    return re.split(r"[/.]", include)[0]


def is_test(name):
    return name.endswith(("_test.cc", "_benchmark.cc", "/testing.h", "/testing.cc")) or "_testing." in name


def without_raw_strings(text):
    """With empty strings in their place, on as many lines."""
    return RAW_STRING.sub(lambda found: '""' + "\n" * found.group(0).count("\n"), text)


def words_of(name):
    """Splits snake_case and PascalCase into lower-case words."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)]


@rule("layer")
def check_layers(tree):
    """An include goes to the own module or to one that CMake lists in DEPENDS."""
    for name, includes in tree.includes.items():
        module = module_of(name)
        if module not in tree.modules:
            continue
        allowed = {module, *tree.modules[module]}
        for number, include, _ in includes:
            target = module_of(include)
            if target and target not in allowed:
                yield name, number, (f"{module} may not include {include}: "
                                     f"its DEPENDS are {' '.join(tree.modules[module]) or 'none'}")


@rule("module")
def check_modules(tree):
    """Every folder of yummy/ that holds C++ is a module that CMake knows."""
    folders = {}
    for name in tree.sources():
        if module_of(name):
            folders.setdefault(module_of(name), name)
    for module, name in sorted(folders.items()):
        if module not in tree.modules:
            yield name, 1, f"yummy/{module}/CMakeLists.txt has no yummy_module({module} …)"


@rule("room")
def check_rooms(tree):
    """In a module with ROOMS every source is in one of them, and includes go to the own room, to one before it, or to the root."""
    for name, includes in tree.includes.items():
        module, room = module_of(name), room_of(name)
        rooms = tree.rooms.get(module)
        if not rooms:
            if module in tree.modules and room and name.endswith(".cc"):
                yield name, 1, f"the ROOMS of {module} do not name {room}"
            continue
        if room not in rooms:
            if room or name.endswith(".cc"):
                yield name, 1, f"is in none of the ROOMS of {module}: {' '.join(rooms)}"
            continue
        above = set() if is_test(name) else set(rooms[rooms.index(room) + 1:])
        for number, include, _ in includes:
            if module_of(include) == module and room_of(include) in above:
                yield name, number, f"{room} may not include {include}: the room is above it"


@rule("face")
def check_faces(tree):
    """Of a module with rooms and headers at its root, other modules include those headers only."""
    faces = {module_of(name) for name in tree.sources()
             if name.endswith(".h") and room_of(name) is None and tree.rooms.get(module_of(name))}
    for name, includes in tree.includes.items():
        for number, include, _ in includes:
            target = module_of(include)
            if target in faces and target != module_of(name) and module_of(name) and room_of(include):
                yield name, number, f"{include} is inside yummy/{target}: others include the headers at its root"


@rule("knot")
def check_knots(tree):
    """No two units include each other, directly or by others."""
    edges = {}
    for name, includes in tree.includes.items():
        if module_of(name) and not is_test(name):
            unit = unit_of(tree, name)
            targets = {unit_of(tree, include) for _, include, _ in includes if include in tree.includes}
            edges.setdefault(unit, set()).update(targets - {unit})
    for knot in knots(edges):
        if not any(allowed.issuperset(knot) for allowed in KNOTS_ALLOWED):
            yield min(knot) + ".h", 1, f"these include each other: {' '.join(sorted(knot))}"


def knots(edges):
    """The strongly connected components of more than one node (Tarjan's algorithm, without recursion)."""
    index, low, stack, on_stack = {}, {}, [], set()
    for root in sorted(edges):
        work = [(root, iter(sorted(edges.get(root, ()))))] if root not in index else []
        while work:
            node, targets = work[-1]
            if node not in index:
                index[node] = low[node] = len(index)
                stack.append(node)
                on_stack.add(node)
            for target in targets:
                if target not in index:
                    work.append((target, iter(sorted(edges.get(target, ())))))
                    break
                if target in on_stack:
                    low[node] = min(low[node], index[target])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    component = set()
                    while node not in component:
                        component.add(stack.pop())
                    on_stack -= component
                    if len(component) > 1:
                        yield component


@rule("vendor")
def check_vendors(tree):
    """A vendor's headers stay in the modules that wrap it."""
    for name, includes in tree.includes.items():
        module = module_of(name)
        if module is None:
            continue
        for number, include, _ in includes:
            vendor = vendor_of(include)
            homes = VENDOR_MODULES.get(vendor)
            if homes and module not in homes:
                yield name, number, f"{include} may be included in {', '.join(f'yummy/{home}' for home in homes)} only"
            if vendor in VENDORS_IN_SOURCES_ONLY and name.endswith(".h"):
                yield name, number, f"{include} may be included in .cc files only"


@rule("vendor-leak")
def check_vendor_leaks(tree):
    """A header that shows a vendor's types, itself or through another of its module, is not for other modules."""
    leaking = {}
    changed = True
    while changed:
        changed = False
        for name, includes in tree.includes.items():
            if not name.endswith(".h") or name in leaking:
                continue
            for _, include, _ in includes:
                vendor = leaking.get(include) or (vendor_of(include) if vendor_of(include) in VENDORS_KEPT_IN else None)
                if vendor:
                    leaking[name] = vendor
                    changed = True
                    break
    for name, includes in tree.includes.items():
        for number, include, _ in includes:
            if include in leaking and module_of(include) != module_of(name) and module_of(name):
                yield name, number, f"{include} shows {leaking[include]} types and is for yummy/{module_of(include)} only"


@rule("include-path")
def check_include_paths(tree):
    """Our headers are included by their path from the root of the repository."""
    for name, includes in tree.includes.items():
        for number, include, quoted in includes:
            if include.startswith("yummy/"):
                if not quoted:
                    yield name, number, f'write #include "{include}"'
                elif include not in tree.includes:
                    yield name, number, f"{include} does not exist"
            elif quoted and str(Path(name).parent / include) in tree.includes:
                yield name, number, f'write #include "{Path(name).parent / include}"'


@rule("pragma-once")
def check_pragma_once(tree):
    for name in tree.sources():
        if name.endswith(".h") and "#pragma once" not in tree.text(name):
            yield name, 1, "a header starts with #pragma once"


@rule("file-length")
def check_file_lengths(tree):
    for name in tree.files:
        limit = HEADER_LINES_MAX if name.endswith(".h") else SOURCE_LINES_MAX
        is_source = name.endswith((".cc", ".h")) or (name.endswith((".py", ".test")) and name.startswith("tests/"))
        lines = tree.text(name).count("\n")
        if is_source and lines > limit:
            yield name, limit + 1, f"{lines} lines, the limit is {limit}: split by noun"


@rule("function-length")
def check_function_lengths(tree):
    """In the layout of clang-format a function outside a class starts in the first column and ends with a lone `}`."""
    not_function = re.compile(r"(namespace|class|struct|enum|union|extern|export|template\s*<.*>\s*(class|struct))\b")
    for name in tree.sources():
        start = head = None
        for number, line in enumerate(without_raw_strings(tree.text(name)).splitlines(), 1):
            if line.startswith("}"):
                if line == "}" and start is not None and number - start + 1 > FUNCTION_LINES_MAX:
                    yield name, start, (f"a function of {number - start + 1} lines, the limit is {FUNCTION_LINES_MAX}: "
                                        f"{head[:60]}")
                start = None
            elif start is None and re.match(r"[A-Za-z_~:]", line) and not not_function.match(line):
                # Opens here or on a following line of the same declaration; a plain statement ends with ; or ).
                if not line.rstrip().endswith((";", "}")):
                    start, head = number, line
            elif start is not None and line and not line[0].isspace() and line[0] not in "}#/)":
                start, head = (None, None) if not_function.match(line) else (number, line)


@rule("method-length")
def check_method_lengths(tree):
    """Inside a class, or another function, one ends with a lone `}` below the line that opened it."""
    for name in tree.sources():
        opened = {}
        for number, line in enumerate(without_raw_strings(tree.text(name)).splitlines(), 1):
            indent = len(line) - len(line.lstrip(" "))
            if METHOD_HEAD.match(line):
                opened[indent] = (number, line.strip())
            elif line[indent:indent + 1] == "}" and indent in opened:
                start, head = opened.pop(indent)
                if number - start + 1 > FUNCTION_LINES_MAX:
                    yield name, start, f"a function of {number - start + 1} lines, the limit is {FUNCTION_LINES_MAX}: {head[:60]}"


@rule("line-length")
def check_line_lengths(tree):
    """clang-format breaks code and comments; a raw string stays as it is."""
    for name in tree.sources():
        for number, line in enumerate(without_raw_strings(tree.text(name)).splitlines(), 1):
            if len(line) > COLUMNS_MAX:
                yield name, number, f"{len(line)} columns, the limit is {COLUMNS_MAX}"


@rule("forbidden-name")
def check_names(tree):
    """Names say what a thing is; these words say nothing."""
    for name in tree.files:
        if not name.startswith(OTHERS_TEXT):
            bad = FORBIDDEN_WORDS.intersection(words_of(Path(name).name.partition(".")[0]))
            if bad:
                yield name, 1, f"a file name holds the word '{min(bad)}'"
    for name in tree.sources():
        for number, line in tree.lines(name):
            found = TYPE_NAME.match(line)
            words = words_of(found.group(1)) if found else []
            bad = FORBIDDEN_WORDS.intersection(words)
            if bad or words[-1:] == ["base"]:
                yield name, number, f"the type {found.group(1)} holds the word '{min(bad or {'base'})}'"


@rule("task")
def check_open_tasks(tree):
    """Work left open is an issue; the code names it."""
    for name in tree.own_texts():
        if name.endswith(CODE_SUFFIXES) or Path(name).name == "Makefile":
            for number, line in tree.lines(name):
                found = OPEN_TASK.search(line)
                if found:
                    yield name, number, f"{found.group(1)} without an issue: write TO" "DO(#123)"


@rule("unused-header")
def check_unused_headers(tree):
    """A header that only its own .cc includes has no reason to be one."""
    used = set()
    for name, includes in tree.includes.items():
        used.update(include for _, include, _ in includes if include != name[:-len(".cc")] + ".h")
    precompiled = " ".join(tree.text(name) for name in tree.files if name.endswith("CMakeLists.txt"))
    for name in tree.sources():
        if name.startswith("yummy/") and name.endswith(".h") and name not in used and Path(name).name not in precompiled:
            yield name, 1, "no file but its own .cc includes this header"


@rule("file-size")
def check_file_sizes(tree):
    for name in tree.files:
        size_bytes = (tree.root / name).stat().st_size
        if size_bytes > FILE_BYTES_MAX:
            yield name, 1, f"{size_bytes // KIB} KiB, the limit is {FILE_BYTES_MAX // KIB} KiB"


@rule("document-path")
def check_document_paths(tree):
    """Paths in documents exist: links, and code spans that start with a folder of the repository."""
    for name in tree.documents():
        for number, line in tree.lines(name):
            for link in MARKDOWN_LINK.findall(line):
                target = link.partition("#")[0]
                if not target or re.match(r"[a-z]+:", target):
                    continue
                if not (tree.root / name).parent.joinpath(target).exists():
                    yield name, number, f"the link {link} leads nowhere"
            for span in CODE_SPAN.findall(line):
                path = span.strip().rstrip("/")
                is_path = re.fullmatch(r"[\w.-]+(/[\w.-]+)+", path) and path.split("/")[0] in TOP_FOLDERS
                if is_path and not (tree.root / path).exists():
                    yield name, number, f"{path} does not exist"


@rule("document-verb")
def check_document_verbs(tree):
    """`make` verbs in documents are targets of the Makefile."""
    targets = set(re.findall(r"^([a-z][a-z-]*):", tree.text("Makefile"), re.MULTILINE)) if "Makefile" in tree.files else set()
    for name in tree.documents():
        in_block = False
        for number, line in tree.lines(name):
            if line.lstrip().startswith("```"):
                in_block = not in_block
                continue
            for code in [line.partition("#")[0]] if in_block else CODE_SPAN.findall(line):
                for verbs in MAKE_VERB.findall(code):
                    for verb in verbs.split():
                        if verb not in targets:
                            yield name, number, f"the Makefile has no target {verb}"


@rule("feature-row")
def check_feature_rows(tree):
    """Each table feature that the engine names has a row in docs/protocol.md."""
    names = set(re.findall(r"[\w-]+", tree.text("docs/protocol.md"))) if "docs/protocol.md" in tree.files else set()
    if FEATURE_TABLE in tree.files:
        for number, line in tree.lines(FEATURE_TABLE):
            found = FEATURE_ROW.search(line)
            if found and found.group(1) not in names:
                yield FEATURE_TABLE, number, f"the feature {found.group(1)} has no row in docs/protocol.md"


@rule("route-row")
def check_route_rows(tree):
    """Each route of the server has a row in docs/rest.md."""
    rows = set()
    for _, line in tree.lines("docs/rest.md") if "docs/rest.md" in tree.files else ():
        cells = line.split("|")
        if len(cells) > 3:
            paths = [re.sub(r"\{[^}]*\}", "*", span.partition("?")[0]) for span in CODE_SPAN.findall(cells[2])]
            rows.update((method, path) for method in re.findall(r"[A-Z]+", cells[1]) for path in paths)
    if ROUTE_TABLE in tree.files:
        for number, line in tree.lines(ROUTE_TABLE):
            found = ROUTE_ROW.match(line)
            if found:
                path = "".join("/" + segment.strip().replace("kAny", "*").strip('"') for segment in found.group(2).split(","))
                if (found.group(1), path) not in rows:
                    yield ROUTE_TABLE, number, f"the route {found.group(1)} {path} has no row in docs/rest.md"


def test_names(tree):
    """The tests of the tree: Suite.Name of C++, file::name of Python."""
    names = set()
    for name in tree.files:
        if name.endswith("_test.cc"):
            names.update(f"{suite}.{test}" for suite, test in UNIT_TEST.findall(tree.text(name)))
        elif name.startswith("tests/") and name.endswith("_test.py"):
            names.update(f"{name}::{test}" for test in PYTHON_TEST.findall(tree.text(name)))
    return names


@rule("protocol-test")
def check_protocol_tests(tree):
    """A row of docs/protocol.md that claims something names tests, and these exist."""
    if PROTOCOL_TABLE not in tree.files:
        return
    known = test_names(tree)
    in_table = False
    for number, line in tree.lines(PROTOCOL_TABLE):
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if not cells:
            in_table = False
        elif not in_table:
            in_table = cells[-1] == "test"
        elif not cells[-1].startswith("---"):
            tests = CODE_SPAN.findall(cells[-1])
            if not tests and any(CLAIM.match(cell) for cell in cells[1:-1]):
                yield PROTOCOL_TABLE, number, f"no test shows: {cells[0]}"
            for test in tests:
                if test not in known:
                    yield PROTOCOL_TABLE, number, f"there is no test {test}"


@rule("registry-host")
def check_registry_hosts(tree):
    """Package clients know their registries; the repository names none."""
    pattern = re.compile(r"(?<![\w-])(?:[\w-]+\.)*(" + "|".join(re.escape(host) for host in REGISTRY_HOSTS) + r")(?![\w-])")
    for name in tree.files:
        for number, line in tree.lines(name):
            found = pattern.search(line)
            if found:
                yield name, number, f"names the registry host {found.group(0)}"


@rule("machine-path")
def check_machine_paths(tree):
    for name in tree.own_texts():
        for number, line in tree.lines(name):
            found = MACHINE_PATH.search(line)
            if found and name not in ("tools/tidy.py", "tests/tidy_test.py"):
                yield name, number, f"names a folder of one machine: {found.group(0)}"


@rule("shared-folder")
def check_shared_folder(tree):
    """What stands beside the checkout is for tests and benchmarks only."""
    for name in tree.own_texts():
        if name.startswith(("tests/", "bench/")) or is_test(name):
            continue
        for number, line in tree.lines(name):
            if SHARED_FOLDER.search(line):
                yield name, number, "only tests and benchmarks may look beside the checkout"


def findings(root):
    tree = Tree(root)
    for name, check in RULES.items():
        for path, number, text in check(tree):
            yield f"{path}:{number}: {name}: {text}"


def main(arguments):
    root = arguments[0] if arguments else Path(__file__).resolve().parent.parent
    found = sorted(set(findings(root)))
    for line in found:
        print(line)
    print(f"tidy: {len(RULES)} rules, {len(found)} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
