"""Shows each rule of tools/tidy.py fail, and a clean tree pass."""

import importlib.util
import subprocess
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parent.parent / "tools" / "tidy.py"
SPEC = importlib.util.spec_from_file_location("tidy", SOURCE)
tidy = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(tidy)

HEADER = "#pragma once\n"
CLEAN = {
    "Makefile": "test:\n\ttrue\n",
    "README.md": "Run `make test`; see [docs](docs/style.md) and `yummy/base/url.h`.\n```\nmake test\n```\n",
    "docs/style.md": "# Style\n",
    "yummy/base/CMakeLists.txt": "yummy_module(base LIBRARIES fmt::fmt)\n",
    "yummy/base/url.h": HEADER + "class Url {};\n",
    "yummy/base/url.cc": '#include "yummy/base/url.h"\n\nint Port() {\n  return 1;\n}\n',
    "yummy/duck/CMakeLists.txt": "yummy_module(duck DEPENDS base ROOMS scan)\n",
    "yummy/duck/scan/scan.cc": '#include <duckdb.hpp>\n#include "yummy/base/url.h"\n#include "yummy/duck/scan/scan.h"\n// TO'
                          'DO(#12): more\n',
    "yummy/duck/scan/scan.h": HEADER + '#include <duckdb.hpp>\n',
    "yummy/duck/scan/scan_test.cc": '#include "yummy/duck/scan/scan.h"\nTEST_F(Scan, Works) {}\n// beside the checkout: ../sha' 'red/fixtures\n',
    "yummy/delta/CMakeLists.txt": "yummy_module(delta DEPENDS base ROOMS log commit)\n",
    "yummy/delta/log/log.h": HEADER,
    "yummy/delta/commit/table.h": HEADER + '#include "yummy/delta/log/log.h"\n',
    "yummy/delta/log/log_test.cc": '#include "yummy/delta/commit/table.h"\n',
    "docs/protocol.md": "| part | read | test |\n| --- | --- | --- |\n| gaps | yes | `Scan.Works`, `tests/some_test.py::test_some` |\n",
    "tests/some_test.py": "def test_some():\n    pass\n",
}
LONG_FUNCTION = "int Sum(int value,\n        int other) {\n" + "  value += other;\n" * 120 + "  return value;\n}\n"
# Rule, the files that differ from the clean tree, where the finding is.
CASES = [
    ("layer", {"yummy/base/url.cc": '#include "yummy/base/url.h"\n#include "yummy/duck/scan/scan.h"\n'}, "yummy/base/url.cc:2"),
    ("module", {"yummy/table/append.cc": "\n"}, "yummy/table/append.cc:1"),
    ("vendor", {"yummy/base/url.cc": '#include "duckdb/main/database.hpp"\n'}, "yummy/base/url.cc:1"),
    ("vendor", {"yummy/base/url.cc": "#include <boost/asio.hpp>\n"}, "yummy/base/url.cc:1"),
    ("vendor", {"yummy/duck/scan/scan.h": HEADER + "#include <simdjson.h>\n"}, "yummy/duck/scan/scan.h:2"),
    ("vendor-leak", {"yummy/table/CMakeLists.txt": "yummy_module(table DEPENDS base duck)\n",
                     "yummy/duck/writer.h": HEADER + '#include "yummy/duck/scan/scan.h"\n',
                     "yummy/table/append.cc": '#include "yummy/duck/writer.h"\n'}, "yummy/table/append.cc:1"),
    ("room", {"yummy/delta/log/log.cc": '#include "yummy/delta/commit/table.h"\n'}, "yummy/delta/log/log.cc:1"),
    ("room", {"yummy/delta/table.cc": "\n"}, "yummy/delta/table.cc:1"),
    ("room", {"yummy/delta/attic/table.h": HEADER, "yummy/delta/log/log.cc": '#include "yummy/delta/attic/table.h"\n'}, "yummy/delta/attic/table.h:1"),
    ("room", {"yummy/base/attic/table.cc": "\n"}, "yummy/base/attic/table.cc:1"),
    ("face", {"yummy/delta/face.h": HEADER, "yummy/delta/commit/table.cc": '#include "yummy/delta/face.h"\n',
              "yummy/table/CMakeLists.txt": "yummy_module(table DEPENDS delta)\n",
              "yummy/table/append.cc": '#include "yummy/delta/commit/table.h"\n'}, "yummy/table/append.cc:1"),
    ("knot", {"yummy/base/a.h": HEADER, "yummy/base/a.cc": '#include "yummy/base/b.h"\n', "yummy/base/b.h": HEADER + '#include "yummy/base/c.h"\n',
              "yummy/base/c.h": HEADER, "yummy/base/c.cc": '#include "yummy/base/a.h"\n'}, "yummy/base/a.h:1"),
    ("include-path", {"yummy/base/url.cc": '#include "url.h"\n'}, "yummy/base/url.cc:1"),
    ("include-path", {"yummy/base/url.cc": '#include "yummy/base/absent.h"\n'}, "yummy/base/url.cc:1"),
    ("include-path", {"yummy/base/url.cc": "#include <yummy/base/url.h>\n"}, "yummy/base/url.cc:1"),
    ("pragma-once", {"yummy/base/url.h": "class Url {};\n"}, "yummy/base/url.h:1"),
    ("file-length", {"yummy/base/url.h": HEADER + "\n" * 400}, "yummy/base/url.h:401"),
    ("file-length", {"yummy/base/url.cc": "\n" * 1001}, "yummy/base/url.cc:1001"),
    ("file-length", {"tests/long_test.py": "\n" * 1001}, "tests/long_test.py:1001"),
    ("function-length", {"yummy/base/url.cc": "namespace yummy {\n" + LONG_FUNCTION}, "yummy/base/url.cc:2"),
    ("method-length", {"yummy/base/url.h": HEADER + "class Url {\n  int Sum() const {\n" + "    value_ += 1;\n" * 119 + "  }\n};\n"},
     "yummy/base/url.h:3"),
    ("line-length", {"yummy/base/url.cc": '#include "yummy/base/url.h"\n' + "// " + "word " * 24 + "\n"}, "yummy/base/url.cc:2"),
    ("forbidden-name", {"yummy/base/string_util.cc": "\n"}, "yummy/base/string_util.cc:1"),
    ("forbidden-name", {"yummy/base/url.cc": "struct UrlHelper {};\n"}, "yummy/base/url.cc:1"),
    ("forbidden-name", {"yummy/base/url.cc": "class StoreBase;\n"}, "yummy/base/url.cc:1"),
    ("task", {"yummy/base/url.cc": "// TO" "DO: later\n"}, "yummy/base/url.cc:1"),
    ("unused-header", {"yummy/base/lonely.h": HEADER, "yummy/base/lonely.cc": '#include "yummy/base/lonely.h"\n'},
     "yummy/base/lonely.h:1"),
    ("file-size", {"docs/big.svg": "x" * (256 * 1024 + 1)}, "docs/big.svg:1"),
    ("document-path", {"README.md": "see [it](docs/absent.md)\n"}, "README.md:1"),
    ("document-path", {"docs/style.md": "see `yummy/base/absent.h`\n"}, "docs/style.md:1"),
    ("document-verb", {"README.md": "run `make tests`\n"}, "README.md:1"),
    ("document-verb", {"README.md": "```\nmake test fly\n```\n"}, "README.md:2"),
    ("feature-row", {"yummy/delta/CMakeLists.txt": "yummy_module(delta DEPENDS base ROOMS log protocol commit)\n", "docs/protocol.md": "| appendOnly | yes |\n",
                     "yummy/delta/protocol/features.cc": 'const Feature kFeatures[] = {\n    {.name = "appendOnly"},\n    {.name = "rowTracking"},\n};\n'},
     "yummy/delta/protocol/features.cc:3"),
    ("route-row", {"yummy/server/CMakeLists.txt": "yummy_module(server ROOMS routes)\n", "docs/rest.md": "| GET, POST | `/api/{store}?q=` | x |\n",
                   "yummy/server/routes/routes.cc": 'const Route kRoutes[] = {\n    {"POST", {"api", kAny}, 1},\n    {"PUT", {"api", kAny}, 1},\n};\n'},
     "yummy/server/routes/routes.cc:3"),
    ("protocol-test", {"docs/protocol.md": "| part | read | test |\n| --- | --- | --- |\n| gaps | no | |\n| gaps | yes | |\n"}, "docs/protocol.md:4"),
    ("protocol-test", {"docs/protocol.md": "| part | test |\n| --- | --- |\n| gaps | `Scan.Works` |\n| more | `Scan.Fails` |\n"},
     "docs/protocol.md:4"),
    ("protocol-test", {"docs/protocol.md": "| part | test |\n| --- | --- |\n| gaps | `tests/scan_test.py::test_works` |\n"}, "docs/protocol.md:3"),
    ("registry-host", {"docs/style.md": "from https://files.python" "hosted.org/x\n"}, "docs/style.md:1"),
    ("machine-path", {"docs/style.md": "in /home/" "someone/lake\n"}, "docs/style.md:1"),
    ("shared-folder", {"yummy/base/url.cc": "// ../sha" "red/fixtures\n"}, "yummy/base/url.cc:1"),
]


def findings(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    return list(tidy.findings(folder))


def test_a_clean_tree_has_no_findings(tmp_path):
    assert findings(tmp_path, CLEAN) == []


@pytest.mark.parametrize("rule, changes, place", CASES, ids=[f"{case[0]}-{number}" for number, case in enumerate(CASES)])
def test_a_broken_tree_is_found(tmp_path, rule, changes, place):
    assert any(line.startswith(f"{place}: {rule}: ") for line in findings(tmp_path, {**CLEAN, **changes}))


def test_every_rule_is_shown_to_fail():
    assert {case[0] for case in CASES} == set(tidy.RULES)


def test_a_long_table_and_a_raw_string_are_no_functions(tmp_path):
    table = "constexpr int kRows[] = {\n" + "    1,\n" * 200 + "};\n"
    raw = 'const char* kText = R"(\n' + "}\n{\n" * 100 + "word " * 30 + ')";\n'
    assert findings(tmp_path, {**CLEAN, "yummy/base/url.cc": table + raw}) == []
