#include "yummy/store/cloud_store.h"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <stop_token>
#include <thread>

#include <fmt/format.h>

#include "yummy/base/testing.h"
#include "yummy/store/fault_store.h"
#include "yummy/store/open_store.h"
#include "yummy/store/scripted_server_testing.h"
#include "yummy/store/testing.h"

namespace yummy::store {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using Milliseconds = std::chrono::milliseconds;
using Then = ScriptedReply::Then;

// --- The conformance suite on stores that run ----------------------------------------------------------------------

std::vector<StoreSetup> RunningSetups() {
  std::vector<StoreSetup> setups;
  for (const RunningStore& running : RunningStores()) {
    if (!running.is_safe_for_commits) continue;
    std::string name = running.name;
    name.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(name.front())));
    const auto make = [running] { return MakeEmptyStore(running); };
    StoreSetup setup{.name = name, .make = make, .is_remote = true, .has_folders = running.name == "seaweedfs"};
    setups.push_back(setup);
    setup.name += "BehindFaults";
    setup.make = [make] { return std::make_shared<FaultStore>(make()); };
    setups.push_back(std::move(setup));
  }
  return setups;
}

INSTANTIATE_TEST_SUITE_P(Cloud, StoreConformance, ::testing::ValuesIn(RunningSetups()), StoreSetup::Name);

TEST(CloudStore, PassesTheConformanceSuiteWhereStoresRun) {
  if (RunningStores().empty()) GTEST_SKIP() << "YUMMY_STORES names no stores: tools/stores.py starts them";
}

TEST(CloudStore, UploadsInPartsAndAbortsThem) {
  if (RunningStores().empty()) GTEST_SKIP() << "YUMMY_STORES names no stores: tools/stores.py starts them";
  for (const RunningStore& running : RunningStores()) {
    SCOPED_TRACE(running.name);
    const auto store = MakeEmptyStore(running);
    const Context context;
    std::string bytes(size_t{20} << 20, '\0');
    for (size_t i = 0; i < bytes.size(); i++) bytes[i] = static_cast<char>(i * 31 + i / 4093);
    const auto upload = [&](std::string_view path, PutMode mode) -> Result<ObjectMeta> {
      const auto writer = TRY(store->StartUpload(context, path, mode));
      for (size_t i = 0; i < bytes.size(); i += 3'000'000)
        TRY(writer->Write(context, std::string_view(bytes).substr(i, 3'000'000)));
      return writer->Finish(context);
    };
    const auto meta = upload("large", PutMode::kCreate);
    ASSERT_THAT(meta, IsOk());
    EXPECT_EQ(meta->size_bytes, bytes.size());
    EXPECT_EQ(meta->etag, MUST(store->Head(context, "large")).etag);
    EXPECT_TRUE(*store->Get(context, "large") == bytes);
    if (running.is_safe_for_commits) {
      EXPECT_THAT(upload("large", PutMode::kCreate), IsError(ErrorCode::kAlreadyExists));
    }
    bytes.resize(size_t{8} << 20);
    EXPECT_THAT(upload("large", PutMode::kOverwrite), IsOk());
    EXPECT_EQ(MUST(store->Head(context, "large")).size_bytes, bytes.size());
    {
      const auto dropped = MUST(store->StartUpload(context, "dropped", PutMode::kCreate));
      ASSERT_THAT(dropped->Write(context, bytes), IsOk());
      ASSERT_THAT(dropped->Write(context, bytes), IsOk());
    }
    EXPECT_THAT(store->Head(context, "dropped"), IsError(ErrorCode::kNotFound));
  }
}

// --- A store that answers as it should not --------------------------------------------------------------------------

constexpr std::string_view kSecret = "CANARY0secret0of0the0account";
constexpr std::string_view kKeyId = "CANARY0key0id";

std::unique_ptr<ObjectStore> OpenScripted(const ScriptedServer& server, std::map<std::string, std::string> more = {}) {
  more.insert({{"aws_endpoint_url", server.url()},
               {"aws_access_key_id", std::string(kKeyId)},
               {"aws_secret_access_key", std::string(kSecret)},
               {"aws_region", "us-east-1"},
               {"aws_allow_http", "true"},
               {"max_retries", "2"}});
  return MUST(OpenStore("s3://bucket/lake", more));
}

std::unique_ptr<ObjectStore> OpenScriptedAzure(const ScriptedServer& server) {
  return MUST(OpenStore("az://container/lake", {{"azure_storage_endpoint", server.url() + "/account"},
                                                {"azure_storage_account_name", "account"},
                                                {"azure_storage_account_key", "Q0FOQVJZMHNlY3JldA=="},
                                                {"azure_allow_http", "true"},
                                                {"max_retries", "2"}}));
}

Context Within(Milliseconds time) { return Context(std::chrono::steady_clock::now() + time, {}, "request"); }

/// Answers each request with the next of `replies`, and the last one for ever.
auto InTurn(std::vector<ScriptedReply> replies) {
  return [replies = std::move(replies)](const ScriptedRequest&, size_t number) {
    return replies[std::min(number, replies.size() - 1)];
  };
}

const ScriptedReply kCreated = {.bytes = HttpAnswer(200, "", "ETag: \"e1\"\r\n")};
const ScriptedReply kExists = {.bytes = S3Error(412, "PreconditionFailed")};

