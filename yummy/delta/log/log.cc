#include "yummy/delta/log/log.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <iterator>
#include <limits>
#include <map>
#include <utility>

#include <fmt/format.h>
#include <simdjson.h>

#include "yummy/delta/protocol/path.h"

namespace yummy::delta {

namespace {

constexpr size_t kVersionDigits = 20;
constexpr size_t kPartDigits = 10;
constexpr int64_t kVersionMax = int64_t{1} << 60;  // leaves room to compute later versions
constexpr size_t kUuidLength = 36;
constexpr size_t kListPageMax = 100'000;
constexpr uint64_t kCommitBytesMax = uint64_t{1} << 30;
constexpr size_t kGapsAskedMax = 64;
constexpr size_t kLastCheckpointBytesMax = 16 << 20;  // it may hold the checkpoint's schema

Error Corrupt(std::string message) {
  return Error(ErrorCode::kCorrupt, std::move(message)).WithReason(Reason::kCorruptTable);
}

/// `digits` decimal digits at the start of `text`, removed from it; absent when there are fewer or they do not fit.
std::optional<int64_t> TakeDigits(std::string_view& text, size_t digits) {
  if (text.size() < digits) return std::nullopt;
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + digits, value);
  if (error != std::errc() || end != text.data() + digits || text[0] == '-') return std::nullopt;
  text.remove_prefix(digits);
  return value;
}

bool TakeText(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool IsUuid(std::string_view text) {
  if (text.size() != kUuidLength) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == '-';
  });
}

enum class FileKind { kForeign, kCommit, kCompaction, kChecksum, kClassic, kPart, kUuidParquet, kUuidJson };

struct ParsedName {
  FileKind kind = FileKind::kForeign;
  int64_t version = 0;
  int64_t last = 0;  // of a compaction, which begins at version
  int64_t part = 0;  // from 1
  int64_t parts = 1;
};

ParsedName ParseCheckpointName(std::string_view rest, int64_t version) {
  if (rest == "parquet") return {.kind = FileKind::kClassic, .version = version};
  if (rest.size() > kUuidLength && IsUuid(rest.substr(0, kUuidLength))) {
    const std::string_view extension = rest.substr(kUuidLength);
    if (extension == ".parquet") return {.kind = FileKind::kUuidParquet, .version = version};
    if (extension == ".json") return {.kind = FileKind::kUuidJson, .version = version};
    return {};
  }
  const auto part = TakeDigits(rest, kPartDigits);
  if (!part || !TakeText(rest, ".")) return {};
  const auto parts = TakeDigits(rest, kPartDigits);
  if (!parts || rest != ".parquet" || *part < 1 || *part > *parts) return {};
  return {.kind = FileKind::kPart, .version = version, .part = *part, .parts = *parts};
}

/// Parses a name in the log folder. Names of unknown kinds are foreign and ignored.
ParsedName ParseName(std::string_view name) {
  const auto version = TakeDigits(name, kVersionDigits);
  if (!version || *version > kVersionMax || !TakeText(name, ".")) return {};
  if (name == "json") return {.kind = FileKind::kCommit, .version = *version};
  if (name == "crc") return {.kind = FileKind::kChecksum, .version = *version};
  if (TakeText(name, "checkpoint.")) return ParseCheckpointName(name, *version);
  const auto last = TakeDigits(name, kVersionDigits);
  if (!last || *last <= *version || *last > kVersionMax || name != ".compacted.json") return {};
  return {.kind = FileKind::kCompaction, .version = *version, .last = *last};
}

/// The files of the log folder by kind, from one list.
struct Listing {
  std::vector<CommitFile> commits;  // ascending
  std::vector<CompactionFile> compactions;
  std::map<int64_t, store::ObjectMeta> checksums;
  std::vector<CheckpointFiles> checkpoints;  // complete ones, ascending

  bool empty() const { return commits.empty() && checkpoints.empty(); }
  int64_t newest() const {
    return std::max(commits.empty() ? -1 : commits.back().version,
                    checkpoints.empty() ? -1 : checkpoints.back().version);
  }
  /// The newest at or below a version.
  const CheckpointFiles* FindCheckpoint(int64_t version) const {
    const auto behind = std::upper_bound(checkpoints.begin(), checkpoints.end(), version,
                                         [](int64_t v, const auto& checkpoint) { return v < checkpoint.version; });
    return behind == checkpoints.begin() ? nullptr : &*std::prev(behind);
  }
  const CommitFile* FindCommit(int64_t version) const {
    const auto at = std::lower_bound(commits.begin(), commits.end(), version,
                                     [](const CommitFile& commit, int64_t v) { return commit.version < v; });
    return at != commits.end() && at->version == version ? &*at : nullptr;
  }
};

