#pragma once
// The one table of every table feature and what this engine does with it (PROTOCOL.md, "Table Features").

#include <span>
#include <string>
#include <string_view>

#include "yummy/base/result.h"
#include "yummy/delta/protocol/actions.h"
#include "yummy/delta/protocol/table_properties.h"
#include "yummy/delta/schema/schema.h"

namespace yummy::delta {

struct Feature {
  std::string_view name;
  bool is_reader_feature = false;  // a reader-writer feature; else writer-only
  int legacy_reader_version = 0;   // 0: none, the feature has no legacy version
  int legacy_writer_version = 0;
  bool readable = true;
  bool writable = false;  // tables that list it can be written
};

/// Every feature that PROTOCOL.md and its accepted RFCs name.
std::span<const Feature> AllFeatures();
const Feature* FindFeature(std::string_view name);

/// True when the protocol has the feature, by name or by its legacy version.
bool HasFeature(const Protocol& protocol, std::string_view name);

/// Refuses a protocol that is not well-formed (Corrupt) and one with a reader feature or version that is not understood
/// (Unsupported, reason UNSUPPORTED_TABLE_FEATURE, the feature named).
Result<void> CheckReadable(const Protocol& protocol, const Metadata& metadata);

/// Refuses, by name, what this engine must not write: unknown or unsupported writer features, and supported ones whose
/// use in this very table is not supported (invariants with an expression, check constraints, generated columns,
/// identity columns, column mapping, row tracking, clustering …).
Result<void> CheckWritable(const Protocol& protocol, const Metadata& metadata, const Schema& schema);

/// Refuses to write a table with columns of a type that needs a feature which the protocol lacks: some writers made
/// such tables, and a writer that knows no more than the protocol would spoil them (timestamp_ntz). Errors:
/// Unsupported, the feature named.
Result<void> CheckTypesListed(const Protocol& protocol, const Schema& schema);

/// The lowest protocol that the schema and the configuration of a table that is being created need: (1,2) for plain
/// types. Errors: InvalidArgument (reason INVALID_TABLE_PROPERTY: unknown delta.* key, bad value, delta.min*Version),
/// Unsupported (a feature that cannot be written).
Result<Protocol> ProtocolForNewTable(const Schema& schema, const StringMap& configuration);

/// `present`, extended by what else the schema and the configuration need: a table that is replaced keeps its features,
/// as the protocol of a table never goes down. Errors: Unsupported (a feature that cannot be written).
Result<Protocol> ExtendProtocol(const Protocol& present, const Schema& schema, const StringMap& configuration);

}  // namespace yummy::delta
