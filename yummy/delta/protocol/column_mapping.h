#pragma once
// The names that columns have in data files, statistics and partition values (PROTOCOL.md, "Column Mapping").

#include "yummy/base/result.h"
#include "yummy/delta/protocol/actions.h"
#include "yummy/delta/protocol/table_properties.h"
#include "yummy/delta/schema/schema.h"

namespace yummy::delta {

/// The mode in force. It is the named mode if the protocol has column mapping for readers (reader version 2, or 3 with
/// the feature), otherwise none. Errors: as NamedMappingMode, whatever the protocol says.
Result<ColumnMappingMode> ColumnMappingModeOf(const Protocol& protocol, const StringMap& configuration);

/// The schema of a table with these actions. Field::physical_name() is the name in data files by the mode in force,
/// even if the metadata of the fields has leftovers of another mode. Errors: as ParseSchema; Corrupt (a mapped column
/// without an id or a physical name, or with those of another column).
Result<Schema> SchemaOf(const Protocol& protocol, const Metadata& metadata);

/// The schema without the metadata of column mapping. It means nothing if columns are not mapped, but some readers obey
/// it all the same.
Schema WithoutColumnMapping(Schema schema);

}  // namespace yummy::delta
