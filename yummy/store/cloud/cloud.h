#pragma once
// The C ABI of the crate in this folder: S3, Azure and GCS by object_store. For yummy/store/cloud_store.cc only.
// Texts are UTF-8 and not terminated by NUL. Only `prefix` and `after` of a list may end within a character. Every
// function may be called from several threads, except the functions of one upload. A function that blocks takes a call,
// which bounds its time. Callbacks run on the calling thread, before the function returns.

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct YummyCloudStore YummyCloudStore;
typedef struct YummyCloudCall YummyCloudCall;
typedef struct YummyCloudUpload YummyCloudUpload;

typedef struct {
  const char* data;
  size_t size;
} YummyCloudText;

typedef struct {
  int32_t code;         // 0, or yummy::ErrorCode + 1
  int32_t http_status;  // status of the last answer, or 0
  uint32_t attempts;    // requests that were sent to the store
  int32_t is_retryable;
  const char* reason;  // lives for ever; may be empty
  char* message;       // set for an error; the caller frees it
} YummyCloudStatus;

typedef struct {
  YummyCloudText path;
  uint64_t size_bytes;
  int64_t modified_micros;  // 0: the answer does not say
  YummyCloudText etag;      // without quotes
  YummyCloudText version;
} YummyCloudObject;

typedef void (*YummyCloudTakeText)(void* user, YummyCloudText text);
typedef int32_t (*YummyCloudTakeBytes)(void* user, YummyCloudText bytes);  // returns 0 to stop
typedef void (*YummyCloudTakeObject)(void* user, const YummyCloudObject* object);
typedef void (*YummyCloudTakeEntry)(void* user, const YummyCloudObject* object, int32_t is_prefix);
typedef void (*YummyCloudTakeResult)(void* user, size_t index, YummyCloudStatus status);

void yummy_cloud_free_message(char* message);

/// `root` names the store in messages. `heeds_conditions` is set when the service is known to honour conditional puts.
/// Sends no request.
YummyCloudStatus yummy_cloud_open(YummyCloudText url, YummyCloudText root, const YummyCloudText* keys,
                                  const YummyCloudText* values, size_t count, YummyCloudTakeText warn, void* user,
                                  int32_t* heeds_conditions, YummyCloudStore** store);
/// Closes the store. Uploads may outlive it.
void yummy_cloud_close(YummyCloudStore* store);

/// A negative time-out means none. A call serves one function at a time.
YummyCloudCall* yummy_cloud_start_call(int64_t timeout_micros);
/// May be called from any thread: the running function gives up its request and returns.
void yummy_cloud_cancel_call(const YummyCloudCall* call);
void yummy_cloud_end_call(YummyCloudCall* call);

/// Reads `length` bytes from `offset`, or fewer at the end of the object. From 0 with UINT64_MAX it reads all of it.
/// With an etag, another version of the object is PreconditionFailed.
YummyCloudStatus yummy_cloud_get(const YummyCloudStore* store, const YummyCloudCall* call, YummyCloudText path,
                                 uint64_t offset, uint64_t length, YummyCloudText etag, YummyCloudTakeBytes take,
                                 void* user);
YummyCloudStatus yummy_cloud_head(const YummyCloudStore* store, const YummyCloudCall* call, YummyCloudText path,
                                  YummyCloudTakeObject take, void* user);
YummyCloudStatus yummy_cloud_put(const YummyCloudStore* store, const YummyCloudCall* call, YummyCloudText path,
                                 YummyCloudText bytes, int32_t create, YummyCloudTakeObject take, void* user);

YummyCloudStatus yummy_cloud_start_upload(const YummyCloudStore* store, YummyCloudText path, int32_t create,
                                          YummyCloudUpload** upload);
/// Blocks while the largest allowed number of parts is in flight.
YummyCloudStatus yummy_cloud_write_upload(YummyCloudUpload* upload, const YummyCloudCall* call, YummyCloudText bytes);
YummyCloudStatus yummy_cloud_finish_upload(YummyCloudUpload* upload, const YummyCloudCall* call,
                                           YummyCloudTakeObject take, void* user);
/// Frees the upload. An unfinished upload is aborted, so that the store drops its parts.
void yummy_cloud_end_upload(YummyCloudUpload* upload);

/// Lists the entries, sorted by bytes. `has_more` is set when the limit (0: none) left some out. Keys that are not
/// valid paths are left out; `warn` is called for the first such key of the store.
YummyCloudStatus yummy_cloud_list(const YummyCloudStore* store, const YummyCloudCall* call, YummyCloudText prefix,
                                  YummyCloudText after, int32_t delimiter, size_t limit, YummyCloudTakeEntry take,
                                  YummyCloudTakeText warn, void* user, int32_t* has_more);
/// `take` is called once per path, with its outcome.
YummyCloudStatus yummy_cloud_delete(const YummyCloudStore* store, const YummyCloudCall* call,
                                    const YummyCloudText* paths, size_t count, YummyCloudTakeResult take, void* user);
YummyCloudStatus yummy_cloud_copy(const YummyCloudStore* store, const YummyCloudCall* call, YummyCloudText source,
                                  YummyCloudText target);

#ifdef __cplusplus
}
#endif
