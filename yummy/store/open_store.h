#pragma once
// The one place where stores are opened: by a path or a URL, and options.

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "yummy/base/result.h"
#include "yummy/store/object_store.h"

namespace yummy::store {

/// A path or URL that names a store, read but not opened.
struct Location {
  bool is_local = false;
  std::string root;     // as it may be shown: "/data/lake/", "s3://bucket/lake/"; decoded, ends in '/'
  std::string place;    // the same for each way to write a root: two stores whose places begin alike are nested, unless
  std::string account;  // of Azure, where the URL names it, they differ in this or in what options say of it
};

/// Reads a folder, a file:// URL, or a URL of S3 (s3, s3a), Azure (az, adl, abfs, abfss), GCS (gs) or, with https, the
/// host of one of them. A relative folder is taken below `folder`. A URL has no query, and a user only where Azure has
/// the container there: keys belong in options. Errors: InvalidArgument; the message does not repeat a URL.
Result<Location> ParseLocation(std::string_view location, std::string_view folder);

/// Opens what ParseLocation takes; `storage_options` are those of delta-rs and ours (docs/rest.md).
/// Errors: as ParseLocation, LocalStore::Open and CloudStore::Open; Unsupported (a program built without the clouds).
Result<std::unique_ptr<ObjectStore>> OpenStore(const std::string& location,
                                               const std::map<std::string, std::string>& storage_options);

}  // namespace yummy::store