/// Whether a call succeeded, without what it returned.
template <typename T>
Result<void> Outcome(const Result<T>& result) {
  if (!result.ok()) return result.error();
  return {};
}

struct Broken {
  std::string name;
  ScriptedReply reply;
  ErrorCode code;
  std::string reason;
  size_t requests;  // that a read makes
};

const std::vector<Broken> kBroken = {
    {"no bucket", {S3Error(404, "NoSuchBucket")}, ErrorCode::kNotFound, "BUCKET_NOT_FOUND", 1},
    {"no object", {S3Error(404, "NoSuchKey")}, ErrorCode::kNotFound, "OBJECT_NOT_FOUND", 1},
    {"region, by a redirect",
     {S3Error(301, "PermanentRedirect", "x-amz-bucket-region: eu-west-3\r\n")},
     ErrorCode::kInvalidArgument,
     "STORE_WRONG_REGION",
     1},
    {"region, by a code",
     {HttpAnswer(400, "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-3</Region></Error>")},
     ErrorCode::kInvalidArgument,
     "STORE_WRONG_REGION",
     1},
    {"key", {S3Error(403, "InvalidAccessKeyId")}, ErrorCode::kUnauthenticated, "STORE_CREDENTIALS", 1},
    {"signature", {S3Error(403, "SignatureDoesNotMatch")}, ErrorCode::kUnauthenticated, "STORE_CREDENTIALS", 1},
    {"401", {HttpAnswer(401)}, ErrorCode::kUnauthenticated, "STORE_CREDENTIALS", 1},
    {"access", {S3Error(403, "AccessDenied")}, ErrorCode::kPermissionDenied, "STORE_ACCESS_DENIED", 1},
    {"503", {S3Error(503, "SlowDown")}, ErrorCode::kUnavailable, "STORE_THROTTLED", 3},
    {"429", {HttpAnswer(429)}, ErrorCode::kUnavailable, "STORE_THROTTLED", 3},
    {"500", {S3Error(500, "InternalError")}, ErrorCode::kUnavailable, "STORE_FAILED", 3},
    {"409", {S3Error(409, "OperationAborted")}, ErrorCode::kUnavailable, "STORE_FAILED", 3},
    {"reset", {"", Then::kReset}, ErrorCode::kUnavailable, "STORE_CONNECTION", 3},
    {"closed", {"", Then::kClose}, ErrorCode::kUnavailable, "STORE_CONNECTION", 3},
    {"no HTTP", {"SSH-2.0-OpenSSH\r\n\r\n"}, ErrorCode::kUnavailable, "STORE_CONNECTION", 1},
    {"teapot", {HttpAnswer(418)}, ErrorCode::kInvalidArgument, "", 1},
};

