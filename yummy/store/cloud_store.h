#pragma once
// S3, Azure and GCS as stores: the crate in yummy/store/cloud behind ObjectStore.

#include <map>
#include <memory>
#include <string>

#include "yummy/base/result.h"
#include "yummy/store/object_store.h"

namespace yummy::store {

/// Reads, lists, deletions and overwriting puts are retried within the deadline of the Context and `max_retries`. A
/// deadline or a stop also ends a request that is in flight. A creating put that may have been applied is
/// OutcomeUnknown, never AlreadyExists or Cancelled.
/// Errors have the details "http_status", "attempts", "retryable" and "store", and the reasons BUCKET_NOT_FOUND,
/// STORE_WRONG_REGION, STORE_CREDENTIALS, STORE_ACCESS_DENIED, STORE_THROTTLED, STORE_TIMEOUT, STORE_UNREACHABLE,
/// STORE_CONNECTION, STORE_FAILED and STORE_BAD_ANSWER. No message holds a query, a user or a key.
/// An upload with kCreate of more than one part (8 MiB) carries the condition in its last request on S3 and Azure. GCS
/// has no condition there, so the store checks before the last request that the object does not exist.
class CloudStore final {
 public:
  /// Sends no request: the first one finds out whether the bucket exists. `root` is the URL in a form that may be
  /// shown.
  /// Safe from several threads; readers must not outlive the store. Refused in a process that was forked after the
  /// first use. Errors: InvalidArgument (reason STORE_OPTIONS), Unsupported.
  static Result<std::unique_ptr<ObjectStore>> Open(const std::string& url, std::string root,
                                                   const std::map<std::string, std::string>& storage_options);

  CloudStore() = delete;
};

}  // namespace yummy::store
