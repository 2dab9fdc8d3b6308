#include "yummy/store/open_store.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "yummy/base/url.h"
#include "yummy/store/local_store.h"
#ifdef YUMMY_CLOUD
#include "yummy/store/cloud_store.h"
#endif

namespace yummy::store {

namespace {

constexpr std::string_view kAzureSchemes[] = {"az", "adl", "azure", "abfs", "abfss"};

Error LocationError(std::string_view why) {
  return Error(ErrorCode::kInvalidArgument, std::string(why)).WithReason(Reason::kStoreLocation);
}

bool IsAzure(std::string_view scheme) {
  return std::find(std::begin(kAzureSchemes), std::end(kAzureSchemes), scheme) != std::end(kAzureSchemes);
}

bool EndsWithAny(std::string_view text, std::initializer_list<std::string_view> ends) {
  return std::any_of(ends.begin(), ends.end(), [&](std::string_view end) { return text.ends_with(end); });
}

/// The place that a URL of a cloud names, however it is written. An unknown host is kept unchanged; opening it is
/// refused.
struct Bucket {
  std::string scheme;
  std::string name;
  std::string account;
  std::string path;  // without slashes at its ends
};

Bucket BucketOf(const std::string& scheme, std::string_view authority, std::string_view path) {
  const auto from_path = [&](std::string_view kind, std::string_view account) {
    const size_t end = std::min(path.find('/'), path.size());
    return Bucket{std::string(kind), std::string(path.substr(0, end)), std::string(account),
                  std::string(path.substr(std::min(end + 1, path.size())))};
  };
  const std::string_view first_label = authority.substr(0, authority.find('.'));
  if (IsAzure(scheme)) {
    const size_t user_end = authority.find('@');
    if (user_end == std::string_view::npos) return {"az", std::string(authority), "", std::string(path)};
    const std::string_view host = authority.substr(user_end + 1);
    return {"az", std::string(authority.substr(0, user_end)), std::string(host.substr(0, host.find('.'))),
            std::string(path)};
  }
  if (scheme != "https") return {scheme == "s3a" ? "s3" : scheme, std::string(authority), "", std::string(path)};
  if (EndsWithAny(authority, {".windows.net", ".fabric.microsoft.com", ".chinacloudapi.cn", ".usgovcloudapi.net"}))
    return from_path("az", first_label);
  if (authority == "storage.googleapis.com") return from_path("gs", "");
  if (EndsWithAny(authority, {".storage.googleapis.com"}))
    return {"gs", std::string(authority.substr(0, authority.rfind(".storage."))), "", std::string(path)};
  if (EndsWithAny(authority, {".amazonaws.com", ".amazonaws.com.cn"})) {
    const size_t bucket_end = authority.rfind(".s3.");
    if (bucket_end == std::string_view::npos) return from_path("s3", "");
    return {"s3", std::string(authority.substr(0, bucket_end)), "", std::string(path)};
  }
  return {scheme, std::string(authority), "", std::string(path)};
}

Result<Location> ParseFolder(std::string_view path, std::string_view folder) {
  if (std::any_of(path.begin(), path.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; })) {
    return LocationError("the path of a store holds a control character");
  }
  const std::filesystem::path joined = std::filesystem::path(folder) / path;
  std::string root = std::filesystem::absolute(joined).lexically_normal().string();
  if (!root.ends_with('/')) root += '/';
  return Location{.is_local = true, .root = root, .place = root, .account = {}};
}

Result<Location> ParseFileUrl(const Url& url) {
  if (!url.authority.empty() && url.authority != "localhost")
    return LocationError("a file URL names a host: only this machine's files can be a store");
  if (!url.path.starts_with('/')) return LocationError("a file URL needs an absolute path");
  return ParseFolder(url.path, "/");
}

Result<Location> ParseCloudUrl(const Url& url) {
  if (url.authority.empty()) return LocationError("the URL of a store names no bucket or container");
  const size_t user_end = url.authority.find('@');
  if (user_end != std::string::npos &&
      (!IsAzure(url.scheme) || url.authority.find_first_of(":@", user_end + 1) != std::string::npos ||
       url.authority.find(':') < user_end)) {
    return LocationError("the URL of a store holds a user or a key: they belong in storage_options");
  }
  std::string_view path = url.path;
  while (path.starts_with('/')) path.remove_prefix(1);
  while (path.ends_with('/')) path.remove_suffix(1);
  if (!path.empty() && !CheckPath(path).ok())
    return LocationError("the path of a store's URL has an empty or dot segment, a backslash or a control character");
  const auto slashed = [](std::string_view text) { return text.empty() ? std::string() : std::string(text) + '/'; };
  const Bucket bucket = BucketOf(url.scheme, url.authority, path);
  return Location{.is_local = false,
                  .root = fmt::format("{}://{}/{}", url.scheme, url.authority, slashed(path)),
                  .place = fmt::format("{}://{}/{}", bucket.scheme, bucket.name, slashed(bucket.path)),
                  .account = bucket.account};
}

}  // namespace

Result<Location> ParseLocation(std::string_view location, std::string_view folder) {
  if (location.empty()) return LocationError("the path of a store is empty");
  if (!HasScheme(location)) return ParseFolder(location, folder);
  // The parser's error repeats its input, which must not hold a secret.
  const bool is_file = location.starts_with("file:");
  if (!is_file && location.find_first_of("?#") != std::string_view::npos) {
    return LocationError(
        "the URL of a store has a query or a fragment: a token belongs in storage_options, and a '?' or '#' in a name "
        "is "
        "written as %3F or %23");
  }
  const Result<Url> url = Url::Parse(location);
  if (!url.ok()) return LocationError("the URL of a store has a control character or a bad percent-escape");
  if (url->scheme == "file") return ParseFileUrl(*url);
  if (url->scheme == "s3" || url->scheme == "s3a" || url->scheme == "gs" || url->scheme == "https" ||
      IsAzure(url->scheme)) {
    return ParseCloudUrl(*url);
  }
  return LocationError(fmt::format(
      "'{}:' URLs are not supported: expected a folder, file://, s3://, s3a://, gs://, az://, adl://, abfs://, "
      "abfss://, or https:// and the host of one of them",
      url->scheme));
}

Result<std::unique_ptr<ObjectStore>> OpenStore(const std::string& location,
                                               const std::map<std::string, std::string>& storage_options) {
  Location parsed = TRY(ParseLocation(location, ""));
  if (parsed.is_local) return LocalStore::Open(std::move(parsed.root));
#ifdef YUMMY_CLOUD
  return CloudStore::Open(location, std::move(parsed.root), storage_options);
#else
  (void)storage_options;
  return Error(ErrorCode::kUnsupported,
               fmt::format("{} is a store in the cloud, and this program was built without them "
                           "(YUMMY_CLOUD=OFF)",
                           parsed.root));
#endif
}

}  // namespace yummy::store
