#include "yummy/delta/commit/commit_info.h"

#include "yummy/base/json.h"

namespace yummy::delta {

namespace {

constexpr std::string_view kEngineInfo = "Yummy-Delta/" YUMMY_VERSION;

}  // namespace

CommitInfo MakeCommitInfo(const Operation& operation, const OperationMetrics& metrics, const CommitInfoFields& fields) {
  JsonWriter json;
  json.BeginObject();
  if (fields.in_commit_timestamp_ms) {
    json.Key("inCommitTimestamp");
    json.Int(*fields.in_commit_timestamp_ms);
  }
  json.Key("timestamp");
  json.Int(fields.timestamp_ms);
  json.Key("operation");
  json.String(operation.name);
  json.Key("operationParameters");
  json.BeginObject();
  for (const auto& [key, value] : operation.parameters) {
    json.Key(key);
    json.Raw(value);
  }
  json.EndObject();
  if (fields.read_version) {
    json.Key("readVersion");
    json.Int(*fields.read_version);
  }
  json.Key("isolationLevel");
  json.String(fields.isolation);
  json.Key("isBlindAppend");
  json.Bool(fields.is_blind_append);
  if (!metrics.empty()) {
    json.Key("operationMetrics");
    json.BeginObject();
    for (const auto& [key, value] : metrics) {
      json.Key(key);
      json.String(value);
    }
    json.EndObject();
  }
  json.Key("engineInfo");
  json.String(kEngineInfo);
  json.Key("txnId");
  json.String(fields.txn_id);
  json.EndObject();

  CommitInfo info;
  info.json = json.Take();
  info.timestamp_ms = fields.timestamp_ms;
  info.in_commit_timestamp_ms = fields.in_commit_timestamp_ms;
  info.txn_id = std::string(fields.txn_id);
  info.operation = operation.name;
  info.is_blind_append = fields.is_blind_append;
  return info;
}

}  // namespace yummy::delta
