// Actions to JSON, fields in the order of PROTOCOL.md; absent ones are left out.
#include "yummy/base/json.h"
#include "yummy/delta/protocol/actions_json.h"

namespace yummy::delta {

namespace {

void WriteOptional(JsonWriter& json, std::string_view key, const std::optional<std::string>& text) {
  if (!text) return;
  json.Key(key);
  json.String(*text);
}

void WriteOptional(JsonWriter& json, std::string_view key, const std::optional<int64_t>& number) {
  if (!number) return;
  json.Key(key);
  json.Int(*number);
}

void WriteMap(JsonWriter& json, std::string_view key, const StringMap& map) {
  json.Key(key);
  json.BeginObject();
  for (const auto& [name, value] : map) {
    json.Key(name);
    json.String(value);
  }
  json.EndObject();
}

void WritePartition(JsonWriter& json, const PartitionValues& values) {
  json.Key("partitionValues");
  json.BeginObject();
  for (const auto& [name, value] : values) {
    json.Key(name);
    if (value) {
      json.String(*value);
    } else {
      json.Null();
    }
  }
  json.EndObject();
}

void WriteStrings(JsonWriter& json, std::string_view key, const std::vector<std::string>& strings) {
  json.Key(key);
  json.BeginArray();
  for (const std::string& text : strings) json.String(text);
  json.EndArray();
}

void WriteInt(JsonWriter& json, std::string_view key, int64_t number) {
  json.Key(key);
  json.Int(number);
}

void WriteString(JsonWriter& json, std::string_view key, std::string_view text) {
  json.Key(key);
  json.String(text);
}

void WriteBool(JsonWriter& json, std::string_view key, bool flag) {
  json.Key(key);
  json.Bool(flag);
}

void WriteVector(JsonWriter& json, const std::optional<DeletionVectorDescriptor>& vector) {
  if (!vector) return;
  json.Key("deletionVector");
  json.BeginObject();
  WriteString(json, "storageType", std::string_view(&vector->storage_type, 1));
  WriteString(json, "pathOrInlineDv", vector->path_or_inline);
  if (vector->offset) WriteInt(json, "offset", *vector->offset);
  WriteInt(json, "sizeInBytes", vector->size_bytes);
  WriteInt(json, "cardinality", vector->cardinality);
  json.EndObject();
}

// Writes the one key of the line and its object.
struct ActionWriter {
  JsonWriter& json;

  void operator()(const Add& add) const {
    json.Key("add");
    json.BeginObject();
    WriteString(json, "path", add.path);
    WritePartition(json, add.partition_values);
    WriteInt(json, "size", add.size_bytes);
    WriteInt(json, "modificationTime", add.modification_time_ms);
    WriteBool(json, "dataChange", add.data_change);
    WriteOptional(json, "stats", add.stats);
    if (add.tags) WriteMap(json, "tags", *add.tags);
    WriteVector(json, add.deletion_vector);
    WriteOptional(json, "baseRowId", add.base_row_id);
    WriteOptional(json, "defaultRowCommitVersion", add.default_row_commit_version);
    WriteOptional(json, "clusteringProvider", add.clustering_provider);
    json.EndObject();
  }

  void operator()(const Remove& remove) const {
    json.Key("remove");
    json.BeginObject();
    WriteString(json, "path", remove.path);
    WriteOptional(json, "deletionTimestamp", remove.deletion_timestamp_ms);
    WriteBool(json, "dataChange", remove.data_change);
    WriteBool(json, "extendedFileMetadata", remove.extended_file_metadata);
    if (remove.partition_values) WritePartition(json, *remove.partition_values);
    WriteOptional(json, "size", remove.size_bytes);
    if (remove.tags) WriteMap(json, "tags", *remove.tags);
    WriteVector(json, remove.deletion_vector);
    WriteOptional(json, "baseRowId", remove.base_row_id);
    WriteOptional(json, "defaultRowCommitVersion", remove.default_row_commit_version);
    json.EndObject();
  }

  void operator()(const Cdc& cdc) const {
    json.Key("cdc");
    json.BeginObject();
    WriteString(json, "path", cdc.path);
    WritePartition(json, cdc.partition_values);
    WriteInt(json, "size", cdc.size_bytes);
    WriteBool(json, "dataChange", false);  // "should always be set to false for cdc actions"
    json.EndObject();
  }

  void operator()(const Metadata& metadata) const {
    json.Key("metaData");
    json.BeginObject();
    WriteString(json, "id", metadata.id);
    WriteOptional(json, "name", metadata.name);
    WriteOptional(json, "description", metadata.description);
    json.Key("format");
    json.BeginObject();
    WriteString(json, "provider", metadata.format_provider);
    WriteMap(json, "options", metadata.format_options);
    json.EndObject();
    WriteString(json, "schemaString", metadata.schema_string);
    WriteStrings(json, "partitionColumns", metadata.partition_columns);
    WriteMap(json, "configuration", metadata.configuration);
    WriteOptional(json, "createdTime", metadata.created_time_ms);
    json.EndObject();
  }

  void operator()(const Protocol& protocol) const {
    json.Key("protocol");
    json.BeginObject();
    WriteInt(json, "minReaderVersion", protocol.min_reader_version);
    WriteInt(json, "minWriterVersion", protocol.min_writer_version);
    // "readerFeatures … only when minReaderVersion is 3", "writerFeatures … only when minWriterVersion is 7".
    if (protocol.reader_features && protocol.min_reader_version == 3)
      WriteStrings(json, "readerFeatures", *protocol.reader_features);
    if (protocol.writer_features && protocol.min_writer_version == 7)
      WriteStrings(json, "writerFeatures", *protocol.writer_features);
    json.EndObject();
  }

  void operator()(const Txn& txn) const {
    json.Key("txn");
    json.BeginObject();
    WriteString(json, "appId", txn.app_id);
    WriteInt(json, "version", txn.version);
    WriteOptional(json, "lastUpdated", txn.last_updated_ms);
    json.EndObject();
  }

  void operator()(const DomainMetadata& domain) const {
    json.Key("domainMetadata");
    json.BeginObject();
    WriteString(json, "domain", domain.domain);
    WriteString(json, "configuration", domain.configuration);
    WriteBool(json, "removed", domain.removed);
    json.EndObject();
  }

  void operator()(const CommitInfo& info) const {
    json.Key("commitInfo");
    json.Raw(info.json);
  }

  void operator()(const Sidecar& sidecar) const {
    json.Key("sidecar");
    json.BeginObject();
    WriteString(json, "path", sidecar.path);
    WriteInt(json, "sizeInBytes", sidecar.size_bytes);
    WriteInt(json, "modificationTime", sidecar.modification_time_ms);
    json.EndObject();
  }

  void operator()(const CheckpointMetadata& metadata) const {
    json.Key("checkpointMetadata");
    json.BeginObject();
    WriteInt(json, "version", metadata.version);
    json.EndObject();
  }
};

}  // namespace

std::string WriteAction(const Action& action) {
  JsonWriter json;
  json.BeginObject();
  std::visit(ActionWriter{json}, action);
  json.EndObject();
  return json.Take();
}

std::string WriteActions(const std::vector<Action>& actions) {
  std::string text;
  for (const Action& action : actions) {
    text += WriteAction(action);
    text += '\n';
  }
  return text;
}

}  // namespace yummy::delta
