#pragma once
// The configuration file (docs/rest.md, "Configuration"): stores, server, limits.

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "yummy/base/result.h"

namespace yummy::lake {

struct StoreConfig {
  std::string name;
  std::string path;  // an absolute folder, or the URL of a store in the cloud
  std::map<std::string, std::string> storage_options;
  bool has_inline_secrets = false;  // the file itself holds secrets in storage_options
  std::map<std::string, std::string> table_defaults;
  bool count_from_statistics = true;  // count(*), min and max may come from statistics in the log
};

struct ServerConfig {
  std::string host = "127.0.0.1";
  uint16_t port = 8080;
  size_t workers = 0;              // threads for queries and writes; 0: 2 × cores, at least 4
  std::vector<std::string> hosts;  // further names that the Host header may have
  bool auth_required = false;
};

/// Each limit is a key under `limits:`. Sizes are in bytes, times in seconds.
struct LimitsConfig {
  uint64_t header_bytes = 32ULL << 10;
  uint64_t header_lines = 100;
  uint64_t uri_bytes = 64ULL << 10;
  uint64_t header_seconds = 10;
  uint64_t body_idle_seconds = 30;
  uint64_t response_idle_seconds = 60;
  uint64_t keep_alive_seconds = 75;
  uint64_t json_body_bytes = 64ULL << 20;
  uint64_t stream_body_bytes = 10ULL << 30;
  uint64_t json_depth = 64;
  uint64_t connections = 1024;
  uint64_t queries = 0;  // 0: 2 × cores, at least 4
  uint64_t queries_queued = 64;
  uint64_t queue_seconds = 10;
  uint64_t query_seconds = 300;
  uint64_t memory_bytes = 0;  // 0: 60 % of the machine's memory
  uint64_t sql_bytes = 1ULL << 20;
  uint64_t result_cache_bytes = 64ULL << 20;  // 0: no result is kept
  uint64_t stop_seconds = 30;
  uint64_t store_log_requests = 256;        // in flight to one store across a network
  uint64_t store_data_requests = 64;        // the same
  uint64_t store_background_requests = 16;  // the same
};

/// The cache on local disk for stores across a network. Without a path there is none.
struct CacheConfig {
  std::string path;                 // a folder, absolute and ending in '/'
  uint64_t log_bytes = 1ULL << 30;  // for commits, checkpoints and deletion vectors
  uint64_t data_bytes = 0;          // for data files
};

/// The place of a document whose kind is not `config`. The command that runs it checks its content.
struct OtherDocument {
  std::string kind;
  int line = 0;
};

struct Config {
  std::vector<StoreConfig> stores;
  ServerConfig server;
  LimitsConfig limits;
  CacheConfig cache;
  std::vector<OtherDocument> other_documents;
};

/// Reads and checks the file. `${NAME}` in a value is replaced by the environment variable. No message holds the value
/// of a variable or a storage option. Logs a warning if other users can read secrets in the file.
/// Errors: InvalidArgument (reason CONFIG). The message begins with "file:line:column: ".
Result<Config> LoadConfig(const std::string& file);

/// As LoadConfig, from text. `file` is for messages; relative paths of stores start at `folder`.
Result<Config> ParseConfig(std::string_view text, const std::string& file, const std::string& folder);

}  // namespace yummy::lake
