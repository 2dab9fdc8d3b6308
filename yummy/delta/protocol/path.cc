#include "yummy/delta/protocol/path.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "yummy/base/url.h"

namespace yummy::delta {

namespace {

constexpr std::string_view kNullFolder = "__HIVE_DEFAULT_PARTITION__";

Error CorruptPath(std::string_view log_path, std::string_view why) {
  return Error(ErrorCode::kCorrupt, fmt::format("path '{}' in the log: {}", log_path, why))
      .WithReason(Reason::kCorruptTable);
}

Error OutsideTable(std::string_view log_path) {
  return Error(ErrorCode::kPermissionDenied,
               fmt::format("path '{}' in the log lies outside of the table's store", log_path))
      .WithReason(Reason::kPathOutsideTable);
}

/// The path without empty segments and those that are "."; Spark and others read "./a//b" as "a/b". What leads up
/// stays, to be refused.
std::string Clean(std::string path) {
  if (IsCleanPath(path)) return path;
  std::string clean;
  const bool is_absolute = path.starts_with('/');
  for (size_t at = 0; at < path.size();) {
    const size_t end = std::min(path.find('/', at), path.size());
    const std::string_view segment = std::string_view(path).substr(at, end - at);
    at = end + 1;
    if (segment.empty() || segment == ".") continue;
    if (is_absolute || !clean.empty()) clean += '/';
    clean += segment;
  }
  return clean;
}

// "file:/x", "file:///x", "file://localhost/x" become "/x"; other schemes keep "scheme://authority/path", both in lower
// case.
struct Absolute {
  std::string root;  // "" for local paths, else "s3://bucket"
  std::string path;  // "/x", decoded
};

Result<Absolute> SplitAbsolute(std::string_view text) {
  if (!HasScheme(text)) return Absolute{"", Clean(TRY(PercentDecode(text)))};
  Url url = TRY(Url::Parse(text));
  url.path = Clean(std::move(url.path));
  std::transform(url.authority.begin(), url.authority.end(), url.authority.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (url.scheme == "file" && (url.authority.empty() || url.authority == "localhost"))
    return Absolute{"", std::move(url.path)};
  if (url.scheme == "s3a" || url.scheme == "s3n") url.scheme = "s3";
  return Absolute{url.scheme + "://" + url.authority, std::move(url.path)};
}

bool IsAbsolute(std::string_view text) { return text.starts_with('/') || HasScheme(text); }

// True for characters that Hive and Spark escape in the name of a partition folder.
bool IsHiveSpecial(char c) {
  constexpr std::string_view kSpecial = "\"#%'*/:=?\\{[]^";
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7F || kSpecial.find(c) != std::string_view::npos;
}

void AppendHive(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (IsHiveSpecial(c)) {
      fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
}

// Cuts a segment without dividing a character or an escape.
std::string ShortSegment(std::string segment, size_t bytes_max) {
  if (segment.size() <= bytes_max) return segment;
  size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(segment[end]) & 0xC0) == 0x80) end--;
  const size_t escape = segment.rfind('%', end - 1);
  if (escape != std::string::npos && escape + 3 > end) end = escape;
  segment.resize(end);
  return segment;
}

std::string Join(std::string_view table_path, std::string_view rest) {
  while (table_path.ends_with('/')) table_path.remove_suffix(1);
  return table_path.empty() ? std::string(rest) : fmt::format("{}/{}", table_path, rest);
}

}  // namespace

Result<std::string> ResolveLogPath(const store::ObjectStore& store, std::string_view table_path,
                                   std::string_view log_path) {
  if (log_path.empty()) return CorruptPath(log_path, "it is empty");
  std::string path;
  if (IsAbsolute(log_path)) {
    const Result<Absolute> absolute = SplitAbsolute(log_path);
    if (!absolute.ok()) return CorruptPath(log_path, absolute.error().message());
    // The root comes from the configuration and is not a URI. Only paths from the log are escaped.
    std::string_view root = store.root();
    Absolute within{"", std::string(root)};
    if (HasScheme(root)) {
      const size_t authority = root.find("://");
      const size_t slash = authority == std::string_view::npos ? std::string_view::npos : root.find('/', authority + 3);
      const Result<Absolute> split = SplitAbsolute(PercentEncode(root.substr(0, slash), ":/@"));
      if (!split.ok()) return OutsideTable(log_path);
      within = {split->root, slash == std::string_view::npos ? "/" : std::string(root.substr(slash))};
      if (root.starts_with("file:"))
        within = {"", std::string(root.substr(authority == std::string_view::npos ? 5 : slash))};
    }
    if (!within.path.ends_with('/')) within.path += '/';
    if (absolute->root != within.root || !absolute->path.starts_with(within.path)) return OutsideTable(log_path);
    path = absolute->path.substr(within.path.size());
  } else {
    Result<std::string> decoded = PercentDecode(log_path);
    if (!decoded.ok()) return CorruptPath(log_path, decoded.error().message());
    path = Join(table_path, Clean(*std::move(decoded)));
  }
  if (!store::CheckPath(path).ok()) return OutsideTable(log_path);
  return path;
}

Result<std::string> NormalizeLogPath(std::string_view log_path) {
  if (log_path.empty()) return CorruptPath(log_path, "it is empty");
  if (!IsAbsolute(log_path)) {
    Result<std::string> decoded = PercentDecode(log_path);
    if (!decoded.ok()) return CorruptPath(log_path, decoded.error().message());
    return Clean(*std::move(decoded));
  }
  Result<Absolute> absolute = SplitAbsolute(log_path);
  if (!absolute.ok()) return CorruptPath(log_path, absolute.error().message());
  return absolute->root + absolute->path;
}

std::string EncodeLogPath(std::string_view path) {
  // The characters that a path segment may hold by RFC 2396, and the slash between segments. A colon in the first
  // segment would read as a scheme, so colons are escaped.
  return PercentEncode(path, "/=!$&'()*+,;@");
}

std::string PartitionFolder(const PartitionValues& values) {
  // File systems have 255 bytes for a name, stores in the cloud 1,024 for a whole path.
  constexpr size_t kSegmentBytesMax = 200;
  constexpr size_t kFolderBytesMax = 600;
  std::string folder;
  for (const auto& [name, value] : values) {
    std::string segment;
    AppendHive(segment, name);
    segment += '=';
    if (!value || value->empty()) {
      segment += kNullFolder;
    } else {
      AppendHive(segment, *value);
    }
    folder += ShortSegment(std::move(segment), kSegmentBytesMax);
    folder += '/';
  }
  return folder.size() <= kFolderBytesMax ? folder : std::string();
}

bool IsCleanPath(std::string_view path) {
  const size_t begin = path.starts_with('/') ? 1 : 0;
  if (path.substr(begin).starts_with('/') || path.ends_with('/')) return false;
  for (size_t at = begin; at < path.size();) {
    const size_t end = std::min(path.find('/', at), path.size());
    if (end == at || path.substr(at, end - at) == ".") return false;
    at = end + 1;
  }
  return true;
}

std::string LogFolder(std::string_view table_path) { return Join(table_path, "_delta_log/"); }

std::string CommitPath(std::string_view table_path, int64_t version) {
  return Join(table_path, fmt::format("_delta_log/{:020}.json", version));
}

std::string ChecksumPath(std::string_view table_path, int64_t version) {
  return Join(table_path, fmt::format("_delta_log/{:020}.crc", version));
}

}  // namespace yummy::delta
