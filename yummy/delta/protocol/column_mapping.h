#pragma once
// Under which names data files, statistics and partition values know a table's columns (PROTOCOL.md, "Column Mapping").

#include "yummy/base/result.h"
#include "yummy/delta/protocol/actions.h"
#include "yummy/delta/schema/schema.h"

namespace yummy::delta {

enum class ColumnMappingMode { kNone, kName, kId };

/// The mode that delta.columnMapping.mode names, ignoring case; none without it.
/// Errors: Corrupt (reason CORRUPT_TABLE) for a mode that is none of the three.
Result<ColumnMappingMode> NamedMappingMode(const StringMap& configuration);

/// The mode in force: the named one where the protocol has column mapping for readers (their version 2, or 3 with the
/// feature), elsewhere none. Errors: as NamedMappingMode, whatever the protocol says.
Result<ColumnMappingMode> ColumnMappingModeOf(const Protocol& protocol, const StringMap& configuration);

/// The schema of a table with these actions, each field bound to the mode in force: Field::physical_name() is what its
/// data files have, whatever is left over in the metadata of its fields. Errors: as ParseSchema; Corrupt for mapped
/// columns without an id or a physical name, or with those of another column.
Result<Schema> SchemaOf(const Protocol& protocol, const Metadata& metadata);

/// The schema without the metadata of column mapping: where columns are not mapped they mean nothing, and some readers
/// obey them.
Schema WithoutColumnMapping(Schema schema);

}  // namespace yummy::delta