TEST(CloudStore, NamesWhatAReadWasAnswered) {
  for (const Broken& broken : kBroken) {
    SCOPED_TRACE(broken.name);
    const ScriptedServer server(InTurn({broken.reply}));
    const auto store = OpenScripted(server);
    const auto read = store->Get(Within(Milliseconds(20'000)), "t/a b");
    ASSERT_THAT(read, IsError(broken.code));
    EXPECT_EQ(read.error().reason_name(), broken.reason) << read.error().ToString();
    EXPECT_EQ(server.requests(), broken.requests);
    EXPECT_EQ(read.error().detail("attempts"), std::to_string(broken.requests));
    EXPECT_EQ(read.error().detail("store"), "s3://bucket/lake/");
    EXPECT_THAT(read.error().message(), HasSubstr("t/a b"));
    EXPECT_THAT(read.error().ToString(), Not(HasSubstr("CANARY")));
    EXPECT_THAT(read.error().message(), HasSubstr(broken.reason == "STORE_WRONG_REGION" ? "eu-west-3" : "cannot read"));
  }
}

TEST(CloudStore, NamesWhatAListWasAnswered) {
  const std::pair<std::string, std::string> cases[] = {
      {HttpAnswer(200, "<ListBucketResult><Contents><Key>"), "STORE_BAD_ANSWER"},
      {HttpAnswer(200, "no XML at all"), "STORE_BAD_ANSWER"},
      {HttpAnswer(200, "<html><body>captive portal</body></html>"), "STORE_BAD_ANSWER"},
      {HttpAnswer(200, std::string("\xFF\xFE\x00\x01", 4)), "STORE_BAD_ANSWER"},
      {S3Error(404, "NoSuchBucket"), "BUCKET_NOT_FOUND"},
  };
  for (const auto& [answer, reason] : cases) {
    const ScriptedServer server(InTurn({{answer}}));
    const auto store = OpenScripted(server);
    const auto page = store->List(Within(Milliseconds(20'000)), "t/", {});
    ASSERT_FALSE(page.ok()) << answer;
    EXPECT_EQ(page.error().reason_name(), reason) << page.error().ToString();
  }
}

TEST(CloudStore, TriesAgainAfterAConflictWithoutACondition) {
  const ScriptedReply conflict = {S3Error(409, "OperationAborted")};
  const std::string meta = "ETag: \"e\"\r\nLast-Modified: Tue, 10 Nov 2026 10:00:00 GMT\r\n";
  const ScriptedReply there = {HttpAnswer(200, "", meta)};
  const ScriptedReply deleted = {
      HttpAnswer(200, "<DeleteResult><Deleted><Key>lake/t/a</Key></Deleted></DeleteResult>")};
  const std::string path = "t/a";
  using Call = std::function<Result<void>(ObjectStore&, const Context&)>;
  const std::tuple<std::string, ScriptedReply, Call> cases[] = {
      {"get", there, [&](auto& store, auto& context) { return Outcome(store.Get(context, path)); }},
      {"head", there, [&](auto& store, auto& context) { return Outcome(store.Head(context, path)); }},
      {"list",
       {HttpAnswer(200, "<ListBucketResult></ListBucketResult>")},
       [&](auto& store, auto& context) { return Outcome(store.List(context, "t/", {})); }},
      {"put", there,
       [&](auto& store, auto& context) { return Outcome(store.Put(context, path, "x", PutMode::kOverwrite)); }},
      {"delete", deleted,
       [&](auto& store, auto& context) { return store.Delete(context, std::span(&path, 1)).front(); }},
  };
  for (const auto& [name, success, call] : cases) {
    SCOPED_TRACE(name);
    const Context context = Within(Milliseconds(20'000));
    const ScriptedServer once(InTurn({conflict, success}));
    EXPECT_THAT(call(*OpenScripted(once), context), IsOk());
    EXPECT_EQ(once.requests(), 2U);
    const ScriptedServer forever(InTurn({conflict}));
    const Result<void> failed = call(*OpenScripted(forever), context);
    ASSERT_THAT(failed, IsError(ErrorCode::kUnavailable));
    EXPECT_EQ(failed.error().reason_name(), "STORE_FAILED");
    EXPECT_EQ(forever.requests(), 3U);
  }
}

TEST(CloudStore, RefusesBytesThatWereNotAskedFor) {
  const std::string meta = "ETag: \"e\"\r\nLast-Modified: Tue, 10 Nov 2026 10:00:00 GMT\r\n";
  const std::string cases[] = {
      HttpAnswer(206, "01234", meta + "Content-Range: bytes 0-4/100\r\n"),    // another range
      HttpAnswer(206, "01234", meta + "Content-Range: bytes 10-19/100\r\n"),  // the right one, too short
      HttpAnswer(206, "0123456789abcdef", meta + "Content-Range: bytes 10-19/100\r\n"),
      HttpAnswer(206, "0123456789", meta + "Content-Range: nonsense\r\n"),
      HttpAnswer(206, "0123456789", meta),
      HttpAnswer(200, "0123456789", meta),
  };
  for (const std::string& answer : cases) {
    const ScriptedServer server(InTurn({{answer}}));
    const auto store = OpenScripted(server);
    const auto read = store->Get(Within(Milliseconds(20'000)), "t/a", ByteRange{.offset = 10, .length = 10});
    ASSERT_THAT(read, IsError(ErrorCode::kUnavailable)) << answer;
    EXPECT_EQ(read.error().reason_name(), "STORE_BAD_ANSWER") << read.error().ToString();
    const auto reader = MUST(store->Open(Within(Milliseconds(20'000)), "t/a", 100));
    std::string out(10, ' ');
    EXPECT_THAT(reader->ReadAt(Within(Milliseconds(20'000)), 10, std::as_writable_bytes(std::span(out))),
                IsError(ErrorCode::kUnavailable))
        << answer;
  }
}

TEST(CloudStore, AnObjectShorterThanItsSizeIsCorrupt) {
  const std::string cases[] = {
      S3Error(416, "InvalidRange"),
      HttpAnswer(206, "01234",
                 "ETag: \"e\"\r\nLast-Modified: Tue, 10 Nov 2026 10:00:00 GMT\r\nContent-Range: bytes 10-14/15\r\n"),
  };
  for (const std::string& answer : cases) {
    const ScriptedServer server(InTurn({{answer}}));
    const auto store = OpenScripted(server);
    const auto reader = MUST(store->Open(Within(Milliseconds(20'000)), "t/a", 100));
    std::string out(10, ' ');
    EXPECT_THAT(reader->ReadAt(Within(Milliseconds(20'000)), 10, std::as_writable_bytes(std::span(out))),
                IsError(ErrorCode::kCorrupt))
        << answer;
  }
}

TEST(CloudStore, GoesOnAfterABodyThatBreaksOff) {
  const std::string meta = "ETag: \"e\"\r\nLast-Modified: Tue, 10 Nov 2026 10:00:00 GMT\r\n";
  std::string half = HttpAnswer(200, "0123456789", meta);
  half.resize(half.size() - 5);
  {
    const ScriptedServer server(InTurn({{half}, {HttpAnswer(206, "56789", meta + "Content-Range: bytes 5-9/10\r\n")}}));
    EXPECT_EQ(MUST(OpenScripted(server)->Get(Within(Milliseconds(20'000)), "t/a")), "0123456789");
  }
  {  // always: an error, and no bytes
    const ScriptedServer server(InTurn({{half}}));
    EXPECT_THAT(OpenScripted(server)->Get(Within(Milliseconds(20'000)), "t/a"), IsError(ErrorCode::kUnavailable));
  }
  {  // the rest is of another version
    const std::string other = "ETag: \"f\"\r\nLast-Modified: Tue, 10 Nov 2026 10:00:00 GMT\r\n";
    const ScriptedServer server(
        InTurn({{half}, {HttpAnswer(206, "vwxyz", other + "Content-Range: bytes 5-9/10\r\n")}}));
    EXPECT_THAT(OpenScripted(server)->Get(Within(Milliseconds(20'000)), "t/a"), IsError(ErrorCode::kUnavailable));
  }
}

TEST(CloudStore, WaitsAsLongAsAStoreThatThrottlesAsks) {
  const ScriptedServer server(InTurn({{S3Error(503, "SlowDown", "Retry-After: 1\r\n")}, kCreated}));
  const auto store = OpenScripted(server);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THAT(store->Put(Within(Milliseconds(20'000)), "t/a", "x", PutMode::kOverwrite), IsOk());
  EXPECT_GE(std::chrono::steady_clock::now() - start, Milliseconds(1'000));
  EXPECT_EQ(server.requests(), 2U);
}

TEST(CloudStore, ADeadlineEndsWhatHangs) {
  const std::pair<std::string, ScriptedReply> cases[] = {
      {"silence", {"", Then::kHang}},
      {"half a body", {HttpAnswer(200, "0123456789").substr(0, 60), Then::kHang}},
      {"patience", {S3Error(503, "SlowDown", "Retry-After: 3600\r\n")}},
  };
  for (const auto& [name, reply] : cases) {
    SCOPED_TRACE(name);
    const ScriptedServer server(InTurn({reply}));
    const auto store = OpenScripted(server);
    const auto start = std::chrono::steady_clock::now();
    EXPECT_THAT(store->Get(Within(Milliseconds(300)), "t/a"), IsError(ErrorCode::kDeadlineExceeded));
    EXPECT_THAT(store->Head(Within(Milliseconds(300)), "t/a"), IsError(ErrorCode::kDeadlineExceeded));
    EXPECT_THAT(store->List(Within(Milliseconds(300)), "t/", {}), IsError(ErrorCode::kDeadlineExceeded));
    const std::string path = "t/a";
    EXPECT_THAT(store->Delete(Within(Milliseconds(300)), std::span(&path, 1)).front(),
                IsError(ErrorCode::kDeadlineExceeded));
    // These may be applied, as far as anybody knows.
    EXPECT_THAT(store->Put(Within(Milliseconds(300)), "t/a", "x", PutMode::kCreate),
                IsError(ErrorCode::kOutcomeUnknown));
    EXPECT_THAT(store->Put(Within(Milliseconds(300)), "t/a", "x", PutMode::kOverwrite),
                IsError(ErrorCode::kOutcomeUnknown));
    EXPECT_LT(std::chrono::steady_clock::now() - start, Milliseconds(10'000));
  }
}

TEST(CloudStore, CredentialsOutliveTheDeadlineOfWhoWaitsForThem) {
  const ScriptedServer slow([](const ScriptedRequest&, size_t) -> ScriptedReply {
    std::this_thread::sleep_for(Milliseconds(300));
    return {HttpAnswer(200,
                       R"({"AccessKeyId": "id", "SecretAccessKey": "key", "Token": "token",)"
                       R"( "Expiration": "2999-01-01T00:00:00Z"})",
                       "Content-Type: application/json\r\n")};
  });
  const ScriptedServer server(InTurn({kCreated}));
  const auto store = MUST(OpenStore("s3://bucket/lake", {{"aws_endpoint_url", server.url()},
                                                         {"aws_container_credentials_full_uri", slow.url() + "/keys"},
                                                         {"aws_region", "us-east-1"},
                                                         {"aws_allow_http", "true"}}));
  for (int i = 0; i < 2; i++)
    EXPECT_THAT(store->Put(Within(Milliseconds(100)), "t/a", "x", PutMode::kOverwrite),
                IsError(ErrorCode::kDeadlineExceeded));
  EXPECT_EQ(server.requests(), 0);
  EXPECT_THAT(store->Put(Within(Milliseconds(20'000)), "t/a", "x", PutMode::kOverwrite), IsOk());
  EXPECT_EQ(slow.requests(), 1);
}

TEST(CloudStore, AStopReachesTheRequestUnderWay) {
  const ScriptedServer server(InTurn({{"", Then::kHang}}));
  const auto store = OpenScripted(server);
  const auto stopped = [&](auto&& call) {
    std::stop_source stop;
    const size_t before = server.requests();
    std::jthread stopper([&] {
      while (server.requests() == before) std::this_thread::yield();
      stop.request_stop();
    });
    const auto start = std::chrono::steady_clock::now();
    auto result = call(Context(Context::Time::max(), stop.get_token(), "request"));
    EXPECT_LT(std::chrono::steady_clock::now() - start, Milliseconds(10'000));
    return result;
  };
  EXPECT_THAT(stopped([&](const Context& context) { return store->Get(context, "t/a"); }),
              IsError(ErrorCode::kCancelled));
  EXPECT_THAT(stopped([&](const Context& context) { return store->List(context, "t/", {}); }),
              IsError(ErrorCode::kCancelled));
  EXPECT_THAT(stopped([&](const Context& context) { return store->Put(context, "t/a", "x", PutMode::kCreate); }),
              IsError(ErrorCode::kOutcomeUnknown));
}

TEST(CloudStore, ACreateIsSureOnlyOfWhatItWasTold) {
  struct Case {
    std::string name;
    std::vector<ScriptedReply> replies;
    std::optional<ErrorCode> code;  // none: success
  };
  const Case cases[] = {
      {"created", {kCreated}, {}},
      {"there at once", {kExists}, ErrorCode::kAlreadyExists},
      {"there after a 500", {{S3Error(500, "InternalError")}, kExists}, ErrorCode::kOutcomeUnknown},
      {"there after a 503", {{S3Error(503, "SlowDown")}, kExists}, ErrorCode::kOutcomeUnknown},
      {"there after a 429", {{HttpAnswer(429)}, kExists}, ErrorCode::kOutcomeUnknown},
      {"there after a reset", {{"", Then::kReset}, kExists}, ErrorCode::kOutcomeUnknown},
      {"created after a 500", {{S3Error(500, "InternalError")}, kCreated}, {}},
      {"conflict", {{S3Error(409, "ConditionalRequestConflict")}}, ErrorCode::kOutcomeUnknown},
      {"500 for ever", {{S3Error(500, "InternalError")}}, ErrorCode::kOutcomeUnknown},
      {"501", {{S3Error(501, "NotImplemented")}}, ErrorCode::kOutcomeUnknown},
      {"503 for ever", {{S3Error(503, "SlowDown")}}, ErrorCode::kOutcomeUnknown},
      {"408", {{HttpAnswer(408)}}, ErrorCode::kOutcomeUnknown},
      {"resets for ever", {{"", Then::kReset}}, ErrorCode::kOutcomeUnknown},
      {"429 for ever", {{HttpAnswer(429)}}, ErrorCode::kUnavailable},
      {"created, told without sense", {{HttpAnswer(200, "<html>")}}, ErrorCode::kOutcomeUnknown},
      {"created after bytes that came too slowly", {{S3Error(400, "RequestTimeout")}, kCreated}, {}},
      {"too slow for ever", {{S3Error(400, "RequestTimeout")}}, ErrorCode::kUnavailable},
      {"denied", {{S3Error(403, "AccessDenied")}}, ErrorCode::kPermissionDenied},
      {"no bucket", {{S3Error(404, "NoSuchBucket")}}, ErrorCode::kNotFound},
  };
  for (const Case& test : cases) {
    SCOPED_TRACE(test.name);
    const ScriptedServer server(InTurn(test.replies));
    const auto store = OpenScripted(server);
    const auto put = store->Put(Within(Milliseconds(20'000)), "t/a", "x", PutMode::kCreate);
    if (test.code) {
      EXPECT_THAT(put, IsError(*test.code));
    } else {
      EXPECT_THAT(put, IsOk());
    }
  }
}

TEST(CloudStore, AnUploadLooksWhetherItsLostPutWasApplied) {
  const std::string there = HttpAnswer(200, "bytes", "ETag: \"e\"\r\nLast-Modified: Tue, 10 Nov 2026 10:00:00 GMT\r\n");
  const std::string other = HttpAnswer(200, "BYTES", "ETag: \"e\"\r\nLast-Modified: Tue, 10 Nov 2026 10:00:00 GMT\r\n");
  const std::pair<std::string, bool> cases[] = {{there, true}, {other, false}, {S3Error(404, "NoSuchKey"), false}};
  for (const auto& [answer, is_ours] : cases) {
    const ScriptedServer server([&answer](const ScriptedRequest& request, size_t) -> ScriptedReply {
      if (request.method == "PUT") return {S3Error(500, "InternalError")};
      if (request.method == "HEAD") return {answer.substr(0, answer.find("\r\n\r\n") + 4)};
      return {answer};
    });
    const auto store = OpenScripted(server);
    const auto upload = MUST(store->StartUpload(Within(Milliseconds(20'000)), "t/a", PutMode::kCreate));
    MUST(upload->Write(Within(Milliseconds(20'000)), "bytes"));
    const auto finished = upload->Finish(Within(Milliseconds(20'000)));
    if (is_ours) {
      EXPECT_THAT(finished, IsOk());
    } else {
      EXPECT_THAT(finished, IsError(ErrorCode::kOutcomeUnknown)) << answer;
    }
  }
}

TEST(CloudStore, AnUploadInPartsIsCompletedOnItsCondition) {
  const auto upload = [](ObjectStore& store) -> Result<ObjectMeta> {
    const Context context = Within(Milliseconds(20'000));
    const auto started = TRY(store.StartUpload(context, "t/a", PutMode::kCreate));
    TRY(started->Write(context, std::string(size_t{9} << 20, 'x')));
    return started->Finish(context);
  };
  std::string headers;
  const auto note = [&headers](const ScriptedRequest& request) {
    EXPECT_NE(request.method, "HEAD");
    headers = request.headers;
  };
  const ScriptedServer s3([&](const ScriptedRequest& request, size_t) -> ScriptedReply {
    if (request.target.ends_with("?uploads="))
      return {HttpAnswer(200, "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>")};
    if (request.method == "POST") note(request);
    return request.method == "POST" ? kExists : kCreated;
  });
  EXPECT_THAT(upload(*OpenScripted(s3)), IsError(ErrorCode::kAlreadyExists));
  EXPECT_THAT(headers, HasSubstr("if-none-match: *"));
  headers.clear();
  const ScriptedServer azure([&](const ScriptedRequest& request, size_t) -> ScriptedReply {
    if (request.target.find("comp=blocklist") == std::string::npos) return {HttpAnswer(201)};
    note(request);
    return {HttpAnswer(409, "", "x-ms-error-code: BlobAlreadyExists\r\n")};
  });
  EXPECT_THAT(upload(*OpenScriptedAzure(azure)), IsError(ErrorCode::kAlreadyExists));
  EXPECT_THAT(headers, HasSubstr("if-none-match: *"));
  EXPECT_EQ(headers.find("authorization"), headers.rfind("authorization"));
}

TEST(CloudStore, AnErrorBehindA200IsAnError) {
  const ScriptedReply late = {S3Error(200, "InternalError")};
  const Context context = Within(Milliseconds(20'000));
  const ScriptedServer completes([&](const ScriptedRequest& request, size_t) -> ScriptedReply {
    if (request.target.ends_with("?uploads="))
      return {HttpAnswer(200, "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>")};
    return request.method == "POST" ? late : kCreated;
  });
  const auto store = OpenScripted(completes);
  const auto upload = MUST(store->StartUpload(context, "t/a", PutMode::kCreate));
  MUST(upload->Write(context, std::string(size_t{9} << 20, 'x')));
  const auto finished = upload->Finish(context);
  ASSERT_THAT(finished, IsError(ErrorCode::kOutcomeUnknown));
  EXPECT_EQ(finished.error().reason_name(), "STORE_FAILED");
  EXPECT_THAT(finished.error().message(), Not(HasSubstr("<Message>")));
  const ScriptedServer copies(InTurn({late, {HttpAnswer(200, "<CopyObjectResult></CopyObjectResult>")}}));
  EXPECT_THAT(OpenScripted(copies)->Copy(context, "t/a", "t/b"), IsOk());
  EXPECT_EQ(copies.requests(), 2U);
}

TEST(CloudStore, UploadsAreGivenUpWithoutWaitingForOneAfterTheOther) {
  std::atomic<int> aborts = 0;
  const ScriptedServer server([&](const ScriptedRequest& request, size_t) -> ScriptedReply {
    if (request.target.ends_with("?uploads="))
      return {HttpAnswer(200, "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>")};
    if (request.method != "DELETE") return kCreated;
    aborts++;
    return {"", Then::kHang};
  });
  const auto store = OpenScripted(server);
  const Context context = Within(Milliseconds(20'000));
  std::vector<std::unique_ptr<Upload>> uploads;
  for (int i = 0; i < 4; i++) {
    uploads.push_back(MUST(store->StartUpload(context, fmt::format("t/{}", i), PutMode::kCreate)));
    ASSERT_THAT(uploads.back()->Write(context, std::string(size_t{9} << 20, 'x')), IsOk());
  }
  const auto start = std::chrono::steady_clock::now();
  uploads.clear();
  EXPECT_LT(std::chrono::steady_clock::now() - start, Milliseconds(4'000));
  while (aborts < 4 && std::chrono::steady_clock::now() - start < Milliseconds(10'000))
    std::this_thread::sleep_for(Milliseconds(10));
  EXPECT_EQ(aborts, 4);
}

TEST(CloudStore, ACreateThatCannotConnectWasNotApplied) {
  std::string url;
  {
    const ScriptedServer gone(InTurn({kCreated}));
    url = gone.url();
  }
  const auto store = MUST(OpenStore("s3://bucket", {{"aws_endpoint_url", url},
                                                    {"aws_access_key_id", "k"},
                                                    {"aws_secret_access_key", "s"},
                                                    {"aws_allow_http", "true"},
                                                    {"max_retries", "1"}}));
  const auto put = store->Put(Within(Milliseconds(20'000)), "t/a", "x", PutMode::kCreate);
  ASSERT_THAT(put, IsError(ErrorCode::kUnavailable));
  EXPECT_EQ(put.error().reason_name(), "STORE_UNREACHABLE");
}

TEST(CloudStore, AzureSaysForSureThatABlobIsThere) {
  const std::tuple<int, std::string, ErrorCode> cases[] = {
      {409, "BlobAlreadyExists", ErrorCode::kAlreadyExists},      {412, "ConditionNotMet", ErrorCode::kAlreadyExists},
      {409, "ContainerBeingDeleted", ErrorCode::kConflict},       {404, "ContainerNotFound", ErrorCode::kNotFound},
      {403, "AuthenticationFailed", ErrorCode::kUnauthenticated},
  };
  for (const auto& [status, code, expected] : cases) {
    const ScriptedServer server(InTurn({{HttpAnswer(status, "", "x-ms-error-code: " + code + "\r\n")}}));
    const auto put = OpenScriptedAzure(server)->Put(Within(Milliseconds(20'000)), "t/a", "x", PutMode::kCreate);
    ASSERT_THAT(put, IsError(expected)) << code;
    EXPECT_EQ(put.error().detail("http_status"), std::to_string(status));
    EXPECT_THAT(put.error().ToString(), Not(HasSubstr("Q0FOQVJZ")));
  }
}

/// What S3 answers a deletion of many: these keys it has not deleted.
ScriptedReply Refused(const std::vector<std::pair<std::string, std::string>>& codes) {
  std::string body = R"(<?xml version="1.0"?><DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">)";
  for (const auto& [key, code] : codes) {
    body += fmt::format(
        "<Deleted><Key>lake/SlowDown</Key></Deleted>"
        "<Error><Key>lake/{}</Key><Code>{}</Code><Message>m</Message></Error>",
        key, code);
  }
  return {HttpAnswer(200, body + "<Deleted><Key>lake/z</Key></Deleted></DeleteResult>")};
}

TEST(CloudStore, DeletesInBulkAndTellsOfEachKey) {
  const ScriptedServer server(InTurn({Refused({{"b &amp; c", "AccessDenied"}, {"d", "NoSuchKey"}})}));
  const std::vector<std::string> paths = {"a", "b & c", "SlowDown", "d"};
  const auto results = OpenScripted(server)->Delete(Within(Milliseconds(20'000)), paths);
  ASSERT_EQ(results.size(), 4U);
  EXPECT_THAT(results[0], IsOk());
  ASSERT_THAT(results[1], IsError(ErrorCode::kPermissionDenied));
  EXPECT_EQ(results[1].error().reason_name(), "STORE_ACCESS_DENIED");
  EXPECT_THAT(results[1].error().message(), HasSubstr("AccessDenied"));
  EXPECT_THAT(results[2], IsOk());
  EXPECT_THAT(results[3], IsOk());
  EXPECT_EQ(server.requests(), 1U);
}

TEST(CloudStore, DeletesOneByOneAndTellsOfEachKey) {
  const ScriptedServer server([](const ScriptedRequest& request, size_t) -> ScriptedReply {
    EXPECT_EQ(request.method, "DELETE");
    return {request.target.ends_with("/b") ? S3Error(403, "AccessDenied") : HttpAnswer(204)};
  });
  const std::vector<std::string> paths = {"a", "b", "c"};
  const auto results =
      OpenScripted(server, {{"disable_bulk_delete", "true"}})->Delete(Within(Milliseconds(20'000)), paths);
  ASSERT_EQ(results.size(), 3U);
  EXPECT_THAT(results[0], IsOk());
  EXPECT_THAT(results[1], IsError(ErrorCode::kPermissionDenied));
  EXPECT_THAT(results[2], IsOk());
}

TEST(CloudStore, DeletesWhatWasRefusedForTheMomentAgain) {
  std::vector<std::string> bodies;
  const ScriptedServer server([&](const ScriptedRequest& request, size_t number) -> ScriptedReply {
    bodies.push_back(request.body);
    if (number == 0) return Refused({{"a", "SlowDown"}, {"b", "InternalError"}, {"c", "AccessDenied"}});
    return Refused({{"b", "InternalError"}});
  });
  const std::vector<std::string> paths = {"a", "b", "c", "d"};
  const auto results = OpenScripted(server)->Delete(Within(Milliseconds(20'000)), paths);
  ASSERT_EQ(results.size(), 4U);
  EXPECT_THAT(results[0], IsOk());
  ASSERT_THAT(results[1], IsError(ErrorCode::kUnavailable));
  EXPECT_EQ(results[1].error().reason_name(), "STORE_FAILED");
  EXPECT_THAT(results[2], IsError(ErrorCode::kPermissionDenied));
  EXPECT_THAT(results[3], IsOk());
  ASSERT_EQ(bodies.size(), 3U);
  EXPECT_THAT(bodies[1],
              AllOf(HasSubstr("lake/a<"), HasSubstr("lake/b<"), Not(HasSubstr("lake/c<")), Not(HasSubstr("lake/d<"))));
  EXPECT_THAT(bodies[2], AllOf(Not(HasSubstr("lake/a<")), HasSubstr("lake/b<")));
}

TEST(CloudStore, FollowsAListThatIsNotSorted) {
  const ScriptedServer server([](const ScriptedRequest& request, size_t) -> ScriptedReply {
    const auto page = [](std::string_view key, std::string_view next) {
      return HttpAnswer(200, fmt::format("<ListBucketResult>{}<Contents><Key>lake/{}</Key><Size>1</Size>"
                                         "<LastModified>2026-11-10T10:00:00.000Z</LastModified></Contents>"
                                         "</ListBucketResult>",
                                         next, key));
    };
    if (request.target.find("continuation-token=2") != std::string::npos) return {page("a", "")};
    if (request.target.find("continuation-token=1") != std::string::npos)
      return {page("c", "<NextContinuationToken>2</NextContinuationToken>")};
    return {page("b", "<NextContinuationToken>1</NextContinuationToken>")};
  });
  const auto page = OpenScripted(server)->List(Within(Milliseconds(20'000)), "", {});
  ASSERT_THAT(page, IsOk());
  std::vector<std::string> paths;
  for (const ObjectMeta& object : page->objects) paths.push_back(object.path);
  EXPECT_THAT(paths, ElementsAre("a", "b", "c"));
}

/// One entry of a list of S3.
std::string Listed(std::string_view key) {
  return fmt::format(
      "<Contents><Key>{}</Key><LastModified>2026-11-10T10:00:00.000Z</LastModified><Size>1</Size></Contents>", key);
}

TEST(CloudStore, LeavesOutOfAListWhatNoPathNames) {
  const ScriptedServer server([](const ScriptedRequest& request, size_t) -> ScriptedReply {
    const auto page = [](const std::string& entries, int next) {
      const std::string token = next == 0 ? "" : fmt::format("<NextContinuationToken>{}</NextContinuationToken>", next);
      return HttpAnswer(
          200, "\xEF\xBB\xBF<?xml version=\"1.0\"?>\n<ListBucketResult>" + token + entries + "</ListBucketResult>");
    };
    if (request.target.find("continuation-token=2") != std::string::npos)
      return {page(Listed("lake/t/x//y") + "\n" + Listed("lake/t/z&amp;"), 0)};
    if (request.target.find("continuation-token=1") != std::string::npos)
      return {page(Listed("lake/t/b//"), 2)};  // nothing else
    return {
        page("<CommonPrefixes><Prefix>lake/t//</Prefix></CommonPrefixes>"
             "<CommonPrefixes><Prefix>lake/t/_delta_log/</Prefix></CommonPrefixes>" +
                 Listed("lake/t//a") + Listed("lake/t/a") + Listed("lake/t/../a") + Listed("lake/t/a&#92;b") +
                 Listed("lake/t/a&#10;b") + Listed("lake/t/b"),
             1)};
  });
  const auto store = OpenScripted(server);
  const auto paths_of = [](const ListPage& page) {
    std::vector<std::string> paths = page.prefixes;
    for (const ObjectMeta& object : page.objects) paths.push_back(object.path);
    return paths;
  };
  ::testing::internal::CaptureStderr();
  for (int i = 0; i < 2; i++) {
    const auto page = store->List(Within(Milliseconds(20'000)), "t/", {});
    ASSERT_THAT(page, IsOk());
    EXPECT_THAT(paths_of(*page), ElementsAre("t/_delta_log/", "t/a", "t/b", "t/z&"));
    EXPECT_FALSE(page->truncated);
  }
  const std::string log = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, HasSubstr("store s3://bucket/lake/: the key \"lake/t//\" is no path"));
  EXPECT_EQ(log.find("is no path"), log.rfind("is no path")) << log;
  EXPECT_EQ(server.requests(), 6);
  // A page of the caller's begins where the last one ended, and one more request finds what the second page lacks.
  const auto page = store->List(Within(Milliseconds(20'000)), "t/", {.after = "t/a", .limit = 1});
  ASSERT_THAT(page, IsOk());
  EXPECT_THAT(paths_of(*page), ElementsAre("t/b"));
  EXPECT_TRUE(page->truncated);
  EXPECT_EQ(server.requests(), 9);
}

TEST(CloudStore, LeavesOutOfAListOfAzureWhatNoPathNames) {
  const auto blob = [](std::string_view name) {
    return fmt::format(
        "<Blob><Name>{}</Name><Properties><Last-Modified>Tue, 10 Nov 2026 10:00:00 GMT</Last-Modified>"
        "<Content-Length>1</Content-Length><Content-Type>text/plain</Content-Type></Properties></Blob>",
        name);
  };
  const ScriptedServer server(InTurn({{HttpAnswer(
      200, "\xEF\xBB\xBF<?xml version=\"1.0\"?><EnumerationResults><Prefix>lake/t/</Prefix><Blobs>" +
               blob("lake/t//a") + blob("lake/t/a") +
               "<BlobPrefix><Name>lake/t//</Name></BlobPrefix><BlobPrefix><Name>lake/t/b/</Name></BlobPrefix></Blobs>"
               "<NextMarker/></EnumerationResults>")}}));
  const auto page = OpenScriptedAzure(server)->List(Within(Milliseconds(20'000)), "t/", {.delimiter = true});
  ASSERT_THAT(page, IsOk());
  ASSERT_EQ(page->objects.size(), 1);
  EXPECT_EQ(page->objects[0].path, "t/a");
  EXPECT_THAT(page->prefixes, ElementsAre("t/b/"));
}

TEST(CloudStore, IsRefusedInAForkedChild) {
  const ScriptedServer server(InTurn({kCreated}));
  const auto store = OpenScripted(server);
  EXPECT_THAT(store->Put(Context(), "t/a", "x", PutMode::kOverwrite), IsOk());
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto put = store->Put(Context(), "t/a", "x", PutMode::kOverwrite);
    _exit(!put.ok() && put.error().code() == ErrorCode::kUnsupported ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

TEST(CloudStore, PromisesAnAtomicCreateOnlyWhereItIsKnown) {
  const std::map<std::string, std::string> keys = {{"aws_access_key_id", "k"}, {"aws_secret_access_key", "s"}};
  EXPECT_TRUE(MUST(OpenStore("s3://bucket/lake", keys))->capabilities().create_is_atomic);
  std::map<std::string, std::string> elsewhere = keys;
  elsewhere.insert({{"aws_endpoint_url", "http://127.0.0.1:9"}, {"aws_allow_http", "true"}});
  EXPECT_FALSE(MUST(OpenStore("s3://bucket/lake", elsewhere))->capabilities().create_is_atomic);
  elsewhere.insert({"aws_s3_allow_unsafe_rename", "true"});
  EXPECT_FALSE(MUST(OpenStore("s3://bucket/lake", elsewhere))->capabilities().create_is_atomic);
}

TEST(CloudStore, RefusesOptionsThatCannotBe) {
  const std::map<std::string, std::string> cases[] = {
      {{"max_retries", "many"}},
      {{"ca_bundle", "/no/such/file.pem"}},
  };
  for (const auto& options : cases) {
    const auto store = OpenStore("s3://bucket/lake", options);
    EXPECT_THAT(store, IsError(ErrorCode::kInvalidArgument)) << options.begin()->first;
  }
}

}  // namespace
}  // namespace yummy::store