/// Sorts objects of the log folder into a listing. Multi-part checkpoints count only with all their parts.
class ListingBuilder {
 public:
  explicit ListingBuilder(const std::vector<std::string>& unusable) : unusable_(unusable) {}

  void Add(store::ObjectMeta meta, std::string_view name) {
    const ParsedName parsed = ParseName(name);
    if (parsed.kind == FileKind::kForeign) return;
    if (parsed.kind == FileKind::kCommit) {
      listing_.commits.push_back({parsed.version, std::move(meta)});
    } else if (parsed.kind == FileKind::kCompaction) {
      listing_.compactions.push_back({parsed.version, parsed.last, std::move(meta)});
    } else if (parsed.kind == FileKind::kChecksum) {
      listing_.checksums.emplace(parsed.version, std::move(meta));
    } else if (std::find(unusable_.begin(), unusable_.end(), meta.path) != unusable_.end()) {
      return;
    } else if (parsed.kind == FileKind::kPart) {
      parts_[{parsed.version, parsed.parts}].push_back(std::move(meta));
    } else {
      CheckpointFiles files{.version = parsed.version, .json = parsed.kind == FileKind::kUuidJson, .parts = {}};
      files.parts.push_back(std::move(meta));
      listing_.checkpoints.push_back(std::move(files));
    }
  }

  Listing Finish() {
    for (auto& [key, parts] : parts_) {
      // Part numbers run from 1 to the count, and names are unique. So all parts are there if there are as many files.
      if (static_cast<int64_t>(parts.size()) != key.second) continue;
      listing_.checkpoints.push_back({.version = key.first, .json = false, .parts = std::move(parts)});
    }
    // If a version has several checkpoints, the last one is taken: that with the fewest files.
    std::stable_sort(listing_.checkpoints.begin(), listing_.checkpoints.end(), [](const auto& a, const auto& b) {
      return a.version != b.version ? a.version < b.version : a.parts.size() > b.parts.size();
    });
    return std::move(listing_);
  }

 private:
  const std::vector<std::string>& unusable_;
  Listing listing_;
  std::map<std::pair<int64_t, int64_t>, std::vector<store::ObjectMeta>> parts_;  // by version and number of parts
};

/// Lists the files of the log from `from_version` on.
Result<Listing> ListLog(const Context& context, store::ObjectStore& store, std::string_view table_path,
                        int64_t from_version, const std::vector<std::string>& unusable) {
  const std::string folder = LogFolder(table_path);
  ListingBuilder builder(unusable);
  // Every name of a version is longer than its digits, and so sorts after them. Hidden files of other writers sort
  // before.
  store::ListOptions options{
      .after = fmt::format("{}{:020}", folder, from_version), .delimiter = true, .limit = kListPageMax};
  while (true) {
    TRY(context.Check());
    store::ListPage page = TRY(store.List(context, folder, options));
    std::string last;
    if (!page.objects.empty()) last = page.objects.back().path;
    if (!page.prefixes.empty()) last = std::max(last, page.prefixes.back());
    for (store::ObjectMeta& meta : page.objects) {
      const std::string name = meta.path.substr(std::min(folder.size(), meta.path.size()));
      builder.Add(std::move(meta), name);
    }
    if (!page.truncated || last.empty()) break;
    options.after = std::move(last);
  }
  return builder.Finish();
}

Error VersionNotFound(int64_t wanted, int64_t newest) {
  return Error(ErrorCode::kNotFound, fmt::format("there is no version {}: the newest is {}", wanted, newest))
      .WithReason(Reason::kVersionNotFound)
      .With("current_version", std::to_string(newest));
}

Error VersionExpired(int64_t wanted, int64_t oldest, int64_t newest) {
  return Error(ErrorCode::kNotFound,
               fmt::format("version {} is no longer available: the log's clean-up removed it, the oldest is {}", wanted,
                           oldest))
      .WithReason(Reason::kVersionExpired)
      .With("oldest_version", std::to_string(oldest))
      .With("current_version", std::to_string(newest));
}

