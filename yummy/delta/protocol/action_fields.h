#pragma once
// Lists the fields of each action, in the order of PROTOCOL.md. The reader and the writer of JSON and those of
// checkpoints walk these lists. To add a field, add a member in actions.h and a line here.

#include <string_view>
#include <tuple>

#include "yummy/delta/protocol/actions.h"

namespace yummy::delta {

/// Whether an action may lack the field or have null in it. The member then keeps its default.
enum class Presence {
  kRequired,
  kRequiredInCommits,  // checkpoints may have null in it, as those of some writers do
  kOptional,
  kOptionalInCommits,  // checkpoints have no column for it
};

/// Which texts or numbers the field accepts, beyond its type.
enum class Form {
  kAny,
  kPath,     // escaped like a URI, not empty
  kMillis,   // a point in time; some writers give parts of a millisecond, which are cut off
  kCount,    // zero or more
  kVersion,  // the version of a protocol: zero or more
};

struct FieldRule {
  std::string_view name;
  Presence presence;
  Form form;
};

template <typename Owner, typename Member>
struct ActionField : FieldRule {
  constexpr ActionField(std::string_view key, Member Owner::* at, Presence when, Form what = Form::kAny)
      : FieldRule{key, when, what}, member(at) {}
  Member Owner::* member;
};

/// The key of the action in a line of JSON and the name of its column in a checkpoint.
template <typename Action>
inline constexpr std::string_view kActionName;

/// The fields of a type as a tuple of ActionFields. The tuple is empty for a type that has no list, such as a number.
template <typename Object>
inline constexpr std::tuple<> kFields;

template <>
inline constexpr auto kFields<DeletionVectorDescriptor> = std::tuple{
    ActionField{"storageType", &DeletionVectorDescriptor::storage_type, Presence::kRequired},
    ActionField{"pathOrInlineDv", &DeletionVectorDescriptor::path_or_inline, Presence::kRequired},
    ActionField{"offset", &DeletionVectorDescriptor::offset, Presence::kOptional},
    ActionField{"sizeInBytes", &DeletionVectorDescriptor::size_bytes, Presence::kRequired},
    ActionField{"cardinality", &DeletionVectorDescriptor::cardinality, Presence::kRequired, Form::kCount},
};

template <>
inline constexpr std::string_view kActionName<Add> = "add";
template <>
inline constexpr auto kFields<Add> = std::tuple{
    ActionField{"path", &Add::path, Presence::kRequired, Form::kPath},
    ActionField{"partitionValues", &Add::partition_values, Presence::kRequiredInCommits},
    ActionField{"size", &Add::size_bytes, Presence::kRequired, Form::kCount},
    ActionField{"modificationTime", &Add::modification_time_ms, Presence::kRequiredInCommits, Form::kMillis},
    ActionField{"dataChange", &Add::data_change, Presence::kRequiredInCommits},
    ActionField{"stats", &Add::stats, Presence::kOptional},
    ActionField{"tags", &Add::tags, Presence::kOptional},
    ActionField{"deletionVector", &Add::deletion_vector, Presence::kOptional},
    ActionField{"baseRowId", &Add::base_row_id, Presence::kOptional},
    ActionField{"defaultRowCommitVersion", &Add::default_row_commit_version, Presence::kOptional},
    ActionField{"clusteringProvider", &Add::clustering_provider, Presence::kOptional},
};

template <>
inline constexpr std::string_view kActionName<Remove> = "remove";
template <>
inline constexpr auto kFields<Remove> = std::tuple{
    ActionField{"path", &Remove::path, Presence::kRequired, Form::kPath},
    ActionField{"deletionTimestamp", &Remove::deletion_timestamp_ms, Presence::kOptional, Form::kMillis},
    ActionField{"dataChange", &Remove::data_change, Presence::kRequiredInCommits},
    ActionField{"extendedFileMetadata", &Remove::extended_file_metadata, Presence::kOptional},
    ActionField{"partitionValues", &Remove::partition_values, Presence::kOptional},
    ActionField{"size", &Remove::size_bytes, Presence::kOptional, Form::kCount},
    ActionField{"tags", &Remove::tags, Presence::kOptionalInCommits},
    ActionField{"deletionVector", &Remove::deletion_vector, Presence::kOptional},
    ActionField{"baseRowId", &Remove::base_row_id, Presence::kOptional},
    ActionField{"defaultRowCommitVersion", &Remove::default_row_commit_version, Presence::kOptional},
};

template <>
inline constexpr std::string_view kActionName<Cdc> = "cdc";
template <>
inline constexpr auto kFields<Cdc> = std::tuple{
    ActionField{"path", &Cdc::path, Presence::kRequired, Form::kPath},
    ActionField{"partitionValues", &Cdc::partition_values, Presence::kRequired},
    ActionField{"size", &Cdc::size_bytes, Presence::kRequired, Form::kCount},
};

template <>
inline constexpr auto kFields<Format> = std::tuple{
    ActionField{"provider", &Format::provider, Presence::kOptional},
    ActionField{"options", &Format::options, Presence::kOptional},
};

template <>
inline constexpr std::string_view kActionName<Metadata> = "metaData";
template <>
inline constexpr auto kFields<Metadata> = std::tuple{
    ActionField{"id", &Metadata::id, Presence::kRequiredInCommits},
    ActionField{"name", &Metadata::name, Presence::kOptional},
    ActionField{"description", &Metadata::description, Presence::kOptional},
    ActionField{"format", &Metadata::format, Presence::kRequiredInCommits},
    ActionField{"schemaString", &Metadata::schema_string, Presence::kOptional},
    ActionField{"partitionColumns", &Metadata::partition_columns, Presence::kRequiredInCommits},
    ActionField{"configuration", &Metadata::configuration, Presence::kOptional},
    ActionField{"createdTime", &Metadata::created_time_ms, Presence::kOptional, Form::kMillis},
};

template <>
inline constexpr std::string_view kActionName<Protocol> = "protocol";
template <>
inline constexpr auto kFields<Protocol> = std::tuple{
    ActionField{"minReaderVersion", &Protocol::min_reader_version, Presence::kRequired, Form::kVersion},
    ActionField{"minWriterVersion", &Protocol::min_writer_version, Presence::kRequired, Form::kVersion},
    ActionField{"readerFeatures", &Protocol::reader_features, Presence::kOptional},
    ActionField{"writerFeatures", &Protocol::writer_features, Presence::kOptional},
};

template <>
inline constexpr std::string_view kActionName<Txn> = "txn";
template <>
inline constexpr auto kFields<Txn> = std::tuple{
    ActionField{"appId", &Txn::app_id, Presence::kRequired},
    ActionField{"version", &Txn::version, Presence::kRequired},
    ActionField{"lastUpdated", &Txn::last_updated_ms, Presence::kOptional, Form::kMillis},
};

template <>
inline constexpr std::string_view kActionName<DomainMetadata> = "domainMetadata";
template <>
inline constexpr auto kFields<DomainMetadata> = std::tuple{
    ActionField{"domain", &DomainMetadata::domain, Presence::kRequired},
    ActionField{"configuration", &DomainMetadata::configuration, Presence::kRequiredInCommits},
    ActionField{"removed", &DomainMetadata::removed, Presence::kRequiredInCommits},
};

/// A commitInfo has no list: it is kept as it stands in the log.
template <>
inline constexpr std::string_view kActionName<CommitInfo> = "commitInfo";

template <>
inline constexpr std::string_view kActionName<Sidecar> = "sidecar";
template <>
inline constexpr auto kFields<Sidecar> = std::tuple{
    ActionField{"path", &Sidecar::path, Presence::kRequired, Form::kPath},
    ActionField{"sizeInBytes", &Sidecar::size_bytes, Presence::kRequiredInCommits, Form::kCount},
    ActionField{"modificationTime", &Sidecar::modification_time_ms, Presence::kRequiredInCommits, Form::kMillis},
};

template <>
inline constexpr std::string_view kActionName<CheckpointMetadata> = "checkpointMetadata";
template <>
inline constexpr auto kFields<CheckpointMetadata> = std::tuple{
    ActionField{"version", &CheckpointMetadata::version, Presence::kRequired, Form::kCount},
    ActionField{"tags", &CheckpointMetadata::tags, Presence::kOptional},
};

template <typename T>
concept HasFields = std::tuple_size_v<std::remove_const_t<decltype(kFields<T>)>> > 0;

/// Calls visit(field) with each ActionField of Object.
template <HasFields Object, typename Visit>
constexpr void ForEachField(Visit&& visit) {
  std::apply([&](const auto&... fields) { (visit(fields), ...); }, kFields<Object>);
}

/// Calls visit(field) until it returns true. Returns false if it never does.
template <HasFields Object, typename Visit>
constexpr bool AnyField(Visit&& visit) {
  return std::apply([&](const auto&... fields) { return (visit(fields) || ...); }, kFields<Object>);
}

/// The name of the field that this member holds.
template <HasFields Object, typename Member>
constexpr std::string_view FieldName(Member Object::* member) {
  std::string_view name;
  ForEachField<Object>([&]<typename Other>(const ActionField<Object, Other>& field) {
    if constexpr (std::is_same_v<Other, Member>) {
      if (field.member == member) name = field.name;
    }
  });
  return name;
}

}  // namespace yummy::delta
