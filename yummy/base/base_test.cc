#include <sys/resource.h>

#include <atomic>
#include <thread>

#include "yummy/base/clock.h"
#include "yummy/base/context.h"
#include "yummy/base/exception.h"
#include "yummy/base/executor.h"
#include "yummy/base/gate.h"
#include "yummy/base/json.h"
#include "yummy/base/random.h"
#include "yummy/base/testing.h"
#include "yummy/base/text.h"
#include "yummy/base/url.h"

namespace yummy {
namespace {

Result<int> Half(int value) {
  if (value % 2 != 0) return Error(ErrorCode::kInvalidArgument, "odd");
  return value / 2;
}
Result<int> Quarter(int value) { return Half(TRY(Half(value))); }

TEST(Result, TryPassesTheErrorUp) {
  EXPECT_EQ(*Quarter(8), 2);
  EXPECT_THAT(Quarter(6), IsError(ErrorCode::kInvalidArgument));
}

TEST(Error, KeepsReasonAndDetailsWhenCopied) {
  const Error error = Error(ErrorCode::kNotFound, "gone").WithReason(Reason::kTableNotFound).With("table", "t");
  const Error copy = error;
  EXPECT_EQ(copy.reason_name(), "TABLE_NOT_FOUND");
  EXPECT_EQ(copy.detail("table"), "t");
  EXPECT_EQ(copy.detail("hint"), "");
  EXPECT_EQ(copy.ToString(), "NotFound/TABLE_NOT_FOUND: gone");
}

TEST(Context, CheckTellsStopFromDeadline) {
  EXPECT_THAT(Context().Check(), IsOk());
  std::stop_source stop;
  const Context context(Context::Time::max(), stop.get_token(), "r");
  EXPECT_THAT(context.WithDeadline(std::chrono::steady_clock::now()).Check(), IsError(ErrorCode::kDeadlineExceeded));
  stop.request_stop();
  EXPECT_THAT(context.Check(), IsError(ErrorCode::kCancelled));
}

TEST(Context, SleepEndsWhenStopped) {
  std::stop_source stop;
  const Context context(Context::Time::max(), stop.get_token(), "r");
  std::jthread stopper([&] { stop.request_stop(); });
  EXPECT_THAT(context.Sleep(std::chrono::hours(1)), IsError(ErrorCode::kCancelled));
}

TEST(Executor, ParallelForRunsEveryIndexOnceEvenWithAFullQueue) {
  Executor executor(2, 1);
  std::vector<std::atomic<int>> ran(1000);
  executor.ParallelFor(ran.size(), [&](size_t i) { ran[i]++; });
  for (const auto& count : ran) EXPECT_EQ(count.load(), 1);
}

TEST(Executor, ParallelForMayNest) {
  Executor executor(2, 8);
  std::atomic<int> ran = 0;
  executor.ParallelFor(4, [&](size_t) { executor.ParallelFor(4, [&](size_t) { ran++; }); });
  EXPECT_EQ(ran.load(), 16);
}

TEST(Executor, ParallelForThrowsWhatABodyThrewWhenAllHaveRun) {
  Executor executor(2, 8);
  std::atomic<int> ran = 0;
  const auto failing = [&](size_t i) {
    ran++;
    if (i % 2 == 0) throw std::bad_alloc();
  };
  EXPECT_THROW(executor.ParallelFor(100, failing), std::bad_alloc);
  EXPECT_EQ(ran.load(), 100);
}

TEST(Executor, OutlivesATaskThatThrows) {
  std::atomic<bool> ran = false;
  {
    Executor executor(1, 8);
    ASSERT_THAT(executor.Submit([] { throw std::bad_alloc(); }), IsOk());
    ASSERT_THAT(executor.Submit([&] { ran = true; }), IsOk());
  }
  EXPECT_TRUE(ran.load());
}

TEST(Exception, IsAnErrorByItsKind) {
  const auto memory = CatchExceptions([]() -> Result<void> { throw std::bad_alloc(); });
  EXPECT_THAT(memory, IsError(ErrorCode::kResourceExhausted));
  EXPECT_EQ(memory.error().reason_name(), "OUT_OF_MEMORY");
  EXPECT_THAT(CatchExceptions([]() -> Result<void> { throw std::length_error("x"); }), IsError(ErrorCode::kInternal));
  EXPECT_THAT(CatchExceptions([]() -> Result<void> { throw 1; }), IsError(ErrorCode::kInternal));
  EXPECT_THAT(CatchExceptions([]() -> Result<void> { return {}; }), IsOk());
}

TEST(Executor, RefusesWhenTheQueueIsFull) {
  Executor executor(1, 1);
  std::atomic<bool> release = false;
  std::atomic<bool> started = false;
  ASSERT_THAT(executor.Submit([&] {
    started = true;
    while (!release) std::this_thread::yield();
  }),
              IsOk());
  while (!started) std::this_thread::yield();
  EXPECT_THAT(executor.Submit([] {}), IsOk());
  EXPECT_THAT(executor.Submit([] {}), IsError(ErrorCode::kResourceExhausted));
  release = true;
}

TEST(LogText, ShowsWhatClientsSayAsText) {
  EXPECT_EQ(LogText("GET /żółw 200"), "GET /żółw 200");
  EXPECT_EQ(LogText("a\r\n2026 warning FAKE\x1b[31m\x7f\tb"), "a\\x0d\\x0a2026 warning FAKE\\x1b[31m\\x7f\\x09b");
  EXPECT_EQ(LogText("\xC2\x9B[31m ę"), "\\xc2\\x9b[31m ę");
  EXPECT_EQ(LogText("a\xFF\xC4\x99"), "a\\xff\\xc4\\x99");
  EXPECT_LT(LogText(std::string(50 << 20, 'x')).size(), 10'000U);
}

TEST(Utf8Prefix, CutsNoCharacterApart) {
  EXPECT_EQ(Utf8Prefix("aęb", 4), "aęb");
  EXPECT_EQ(Utf8Prefix("aęb", 3), "aę");
  EXPECT_EQ(Utf8Prefix("aęb", 2), "a");
  EXPECT_EQ(Utf8Prefix("\x99\x99\x99", 2), "");
}

TEST(Url, DecodesOnce) {
  EXPECT_EQ(*PercentDecode("a%2520b"), "a%20b");
  EXPECT_EQ(*PercentDecode("%e4%B8%80"), "\u4e00");
  for (const char* bad : {"%", "%2", "%zz", "a%00"})
    EXPECT_THAT(PercentDecode(bad), IsError(ErrorCode::kInvalidArgument)) << bad;
}

TEST(Url, EncodeAndDecodeRoundTrip) {
  std::string all;
  for (int c = 1; c < 256; c++) all += static_cast<char>(c);
  EXPECT_EQ(*PercentDecode(PercentEncode(all)), all);
  EXPECT_EQ(PercentEncode("a/b c", "/"), "a/b%20c");
}

TEST(Url, Parses) {
  const auto url = *Url::Parse("S3://bucket/a%20b");
  EXPECT_EQ(url.scheme, "s3");
  EXPECT_EQ(url.authority, "bucket");
  EXPECT_EQ(url.path, "/a b");
  EXPECT_EQ(Url::Parse("file:/x")->path, "/x");
  EXPECT_FALSE(HasScheme("/plain/path"));
  EXPECT_FALSE(HasScheme("part=1:2/x"));
  EXPECT_THAT(Url::Parse("plain"), IsError(ErrorCode::kInvalidArgument));
}

TEST(Url, TellsUtf8) {
  EXPECT_TRUE(IsUtf8("日本語 ascii \xF0\x9F\x98\x80"));
  for (const char* bad : {"\xff", "\xc0\xae", "\xed\xa0\x80", "\xe4\xb8", "\xf5\x80\x80\x80"})
    EXPECT_FALSE(IsUtf8(bad));
}

TEST(Json, EscapesAndNeverRepairs) {
  std::string out;
  AppendJsonString(out, "a\"\\\n\x01é\xff");
  EXPECT_EQ(out, "\"a\\\"\\\\\\n\\u0001é\xff\"");
  EXPECT_EQ(ReadableUtf8("é\xff\xE4\xB8z"), "é\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDz");
}

TEST(Json, WritesDoublesThatReadBack) {
  std::string out;
  AppendJsonDouble(out, 0.1);
  out += ' ';
  AppendJsonDouble(out, 1e300);
  out += ' ';
  AppendJsonDouble(out, 0.0 / 0.0);
  out += ' ';
  AppendJsonFloat(out, 0.1F);
  EXPECT_EQ(out, "0.1 1e+300 null 0.1");
}

TEST(Json, WriterPlacesCommas) {
  JsonWriter json;
  json.BeginObject();
  json.Key("a");
  json.BeginArray();
  json.Int(1);
  json.Null();
  json.BeginObject();
  json.EndObject();
  json.EndArray();
  json.Key("b");
  json.Bool(false);
  json.EndObject();
  EXPECT_EQ(json.text(), R"({"a":[1,null,{}],"b":false})");
}

TEST(Random, MakesVersion4Uuids) {
  Random random(1);
  const std::string uuid = random.Uuid();
  ASSERT_EQ(uuid.size(), 36U);
  EXPECT_EQ(uuid[14], '4');
  EXPECT_THAT(std::string("89ab"), ::testing::HasSubstr(uuid.substr(19, 1)));
  EXPECT_NE(uuid, random.Uuid());
  EXPECT_EQ(Random(7).Uuid(), Random(7).Uuid());
}

TEST(Gate, LetsInInTheOrderOfAsking) {
  Gate gate(1);
  std::vector<int> order;
  std::vector<std::jthread> threads;
  {
    const auto place = MUST(gate.Enter(Context()));
    for (int i = 0; i < 8; i++) {
      threads.emplace_back([&, i] {
        const auto mine = MUST(gate.Enter(Context()));
        order.push_back(i);  // one at a time
      });
      while (gate.waiting() != static_cast<size_t>(i) + 1) std::this_thread::yield();
    }
  }
  threads.clear();
  EXPECT_THAT(order, testing::ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  EXPECT_EQ(gate.held(), 0U);
}

TEST(Gate, WakesOnlyWhoIsLetIn) {
  constexpr size_t kThreads = 200;
  const auto sleeps = [] {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return usage.ru_nvcsw;
  };
  Gate gate(1);
  std::vector<std::jthread> threads;
  auto place = std::make_optional(MUST(gate.Enter(Context())));
  for (size_t i = 0; i < kThreads; i++) threads.emplace_back([&] { EXPECT_THAT(gate.Enter(Context()), IsOk()); });
  while (gate.waiting() != kThreads) std::this_thread::yield();
  const auto before = sleeps();
  place.reset();
  threads.clear();
  EXPECT_LT(sleeps() - before, 10 * kThreads);
}

TEST(Gate, IsNotHeldUpByWhoGaveUp) {
  Gate gate(1);
  auto place = std::make_optional(MUST(gate.Enter(Context())));
  const auto soon = [] { return std::chrono::steady_clock::now() + std::chrono::milliseconds(10); };
  EXPECT_THAT(gate.Enter(Context().WithDeadline(soon())), IsError(ErrorCode::kDeadlineExceeded));
  std::stop_source stop;
  std::jthread leaver([&] {
    EXPECT_THAT(gate.Enter(Context(Context::Time::max(), stop.get_token(), "")), IsError(ErrorCode::kCancelled));
  });
  while (gate.waiting() != 1) std::this_thread::yield();
  stop.request_stop();
  leaver.join();
  place.reset();
  EXPECT_THAT(gate.Enter(Context()), IsOk());
}

TEST(NearestName, FindsSlipsOnly) {
  const std::vector<std::string> known = {"record_batch_dict", "record_batch_list", "dry_run"};
  EXPECT_EQ(NearestName("recordBatchDict", known), "record_batch_dict");
  EXPECT_EQ(NearestName("dryrum", known), "dry_run");
  EXPECT_EQ(NearestName("entirely_else", known), std::nullopt);
}

}  // namespace
}  // namespace yummy
