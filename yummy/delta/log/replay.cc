#include "yummy/delta/log/replay.h"

#include <utility>

#include "yummy/delta/protocol/file_key.h"

namespace yummy::delta {

Result<void> Replay::TakeCommit(std::vector<Action> actions) {
  const bool newest = !std::exchange(took_any_, true);
  // Actions go in backwards, like the commits, so that AddedFiles can reverse them all at once.
  for (size_t i = actions.size(); i > 0; i--) {
    Action& action = actions[i - 1];
    if (auto* add = std::get_if<Add>(&action)) {
      const bool lives = seen_.insert(TRY(MakeFileKey(*add))).second;
      if (lives) added_.push_back(std::move(*add));
    } else if (auto* remove = std::get_if<Remove>(&action)) {
      seen_.insert(TRY(MakeFileKey(*remove)));
    } else if (auto* new_metadata = std::get_if<Metadata>(&action)) {
      if (!metadata) metadata = std::move(*new_metadata);
    } else if (auto* new_protocol = std::get_if<Protocol>(&action)) {
      if (!protocol) protocol = std::move(*new_protocol);
    } else if (auto* txn = std::get_if<Txn>(&action)) {
      txns.try_emplace(txn->app_id, *txn);
    } else if (auto* domain = std::get_if<DomainMetadata>(&action)) {
      domains.try_emplace(domain->domain, *domain);
    } else if (auto* info = std::get_if<CommitInfo>(&action)) {
      if (newest) newest_commit_info = std::move(*info);
    }
  }
  return {};
}

Result<std::shared_ptr<const FileSegment>> Replay::AddedFiles() const {
  FileSegmentBuilder builder;
  builder.Reserve(added_.size());
  for (auto add = added_.rbegin(); add != added_.rend(); ++add) TRY(builder.AddFile(*add));
  return builder.Finish();
}

}  // namespace yummy::delta
