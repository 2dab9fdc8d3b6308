#include "yummy/lake/config.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include "yummy/base/logging.h"
#include "yummy/base/text.h"
#include "yummy/lake/name.h"
#include "yummy/store/open_store.h"

namespace yummy::lake {

namespace {

constexpr size_t kFileBytesMax = 1 << 20;
constexpr int kDepthMax = 64;
constexpr size_t kAliasesMax = 100;

// Where a message points to.
struct Place {
  const std::string* file;
  Error At(const YAML::Node& node, std::string_view text) const { return At(node.Mark(), text); }
  Error At(const YAML::Mark& mark, std::string_view text) const {
    return Error(ErrorCode::kInvalidArgument, fmt::format("{}:{}:{}: {}", *file, mark.line + 1, mark.column + 1, text))
        .WithReason(Reason::kConfig);
  }
};

Result<std::string> ExpandEnvironment(const Place& place, const YAML::Node& node, const std::string& text) {
  std::string result;
  size_t from = 0;
  while (true) {
    const size_t start = text.find("${", from);
    if (start == std::string::npos) return result + text.substr(from);
    const size_t end = text.find('}', start);
    const std::string name = end == std::string::npos ? "" : text.substr(start + 2, end - start - 2);
    const bool valid = !name.empty() && std::all_of(name.begin(), name.end(),
                                                    [](unsigned char c) { return std::isalnum(c) || c == '_'; });
    if (!valid) return place.At(node, "'${' starts the name of an environment variable, as in ${HOME}");
    const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): nothing here sets variables
    if (value == nullptr) return place.At(node, fmt::format("environment variable {} is not set", name));
    result += text.substr(from, start - from) + value;
    from = end + 1;
  }
}

Result<std::string> Text(const Place& place, const YAML::Node& node, std::string_view key) {
  if (!node.IsScalar()) return place.At(node, fmt::format("'{}' must be a text", key));
  return ExpandEnvironment(place, node, node.Scalar());
}

// Messages show the text of the file, not its expansion, because a variable may hold a secret.
Result<uint64_t> Number(const Place& place, const YAML::Node& node, std::string_view key, uint64_t min, uint64_t max) {
  const std::string text = TRY(Text(place, node, key));
  uint64_t value = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (status != std::errc() || end != text.data() + text.size() || value < min || value > max) {
    return place.At(node,
                    fmt::format("'{}' must be a whole number from {} to {}, not '{}'", key, min, max, node.Scalar()));
  }
  return value;
}

Result<bool> Flag(const Place& place, const YAML::Node& node, std::string_view key) {
  const std::string text = TRY(Text(place, node, key));
  if (text == "true") return true;
  if (text == "false") return false;
  return place.At(node, fmt::format("'{}' must be true or false, not '{}'", key, node.Scalar()));
}

using Handler = std::function<Result<void>(const YAML::Node&)>;

// Calls the handler of each key; an unknown or repeated key is an error that names the nearest known one.
Result<void> ForEachKey(const Place& place, const YAML::Node& map, std::string_view what,
                        const std::map<std::string, Handler>& handlers) {
  if (!map.IsMap()) return place.At(map, fmt::format("{} must be a mapping of keys to values", what));
  std::vector<std::string> known;
  for (const auto& [key, handler] : handlers) known.push_back(key);
  std::vector<std::string> seen;
  for (const auto& entry : map) {
    const std::string key = TRY(Text(place, entry.first, "key"));
    if (std::find(seen.begin(), seen.end(), key) != seen.end())
      return place.At(entry.first, fmt::format("key '{}' is given twice", key));
    seen.push_back(key);
    const auto handler = handlers.find(key);
    if (handler == handlers.end()) {
      const auto nearest = NearestName(key, known);
      return place.At(entry.first, nearest ? fmt::format("unknown key '{}' (did you mean '{}'?)", key, *nearest)
                                           : fmt::format("unknown key '{}' in {}: expected one of {}", key, what,
                                                         fmt::join(known, ", ")));
    }
    TRY(handler->second(entry.second));
  }
  return {};
}

Result<std::map<std::string, std::string>> TextMap(const Place& place, const YAML::Node& node, std::string_view key) {
  if (!node.IsMap()) return place.At(node, fmt::format("'{}' must be a mapping of keys to values", key));
  std::map<std::string, std::string> result;
  for (const auto& entry : node) {
    std::string name = TRY(Text(place, entry.first, "key"));
    if (!result.emplace(name, TRY(Text(place, entry.second, name))).second) {
      return place.At(entry.first, fmt::format("key '{}' is given twice", name));
    }
  }
  return result;
}

// A path in normal form: the URL of a cloud, or an absolute folder that ends in '/'.
Result<std::string> StorePath(const Place& place, const YAML::Node& node, const std::string& path,
                              const std::string& folder) {
  const auto location = store::ParseLocation(path, folder);
  if (!location.ok()) return place.At(node, location.error().message());
  return location->is_local ? location->root : path;
}

// True if the file itself, and not a variable, holds the value of an option that is a secret by its name.
bool HasInlineSecrets(const YAML::Node& options) {
  for (const auto& entry : options) {
    std::string name = entry.first.Scalar();
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const auto has = [&](std::string_view word) { return name.find(word) != std::string::npos; };
    const bool is_plain =
        name.ends_with("_file") || name.ends_with("_path") || name.ends_with("_id") || name.ends_with("_enabled");
    const bool is_secret = has("secret") || has("token") || has("password") || has("_key") || has("sas") ||
                           (has("proxy_url") && entry.second.Scalar().find('@') != std::string::npos);
    const bool is_inline = !entry.second.Scalar().empty() && entry.second.Scalar().find("${") == std::string::npos;
    if (is_secret && !is_plain && is_inline) return true;
  }
  return false;
}

Result<StoreConfig> ParseStore(const Place& place, const YAML::Node& node, const std::string& folder) {
  StoreConfig store;
  TRY(ForEachKey(place, node, "a store",
                 {{"name",
                   [&](const YAML::Node& value) -> Result<void> {
                     store.name = TRY(Text(place, value, "name"));
                     const auto valid = CheckStoreName(store.name);
                     if (!valid.ok()) return place.At(value, valid.error().message());
                     return {};
                   }},
                  {"path",
                   [&](const YAML::Node& value) -> Result<void> {
                     store.path = TRY(StorePath(place, value, TRY(Text(place, value, "path")), folder));
                     return {};
                   }},
                  {"storage_options",
                   [&](const YAML::Node& value) -> Result<void> {
                     if (value.IsNull()) return {};
                     store.storage_options = TRY(TextMap(place, value, "storage_options"));
                     store.has_inline_secrets = HasInlineSecrets(value);
                     return {};
                   }},
                  {"table_defaults",
                   [&](const YAML::Node& value) -> Result<void> {
                     store.table_defaults = TRY(TextMap(place, value, "table_defaults"));
                     return {};
                   }},
                  {"count_from_statistics", [&](const YAML::Node& value) -> Result<void> {
                     store.count_from_statistics = TRY(Flag(place, value, "count_from_statistics"));
                     return {};
                   }}}));
  if (store.name.empty()) return place.At(node, "a store needs a 'name'");
  if (store.path.empty()) return place.At(node, fmt::format("store '{}' needs a 'path'", store.name));
  return store;
}

// The options that say in which service and account the bucket is.
std::map<std::string, std::string> WhereOptions(const StoreConfig& store, const store::Location& location) {
  std::map<std::string, std::string> where;
  if (!location.account.empty()) where["account_name"] = location.account;
  for (const auto& [key, value] : store.storage_options) {
    std::string name = key;
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    if (name.ends_with("account_name")) where.emplace("account_name", value);
    if (name.find("endpoint") != std::string::npos) where.emplace(name, value);
  }
  return where;
}

// Where a store is. Two links to one folder are one place. A folder that does not exist yet is where its path says.
std::string PlaceOf(const store::Location& location) {
  if (!location.is_local) return location.place;
  std::error_code error;
  const auto real = std::filesystem::weakly_canonical(location.place, error);
  if (error) return location.place;
  return real.string() + (real.has_filename() ? "/" : "");
}

Result<void> ParseStores(const Place& place, const YAML::Node& node, const std::string& folder, Config& config) {
  if (!node.IsSequence()) return place.At(node, "'stores' must be a list: - name: …, path: …");
  for (const auto& entry : node) {
    StoreConfig store = TRY(ParseStore(place, entry, folder));
    for (const auto& other : config.stores) {
      if (other.name == store.name) return place.At(entry, fmt::format("store name '{}' is given twice", store.name));
      if (EqualsIgnoringCase(other.name, store.name)) {
        return place.At(entry,
                        fmt::format("store names '{}' and '{}' differ in case only, which SQL does not tell apart",
                                    other.name, store.name));
      }
      const store::Location there = MUST(store::ParseLocation(other.path, folder));
      const store::Location here = MUST(store::ParseLocation(store.path, folder));
      const std::string there_place = PlaceOf(there);
      const std::string here_place = PlaceOf(here);
      const bool is_nested = there_place.starts_with(here_place) || here_place.starts_with(there_place);
      if (is_nested && WhereOptions(other, there) == WhereOptions(store, here)) {
        return place.At(entry, fmt::format("stores '{}' and '{}' have equal or nested paths: {} and {}", other.name,
                                           store.name, other.path, store.path));
      }
    }
    config.stores.push_back(std::move(store));
  }
  return {};
}

Result<void> ParseServer(const Place& place, const YAML::Node& node, ServerConfig& server) {
  return ForEachKey(place, node, "'server'",
                    {{"host",
                      [&](const YAML::Node& value) -> Result<void> {
                        server.host = TRY(Text(place, value, "host"));
                        if (server.host.empty()) return place.At(value, "'host' is empty");
                        return {};
                      }},
                     {"port",
                      [&](const YAML::Node& value) -> Result<void> {
                        server.port = static_cast<uint16_t>(TRY(Number(place, value, "port", 0, 65535)));
                        return {};
                      }},
                     {"workers",
                      [&](const YAML::Node& value) -> Result<void> {
                        server.workers = TRY(Number(place, value, "workers", 1, 1024));
                        return {};
                      }},
                     {"hosts", [&](const YAML::Node& value) -> Result<void> {
                        if (!value.IsSequence()) return place.At(value, "'hosts' must be a list of names");
                        for (const auto& name : value) server.hosts.push_back(TRY(Text(place, name, "hosts")));
                        return {};
                      }}});
}

Result<void> ParseLimits(const Place& place, const YAML::Node& node, LimitsConfig& limits) {
  constexpr uint64_t kAny = 1ULL << 50;
  constexpr uint64_t kSecondsMax = 1'000'000'000;  // may be added to any time without overflow
  std::map<std::string, Handler> handlers;
  const auto limit = [&](const char* key, uint64_t LimitsConfig::* member, uint64_t min) {
    handlers[key] = [&place, &limits, key, member, min](const YAML::Node& value) -> Result<void> {
      const bool is_time = std::string_view(key).ends_with("_seconds");
      limits.*member = TRY(Number(place, value, key, min, is_time ? kSecondsMax : kAny));
      return {};
    };
  };
  limit("header_bytes", &LimitsConfig::header_bytes, 256);
  limit("header_lines", &LimitsConfig::header_lines, 1);
  limit("uri_bytes", &LimitsConfig::uri_bytes, 64);
  limit("header_seconds", &LimitsConfig::header_seconds, 1);
  limit("body_idle_seconds", &LimitsConfig::body_idle_seconds, 1);
  limit("response_idle_seconds", &LimitsConfig::response_idle_seconds, 1);
  limit("keep_alive_seconds", &LimitsConfig::keep_alive_seconds, 1);
  limit("json_body_bytes", &LimitsConfig::json_body_bytes, 1);
  limit("stream_body_bytes", &LimitsConfig::stream_body_bytes, 1);
  limit("json_depth", &LimitsConfig::json_depth, 4);
  limit("connections", &LimitsConfig::connections, 1);
  limit("queries", &LimitsConfig::queries, 1);
  limit("queries_queued", &LimitsConfig::queries_queued, 0);
  limit("queue_seconds", &LimitsConfig::queue_seconds, 1);
  limit("query_seconds", &LimitsConfig::query_seconds, 1);
  limit("memory_bytes", &LimitsConfig::memory_bytes, 64ULL << 20);
  limit("sql_bytes", &LimitsConfig::sql_bytes, 16);
  limit("result_cache_bytes", &LimitsConfig::result_cache_bytes, 0);
  limit("stop_seconds", &LimitsConfig::stop_seconds, 1);
  limit("store_log_requests", &LimitsConfig::store_log_requests, 1);
  limit("store_data_requests", &LimitsConfig::store_data_requests, 1);
  limit("store_background_requests", &LimitsConfig::store_background_requests, 1);
  return ForEachKey(place, node, "'limits'", handlers);
}

Result<void> ParseCache(const Place& place, const YAML::Node& node, const std::string& folder, CacheConfig& cache) {
  constexpr uint64_t kAny = 1ULL << 50;
  TRY(ForEachKey(place, node, "'cache'",
                 {{"path",
                   [&](const YAML::Node& value) -> Result<void> {
                     const auto location = store::ParseLocation(TRY(Text(place, value, "path")), folder);
                     if (!location.ok()) return place.At(value, location.error().message());
                     if (!location->is_local) return place.At(value, "the cache's path is not a folder");
                     cache.path = location->root;
                     return {};
                   }},
                  {"log_bytes",
                   [&](const YAML::Node& value) -> Result<void> {
                     cache.log_bytes = TRY(Number(place, value, "log_bytes", 0, kAny));
                     return {};
                   }},
                  {"data_bytes", [&](const YAML::Node& value) -> Result<void> {
                     cache.data_bytes = TRY(Number(place, value, "data_bytes", 0, kAny));
                     return {};
                   }}}));
  if (cache.path.empty()) return place.At(node, "'cache' needs a 'path'");
  return {};
}

// The folders of a cache within a store would be listed with its tables. A store within a cache would be cleaned up.
Result<void> CheckCacheApart(const Place& place, const YAML::Node& node, const Config& config) {
  for (const StoreConfig& store : config.stores) {
    if (!config.cache.path.empty() &&
        (store.path.starts_with(config.cache.path) || config.cache.path.starts_with(store.path)))
      return place.At(node, fmt::format("the cache and the store '{}' have equal or nested paths", store.name));
  }
  return {};
}

// Bounds nesting and aliases before anything else is read, because aliases may make a small file endless.
Result<void> CheckShape(const Place& place, const YAML::Node& node, int depth, size_t& nodes) {
  if (depth > kDepthMax) return place.At(node, fmt::format("limit exceeded: nested deeper than {}", kDepthMax));
  if (++nodes > kFileBytesMax) return place.At(node, "limit exceeded: too many values");
  const std::string& tag = node.Tag();
  static const std::vector<std::string> kTags = {"",
                                                 "?",
                                                 "!",
                                                 "tag:yaml.org,2002:str",
                                                 "tag:yaml.org,2002:int",
                                                 "tag:yaml.org,2002:map",
                                                 "tag:yaml.org,2002:seq",
                                                 "tag:yaml.org,2002:bool",
                                                 "tag:yaml.org,2002:null"};
  if (std::find(kTags.begin(), kTags.end(), tag) == kTags.end()) {
    return place.At(node, fmt::format("the tag '{}' is not allowed", tag));
  }
  for (const auto& child : node) {
    if (node.IsMap()) {
      TRY(CheckShape(place, child.first, depth + 1, nodes));
      TRY(CheckShape(place, child.second, depth + 1, nodes));
    } else {
      TRY(CheckShape(place, child, depth + 1, nodes));
    }
  }
  return {};
}

Result<void> ParseDocument(const Place& place, const YAML::Node& document, const std::string& folder, Config& config) {
  size_t nodes = 0;
  TRY(CheckShape(place, document, 0, nodes));
  if (!document.IsMap()) return place.At(document, "a configuration is a mapping: stores: …");
  if (document["kind"]) {
    static const std::vector<std::string> kKinds = {"config", "table", "optimize", "vacuum", "job", "udf"};
    const std::string kind = TRY(Text(place, document["kind"], "kind"));
    if (std::find(kKinds.begin(), kKinds.end(), kind) == kKinds.end()) {
      return place.At(document["kind"], fmt::format("unknown kind '{}': expected one of {}", document["kind"].Scalar(),
                                                    fmt::join(kKinds, ", ")));
    }
    if (kind != "config") {
      config.other_documents.push_back({kind, document.Mark().line + 1});
      return {};
    }
  }
  const Handler ignored = [](const YAML::Node&) -> Result<void> { return {}; };
  TRY(ForEachKey(place, document, "the configuration",
                 {{"kind", ignored},
                  {"stores", [&](const YAML::Node& node) { return ParseStores(place, node, folder, config); }},
                  {"server", [&](const YAML::Node& node) { return ParseServer(place, node, config.server); }},
                  {"limits", [&](const YAML::Node& node) { return ParseLimits(place, node, config.limits); }},
                  {"cache", [&](const YAML::Node& node) { return ParseCache(place, node, folder, config.cache); }},
                  {"auth", [&](const YAML::Node& node) {
                     return ForEachKey(place, node, "'auth'",
                                       {{"required", [&](const YAML::Node& value) -> Result<void> {
                                           config.server.auth_required = TRY(Flag(place, value, "required"));
                                           return {};
                                         }}});
                   }}}));
  return CheckCacheApart(place, document, config);
}

}  // namespace

