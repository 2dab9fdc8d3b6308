// What a commit must hold by itself, whoever wrote it.
#include <string>
#include <unordered_set>

#include <fmt/format.h>

#include "yummy/delta/protocol/actions_json.h"
#include "yummy/delta/protocol/file_key.h"

namespace yummy::delta {

namespace {

Error CorruptCommit(std::string_view name, std::string_view what) {
  return Error(ErrorCode::kCorrupt, fmt::format("{}: {}", name, what)).WithReason(Reason::kCorruptTable);
}

struct Counts {
  size_t protocols = 0, metadatas = 0, adds = 0, removes = 0;
};

Counts Count(const std::vector<Action>& actions) {
  Counts counts;
  for (const Action& action : actions) {
    counts.protocols += std::holds_alternative<Protocol>(action);
    counts.metadatas += std::holds_alternative<Metadata>(action);
    counts.adds += std::holds_alternative<Add>(action);
    counts.removes += std::holds_alternative<Remove>(action);
  }
  return counts;
}

// The keys of all actions of one kind. Errors: Corrupt, when a path occurs twice.
template <typename FileAction>
Result<std::unordered_set<std::string>> CollectKeys(const std::vector<Action>& actions, size_t count,
                                                    std::string_view name, std::string_view verb) {
  std::unordered_set<std::string> keys;
  std::unordered_set<std::string_view> paths;  // into keys: its nodes stay where they are
  keys.reserve(count);
  paths.reserve(count);
  for (const Action& action : actions) {
    const auto* file = std::get_if<FileAction>(&action);
    if (file == nullptr) continue;
    const auto [position, inserted] = keys.insert(TRY(MakeFileKey(*file)));
    if (!inserted || !paths.insert(PathOfFileKey(*position)).second) {
      return CorruptCommit(name, fmt::format("the path {} is {} twice", file->path, verb));
    }
  }
  return keys;
}

Result<void> CheckShape(const Counts& counts, std::string_view name) {
  if (counts.protocols > 1)
    return CorruptCommit(name, fmt::format("holds {} protocol actions, at most one is allowed", counts.protocols));
  if (counts.metadatas > 1)
    return CorruptCommit(name, fmt::format("holds {} metaData actions, at most one is allowed", counts.metadatas));
  return {};
}

}  // namespace

Result<void> CheckReconciled(const std::vector<Action>& actions, std::string_view name) {
  TRY(CheckShape(Count(actions), name));
  std::unordered_set<std::string> keys;
  for (const Action& action : actions) {
    std::string key;
    if (const auto* add = std::get_if<Add>(&action)) key = TRY(MakeFileKey(*add));
    if (const auto* remove = std::get_if<Remove>(&action)) key = TRY(MakeFileKey(*remove));
    if (key.empty()) continue;
    if (!keys.insert(key).second)
      return CorruptCommit(name,
                           fmt::format("the path {} is there twice with the same deletion vector", PathOfFileKey(key)));
  }
  return {};
}

Result<void> CheckCommit(const std::vector<Action>& actions, std::string_view name) {
  const Counts counts = Count(actions);
  TRY(CheckShape(counts, name));
  if (counts.adds + counts.removes < 2) return {};
  const auto added = TRY(CollectKeys<Add>(actions, counts.adds, name, "added"));
  const auto removed = TRY(CollectKeys<Remove>(actions, counts.removes, name, "removed"));
  const auto& smaller = added.size() < removed.size() ? added : removed;
  const auto& larger = added.size() < removed.size() ? removed : added;
  for (const std::string& key : smaller) {
    if (larger.contains(key)) {
      return CorruptCommit(
          name, fmt::format("the path {} is added and removed with the same deletion vector", PathOfFileKey(key)));
    }
  }
  return {};
}

}  // namespace yummy::delta
