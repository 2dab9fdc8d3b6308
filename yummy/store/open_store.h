#pragma once
// The one place where stores are opened: by a path or a URL, and options.

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "yummy/base/result.h"
#include "yummy/store/object_store.h"

namespace yummy::store {

/// A parsed path or URL of a store. Nothing is opened yet.
struct Location {
  bool is_local = false;
  std::string root;     // may be shown: "/data/lake/", "s3://bucket/lake/"; decoded, ends in '/'
  std::string place;    // the same for all spellings of a root; a place that begins with another is nested in it
  std::string account;  // the Azure account, if the URL names it; stores of different accounts are not nested
};

/// Parses a folder, a file:// URL, a URL of S3 (s3, s3a), Azure (az, adl, abfs, abfss) or GCS (gs), or an https URL
/// with a host of one of these. A relative folder starts at `folder`. A URL may have no query, because keys belong in
/// options. It may have a user only where Azure puts the container there. Errors: InvalidArgument; the message does not
/// repeat a URL.
Result<Location> ParseLocation(std::string_view location, std::string_view folder);

/// Opens a store by the texts that ParseLocation accepts. `storage_options` are described in docs/stores.md.
/// Errors: as ParseLocation, LocalStore::Open and CloudStore::Open; Unsupported (a program built without the clouds).
Result<std::unique_ptr<ObjectStore>> OpenStore(const std::string& location,
                                               const std::map<std::string, std::string>& storage_options);

}  // namespace yummy::store