Result<Config> ParseConfig(std::string_view text, const std::string& file, const std::string& folder) {
  const Place place{&file};
  const auto refuse = [&](std::string_view what) {
    return Error(ErrorCode::kInvalidArgument, fmt::format("{}: {}", file, what)).WithReason(Reason::kConfig);
  };
  if (text.size() > kFileBytesMax) return refuse("limit exceeded: a configuration file has at most 1 MiB");
  if (text.find('\0') != std::string_view::npos || !IsUtf8(text))
    return refuse("not a text file: a configuration is YAML in UTF-8");
  const bool blank = std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isspace(c); });
  if (blank) return refuse("the file is empty: expected stores: …");
  if (static_cast<size_t>(std::count(text.begin(), text.end(), '*')) > kAliasesMax)
    return refuse("limit exceeded: more than 100 aliases");
  // The parser recurses: bound the indentation and the brackets before it sees them.
  if (static_cast<size_t>(std::count(text.begin(), text.end(), '[') + std::count(text.begin(), text.end(), '{')) >
      10000) {
    return refuse("limit exceeded: too many brackets");
  }
  Config config;
  bool any = false;
  try {
    for (const auto& document : YAML::LoadAll(std::string(text))) {
      if (document.IsNull()) continue;
      any = true;
      TRY(ParseDocument(place, document, folder, config));
    }
  } catch (const YAML::Exception& exception) {  // the library's own border
    return place.At(exception.mark, exception.msg);
  }
  if (!any) return refuse("the file is empty: expected stores: …");
  if (config.stores.empty()) return refuse("no stores: expected stores: with at least one - name: …, path: …");
  return config;
}

Result<Config> LoadConfig(const std::string& file) {
  const auto refuse = [&](std::string_view what) {
    return Error(ErrorCode::kInvalidArgument, fmt::format("{}: {}", file, what)).WithReason(Reason::kConfig);
  };
  std::error_code status;
  if (std::filesystem::is_directory(file, status)) return refuse("is a folder, expected a YAML file");
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return refuse(std::filesystem::exists(file, status) ? "cannot be read" : "no such file");
  std::string text(kFileBytesMax + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(stream.gcount()));
  const auto folder = std::filesystem::absolute(file).parent_path();
  Config config = TRY(ParseConfig(text, file, folder.string()));
  const bool has_secrets = std::any_of(config.stores.begin(), config.stores.end(),
                                       [](const StoreConfig& store) { return store.has_inline_secrets; });
  constexpr auto kOthers = std::filesystem::perms::group_read | std::filesystem::perms::others_read;
  const auto permissions = std::filesystem::status(file, status).permissions();
  if (has_secrets && (permissions & kOthers) != std::filesystem::perms::none) {
    Log(LogLevel::kWarn, "{} holds secrets and other users can read it: chmod 600, or take them from the environment",
        file);
  }
  return config;
}

}  // namespace yummy::lake