/// The compactions of `all` that lie within the versions from `first` to `last`, without overlaps and ascending. Longer
/// ones are preferred.
std::vector<CompactionFile> PickCompactions(std::vector<CompactionFile> all, int64_t first, int64_t last) {
  std::erase_if(all, [&](const CompactionFile& file) { return file.first < first || file.last > last; });
  std::ranges::stable_sort(all, std::greater(), [](const CompactionFile& file) { return file.last - file.first; });
  std::map<int64_t, CompactionFile> picked;  // by first version
  for (CompactionFile& file : all) {
    const auto next = picked.upper_bound(file.last);
    const bool overlaps = next != picked.begin() && std::prev(next)->second.last >= file.first;
    if (!overlaps) picked.emplace(file.first, std::move(file));
  }
  std::vector<CompactionFile> ascending;
  for (auto& [version, file] : picked) ascending.push_back(std::move(file));
  return ascending;
}

/// The segment of a version in a complete listing. Pure.
Result<LogSegment> PickSegment(const Listing& listing, std::optional<int64_t> wanted) {
  const int64_t newest = listing.newest();
  if (wanted && (*wanted < 0 || *wanted > newest)) return VersionNotFound(*wanted, newest);
  LogSegment segment;
  segment.version = wanted.value_or(newest);
  if (const CheckpointFiles* checkpoint = listing.FindCheckpoint(segment.version)) segment.checkpoint = *checkpoint;
  const int64_t first = segment.checkpoint ? segment.checkpoint->version + 1 : 0;
  // Clean-up removes the oldest commits and leaves a checkpoint behind that covers them.
  if (!segment.checkpoint && !listing.FindCommit(0) && !listing.checkpoints.empty()) {
    return VersionExpired(segment.version, listing.checkpoints.front().version, newest);
  }
  for (int64_t version = first; version <= segment.version; version++) {
    const CommitFile* commit = listing.FindCommit(version);
    if (commit == nullptr) return Corrupt(fmt::format("gap in the log: version {} is missing", version));
    segment.commits.push_back(*commit);
  }
  segment.compactions = PickCompactions(listing.compactions, first, segment.version);
  if (const CommitFile* own = listing.FindCommit(segment.version)) segment.own_commit = own->meta;
  if (const auto at = listing.checksums.find(segment.version); at != listing.checksums.end())
    segment.checksum = at->second;
  return segment;
}

/// Asks for the commits that are missing in the segment of a version. A list is not a snapshot: of two commits that are
/// made meanwhile, it may hold only the later one. But commits are made in order, so the earlier one must exist by now.
Result<void> FillGaps(const Context& context, store::ObjectStore& store, std::string_view table_path,
                      std::optional<int64_t> wanted, Listing& listing) {
  const int64_t last = wanted.value_or(listing.newest());
  const CheckpointFiles* checkpoint = listing.FindCheckpoint(last);
  size_t asked = 0;
  for (int64_t version = checkpoint ? checkpoint->version + 1 : 0; version <= last; version++) {
    if (listing.FindCommit(version) != nullptr) continue;
    if (++asked > kGapsAskedMax) return {};
    auto meta = store.Head(context, CommitPath(table_path, version));
    if (!meta.ok() && meta.error().code() == ErrorCode::kNotFound) return {};
    const auto at = std::find_if(listing.commits.begin(), listing.commits.end(),
                                 [&](const CommitFile& commit) { return commit.version > version; });
    listing.commits.insert(at, {version, TRY(std::move(meta))});
  }
  return {};
}

/// The segment from a list that starts at the hint; absent if the hint does not lead to one.
Result<std::optional<LogSegment>> FindFromHint(const Context& context, store::ObjectStore& store,
                                               std::string_view table_path, const FindLogOptions& options,
                                               int64_t hint) {
  const Listing listing = TRY(ListLog(context, store, table_path, hint, options.unusable_checkpoints));
  if (listing.checkpoints.empty() || listing.checkpoints.front().version != hint) return std::optional<LogSegment>();
  auto segment = PickSegment(listing, options.version);
  if (!segment.ok()) return std::optional<LogSegment>();
  return std::optional<LogSegment>(std::move(segment).value());
}

}  // namespace

Result<std::optional<int64_t>> ReadLastCheckpointHint(const Context& context, store::ObjectStore& store,
                                                      std::string_view table_path) {
  const auto bytes = store.Get(context, LogFolder(table_path) + "_last_checkpoint",
                               store::ByteRange{.offset = 0, .length = kLastCheckpointBytesMax});
  if (!bytes.ok()) {
    // If the hint cannot be used, the reason does not matter: the next list shows whether the store itself fails.
    TRY(context.Check());
    return std::optional<int64_t>();
  }
  simdjson::ondemand::parser parser;
  const simdjson::padded_string padded(*bytes);
  simdjson::ondemand::document document;
  int64_t version = -1;
  if (parser.iterate(padded).get(document) != simdjson::SUCCESS ||
      document["version"].get_int64().get(version) != simdjson::SUCCESS || version < 0) {
    return std::optional<int64_t>();
  }
  return std::optional<int64_t>(version);
}

