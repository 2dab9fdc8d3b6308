#pragma once
// Why something failed, finer than an ErrorCode. The names are part of the REST API (docs/rest.md) and never change.

#include <cstdint>
#include <string_view>

namespace yummy {

// One row for each reason: its constant, its name in answers, and its HTTP status, where 0 leaves the status to the
// error's code. A 502 means that the configuration does not fit the store: the caller can do nothing about it.
// clang-format off
#define YUMMY_REASONS(X) \
  X(kAppendOnly, "APPEND_ONLY", 0) \
  X(kBadFraming, "BAD_FRAMING", 0) \
  X(kBadHost, "BAD_HOST", 0) \
  X(kBucketNotFound, "BUCKET_NOT_FOUND", 502) \
  X(kCannotListen, "CANNOT_LISTEN", 0) \
  X(kColumnLengthsDiffer, "COLUMN_LENGTHS_DIFFER", 0) \
  X(kCommitStateUnknown, "COMMIT_STATE_UNKNOWN", 0) \
  X(kCommitTimeout, "COMMIT_TIMEOUT", 0) \
  X(kConcurrentModification, "CONCURRENT_MODIFICATION", 0) \
  X(kConcurrentTransaction, "CONCURRENT_TRANSACTION", 0) \
  X(kConfig, "CONFIG", 0) \
  X(kCorruptDataFile, "CORRUPT_DATA_FILE", 0) \
  X(kCorruptDeletionVector, "CORRUPT_DELETION_VECTOR", 0) \
  X(kCorruptTable, "CORRUPT_TABLE", 0) \
  X(kDuplicateKey, "DUPLICATE_KEY", 0) \
  X(kDuplicateMatch, "DUPLICATE_MATCH", 0) \
  X(kExpectationFailed, "EXPECTATION_FAILED", 417) \
  X(kFunctionLimit, "FUNCTION_LIMIT", 0) \
  X(kHeadersTooLarge, "HEADERS_TOO_LARGE", 431) \
  X(kHttpVersion, "HTTP_VERSION", 505) \
  X(kInvalidArrow, "INVALID_ARROW", 0) \
  X(kInvalidCommit, "INVALID_COMMIT", 0) \
  X(kInvalidJson, "INVALID_JSON", 0) \
  X(kInvalidName, "INVALID_NAME", 0) \
  X(kInvalidParameter, "INVALID_PARAMETER", 0) \
  X(kInvalidPartition, "INVALID_PARTITION", 0) \
  X(kInvalidPartitionValue, "INVALID_PARTITION_VALUE", 0) \
  X(kInvalidQuery, "INVALID_QUERY", 0) \
  X(kInvalidSchema, "INVALID_SCHEMA", 0) \
  X(kInvalidTableProperty, "INVALID_TABLE_PROPERTY", 0) \
  X(kInvalidTarget, "INVALID_TARGET", 0) \
  X(kInvalidUtf8, "INVALID_UTF8", 0) \
  X(kInvalidValue, "INVALID_VALUE", 0) \
  X(kInvalidVersion, "INVALID_VERSION", 0) \
  X(kJsonTooDeep, "JSON_TOO_DEEP", 0) \
  X(kLimitExceeded, "LIMIT_EXCEEDED", 422) \
  X(kMetadataChanged, "METADATA_CHANGED", 0) \
  X(kMethodNotAllowed, "METHOD_NOT_ALLOWED", 405) \
  X(kMisdirected, "MISDIRECTED", 421) \
  X(kMissingFile, "MISSING_FILE", 500) \
  X(kMissingKey, "MISSING_KEY", 0) \
  X(kMissingParameter, "MISSING_PARAMETER", 0) \
  X(kNotAcceptable, "NOT_ACCEPTABLE", 406) \
  X(kNotADeltaTable, "NOT_A_DELTA_TABLE", 0) \
  X(kObjectNotFound, "OBJECT_NOT_FOUND", 0) \
  X(kOneOfRequired, "ONE_OF_REQUIRED", 0) \
  X(kOneStatement, "ONE_STATEMENT", 0) \
  X(kOneTablePerTransaction, "ONE_TABLE_PER_TRANSACTION", 0) \
  X(kOutOfMemory, "OUT_OF_MEMORY", 0) \
  X(kPathOutsideTable, "PATH_OUTSIDE_TABLE", 0) \
  X(kPathTooLong, "PATH_TOO_LONG", 0) \
  X(kProtocolChanged, "PROTOCOL_CHANGED", 0) \
  X(kQueryMemory, "QUERY_MEMORY", 0) \
  X(kQueryTimeout, "QUERY_TIMEOUT", 0) \
  X(kReadOnlyEndpoint, "READ_ONLY_ENDPOINT", 0) \
  X(kRequestTimeout, "REQUEST_TIMEOUT", 408) \
  X(kRouteNotFound, "ROUTE_NOT_FOUND", 404) \
  X(kRowOutsideCondition, "ROW_OUTSIDE_CONDITION", 0) \
  X(kSchemaMismatch, "SCHEMA_MISMATCH", 0) \
  X(kSchemaNotFound, "SCHEMA_NOT_FOUND", 0) \
  X(kSnapshotChanged, "SNAPSHOT_CHANGED", 0) \
  X(kSqlInvalid, "SQL_INVALID", 0) \
  X(kSqlNotAllowed, "SQL_NOT_ALLOWED", 0) \
  X(kSqlSyntax, "SQL_SYNTAX", 0) \
  X(kSqlTooLong, "SQL_TOO_LONG", 0) \
  X(kStatementTooLarge, "STATEMENT_TOO_LARGE", 0) \
  X(kStoreAccessDenied, "STORE_ACCESS_DENIED", 502) \
  X(kStoreBadAnswer, "STORE_BAD_ANSWER", 502) \
  X(kStoreBusy, "STORE_BUSY", 0) \
  X(kStoreConnection, "STORE_CONNECTION", 0) \
  X(kStoreCredentials, "STORE_CREDENTIALS", 502) \
  X(kStoreFailed, "STORE_FAILED", 0) \
  X(kStoreFull, "STORE_FULL", 0) \
  X(kStoreIo, "STORE_IO", 0) \
  X(kStoreKey, "STORE_KEY", 0) \
  X(kStoreLocation, "STORE_LOCATION", 0) \
  X(kStoreNotFound, "STORE_NOT_FOUND", 0) \
  X(kStoreOptions, "STORE_OPTIONS", 0) \
  X(kStorePermission, "STORE_PERMISSION", 0) \
  X(kStoreReadOnly, "STORE_READ_ONLY", 0) \
  X(kStoreThrottled, "STORE_THROTTLED", 0) \
  X(kStoreTimeout, "STORE_TIMEOUT", 0) \
  X(kStoreUnreachable, "STORE_UNREACHABLE", 0) \
  X(kStoreUnsafeForWrites, "STORE_UNSAFE_FOR_WRITES", 0) \
  X(kStoreWrongRegion, "STORE_WRONG_REGION", 502) \
  X(kTableExists, "TABLE_EXISTS", 0) \
  X(kTableNotFound, "TABLE_NOT_FOUND", 0) \
  X(kTimestampUnitRequired, "TIMESTAMP_UNIT_REQUIRED", 0) \
  X(kTooDeep, "TOO_DEEP", 0) \
  X(kTooLarge, "TOO_LARGE", 413) \
  X(kTooManyOpenFiles, "TOO_MANY_OPEN_FILES", 0) \
  X(kTooManyRequests, "TOO_MANY_REQUESTS", 0) \
  X(kTypeMismatch, "TYPE_MISMATCH", 0) \
  X(kUnknownColumn, "UNKNOWN_COLUMN", 0) \
  X(kUnknownFunction, "UNKNOWN_FUNCTION", 0) \
  X(kUnknownKey, "UNKNOWN_KEY", 0) \
  X(kUnknownParameter, "UNKNOWN_PARAMETER", 0) \
  X(kUnknownTransferCoding, "UNKNOWN_TRANSFER_CODING", 501) \
  X(kUnknownType, "UNKNOWN_TYPE", 0) \
  X(kUnsupportedCondition, "UNSUPPORTED_CONDITION", 0) \
  X(kUnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE", 415) \
  X(kUnsupportedSql, "UNSUPPORTED_SQL", 0) \
  X(kUnsupportedTableFeature, "UNSUPPORTED_TABLE_FEATURE", 0) \
  X(kUnsupportedType, "UNSUPPORTED_TYPE", 0) \
  X(kUriTooLong, "URI_TOO_LONG", 414) \
  X(kValueOutOfRange, "VALUE_OUT_OF_RANGE", 0) \
  X(kVersionExpired, "VERSION_EXPIRED", 410) \
  X(kVersionMismatch, "VERSION_MISMATCH", 0) \
  X(kVersionNotFound, "VERSION_NOT_FOUND", 0)
// clang-format on

enum class Reason : uint8_t {
  kNone,
#define YUMMY_CONSTANT(constant, name, status) constant,
  YUMMY_REASONS(YUMMY_CONSTANT)
#undef YUMMY_CONSTANT
};

/// The name of a reason in answers: "TABLE_NOT_FOUND". Empty for kNone.
std::string_view ReasonName(Reason reason);

/// The HTTP status that a reason has of its own, or 0.
int ReasonStatus(Reason reason);

/// The reason of that name; kNone for an unknown name. For names that crossed a border as text.
Reason ReasonOfName(std::string_view name);

}  // namespace yummy
