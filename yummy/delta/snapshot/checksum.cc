#include "yummy/delta/snapshot/checksum.h"

#include <string>

#include <simdjson.h>

#include "yummy/base/logging.h"

namespace yummy::delta {

namespace {

constexpr uint64_t kComparedBytesMax = 1 << 20;  // a checksum file with allFiles may be as large as the log

/// Logs the first number of the checksum that differs.
void CompareNumber(const simdjson::dom::element& root, const char* key, int64_t expected, const Snapshot& snapshot) {
  int64_t found = 0;
  if (root[key].get_int64().get(found) != simdjson::SUCCESS || found == expected) return;
  Log(LogLevel::kWarn, "table {}: the checksum file of version {} says {} {}, the log {}", snapshot.table_path(),
      snapshot.version(), key, found, expected);
}

void CompareText(const simdjson::simdjson_result<simdjson::dom::element>& element, const char* what,
                 std::string_view expected, const Snapshot& snapshot) {
  std::string_view found;
  if (element.get_string().get(found) != simdjson::SUCCESS || found == expected) return;
  Log(LogLevel::kWarn, "table {}: the checksum file of version {} has another {}", snapshot.table_path(),
      snapshot.version(), what);
}

}  // namespace

void CompareChecksum(const Context& context, const Snapshot& snapshot, const store::ObjectMeta& checksum) {
  if (checksum.size_bytes > kComparedBytesMax) return;
  const auto bytes = snapshot.object_store()->Get(context, checksum.path);
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (!bytes.ok() || parser.parse(*bytes).get(root) != simdjson::SUCCESS || !root.is_object()) {
    Log(LogLevel::kWarn, "table {}: the checksum file of version {} cannot be read", snapshot.table_path(),
        snapshot.version());
    return;
  }
  CompareNumber(root, "numFiles", static_cast<int64_t>(snapshot.file_count()), snapshot);
  CompareNumber(root, "tableSizeBytes", snapshot.size_bytes(), snapshot);
  CompareText(root["metadata"]["id"], "metadata id", snapshot.metadata().id, snapshot);
  CompareText(root["metadata"]["schemaString"], "schema", snapshot.metadata().schema_string, snapshot);
  int64_t version = 0;
  if (root["protocol"]["minReaderVersion"].get_int64().get(version) == simdjson::SUCCESS &&
      version != snapshot.protocol().min_reader_version) {
    Log(LogLevel::kWarn, "table {}: the checksum file of version {} has another protocol", snapshot.table_path(),
        snapshot.version());
  }
}

}  // namespace yummy::delta