Result<std::string> ReadCommitFile(const Context& context, store::ObjectStore& store, const store::ObjectMeta& meta) {
  const auto too_large = [&](uint64_t size_bytes) {
    return Error(ErrorCode::kResourceExhausted,
                 fmt::format("commit {} has {} bytes, more than {}", meta.path, size_bytes, kCommitBytesMax))
        .WithReason(Reason::kLimitExceeded);
  };
  if (meta.size_bytes > kCommitBytesMax) return too_large(meta.size_bytes);
  const store::ByteRange range{.offset = 0, .length = kCommitBytesMax + 1};
  // A commit never changes once it was seen under its etag. By its path alone it may belong to a table that was created
  // again.
  std::string bytes = TRY(meta.etag.empty() ? store.Get(context, meta.path, range) : store.GetKnown(context, meta));
  if (bytes.size() > kCommitBytesMax) return too_large(bytes.size());
  // Checks the size, because a truncated commit that ends after a line would look complete.
  if (meta.size_bytes != 0 && bytes.size() != meta.size_bytes) {
    return Error(ErrorCode::kUnavailable,
                 fmt::format("the answer to reading {} was cut short: expected {} bytes, found {}", meta.path,
                             meta.size_bytes, bytes.size()));
  }
  return bytes;
}

Result<LogSegment> FindLogSegment(const Context& context, store::ObjectStore& store, std::string_view table_path,
                                  const FindLogOptions& options) {
  const std::optional<int64_t> hint = TRY(ReadLastCheckpointHint(context, store, table_path));
  if (hint && *hint > 0 && (!options.version || *options.version >= *hint)) {
    std::optional<LogSegment> segment = TRY(FindFromHint(context, store, table_path, options, *hint));
    if (segment) return std::move(*segment);
  }
  Listing listing = TRY(ListLog(context, store, table_path, 0, options.unusable_checkpoints));
  if (listing.empty()) {
    return Error(ErrorCode::kNotFound,
                 fmt::format("no Delta table in {}: its _delta_log has no commit and no checkpoint",
                             table_path.empty() ? "/" : table_path))
        .WithReason(Reason::kNotADeltaTable);
  }
  auto segment = PickSegment(listing, options.version);
  if (segment.ok() || segment.error().code() != ErrorCode::kCorrupt) return segment;
  TRY(FillGaps(context, store, table_path, options.version, listing));
  return PickSegment(listing, options.version);
}

const store::ObjectMeta* LogTail::Find(std::string_view path) const {
  for (const CommitFile& commit : commits) {
    if (commit.meta.path == path) return &commit.meta;
  }
  for (const CheckpointFiles& checkpoint : checkpoints) {
    if (checkpoint.parts[0].path == path) return &checkpoint.parts[0];
  }
  return nullptr;
}

Result<LogTail> ListTail(const Context& context, store::ObjectStore& store, std::string_view table_path,
                         int64_t from_version) {
  Listing listing = TRY(ListLog(context, store, table_path, from_version, {}));
  return LogTail{std::move(listing.commits), std::move(listing.checkpoints)};
}

Result<bool> IsDeltaTable(const Context& context, store::ObjectStore& store, std::string_view table_path) {
  // Commits and checkpoints begin with a digit: every name of theirs comes before "_last_checkpoint" and the folders.
  constexpr size_t kProbeMax = 16;
  const std::string folder = LogFolder(table_path);
  store::ListOptions options{.after = folder + "/", .delimiter = true, .limit = kProbeMax};
  while (true) {
    TRY(context.Check());
    const store::ListPage page = TRY(store.List(context, folder, options));
    for (const store::ObjectMeta& meta : page.objects) {
      const ParsedName parsed =
          ParseName(std::string_view(meta.path).substr(std::min(folder.size(), meta.path.size())));
      const bool makes_a_version = parsed.kind != FileKind::kForeign && parsed.kind != FileKind::kChecksum &&
                                   parsed.kind != FileKind::kCompaction;
      if (makes_a_version) return true;
    }
    std::string last;
    if (!page.objects.empty()) last = page.objects.back().path;
    if (!page.prefixes.empty()) last = std::max(last, page.prefixes.back());
    if (!page.truncated || last.empty() || last > folder + ":") return false;
    options.after = std::move(last);
  }
}

}  // namespace yummy::delta
