#include "yummy/store/testing.h"

#include <algorithm>
#include <atomic>
#include <barrier>
#include <cstdlib>
#include <set>
#include <thread>

#include <fmt/format.h>
#include <simdjson.h>

#include "yummy/base/clock.h"
#include "yummy/base/random.h"
#include "yummy/base/testing.h"
#include "yummy/store/local_store.h"
#include "yummy/store/memory_store.h"
#include "yummy/store/open_store.h"

namespace yummy::store {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(StoreConformance);

StoreConformance::StoreConformance() : store_(GetParam().make()) {}
StoreConformance::~StoreConformance() = default;

ObjectMeta StoreConformance::Put(std::string_view path, std::string_view bytes, PutMode mode) {
  return MUST(store().Put(context_, path, bytes, mode));
}

std::vector<std::string> StoreConformance::AllPaths() {
  std::vector<std::string> paths;
  for (const ObjectMeta& object : MUST(store().List(context_, "", {})).objects) paths.push_back(object.path);
  return paths;
}

std::shared_ptr<ObjectStore> MakeTemporaryLocalStore() {
  struct Owner {
    TemporaryFolder folder;
    std::unique_ptr<ObjectStore> store;
  };
  const auto owner = std::make_shared<Owner>();
  owner->store = MUST(LocalStore::Open(owner->folder.path()));
  return {owner, owner->store.get()};
}

std::shared_ptr<ObjectStore> MakeMemoryStore() { return std::make_shared<MemoryStore>(Clock::System()); }

std::vector<RunningStore> RunningStores() {
  const char* file = std::getenv("YUMMY_STORES");
  if (file == nullptr) return {};
  simdjson::dom::parser parser;
  simdjson::dom::object stores;
  std::vector<RunningStore> running;
  bool is_valid = parser.load(file).get(stores) == simdjson::SUCCESS;
  for (const auto& [name, facts] : stores) {
    std::string_view root;
    simdjson::dom::object options;
    is_valid = is_valid && facts["root"].get(root) == simdjson::SUCCESS &&
               facts["storage_options"].get(options) == simdjson::SUCCESS;
    if (!is_valid) break;
    RunningStore store{.name = std::string(name), .root = std::string(root), .is_safe_for_commits = name != "s3rver"};
    for (const auto& [key, value] : options) {
      std::string_view text;
      is_valid = is_valid && value.get(text) == simdjson::SUCCESS;
      store.storage_options.emplace(key, text);
    }
    running.push_back(std::move(store));
  }
  EXPECT_TRUE(is_valid) << "YUMMY_STORES does not name a file of tools/stores.py: " << file;
  return running;
}

std::shared_ptr<ObjectStore> MakeEmptyStore(const RunningStore& running) {
  return MUST(
      OpenStore(fmt::format("{}/test-{:016x}", running.root, Random::System().Next()), running.storage_options));
}

const std::optional<RunningStore>& StoreOfTests() {
  static const auto chosen = []() -> std::optional<RunningStore> {
    const char* name = std::getenv("YUMMY_TEST_STORES");
    if (name == nullptr || std::string_view(name) == "local") return {};
    for (RunningStore& running : RunningStores()) {
      if (running.name == name) return std::move(running);
    }
    ADD_FAILURE() << "YUMMY_TEST_STORES names no store that runs: " << name;
    return {};
  }();
  return chosen;
}

std::shared_ptr<ObjectStore> MakeTestStore(const Clock& clock) {
  if (StoreOfTests()) return MakeEmptyStore(*StoreOfTests());
  return std::make_shared<MemoryStore>(clock);
}

namespace {

/// Names that have gone wrong somewhere: escapes, globs, spaces, scripts, what looks like a URL or an option.
const char* const kHostileNames[] = {
    "a b",        " leading",   "trailing ", "a%20b",    "a%2Fb",     "a%",
    "%25",        "a#b",        "a?b",       "a+b",      "a&b=c",     "it's",
    "\"quoted\"", "a:b",        "a~b",       "a*b",      "[x]",       "{x}",
    "a,b;c",      "$HOME",      "`x`",       "-rf",      "...",       "..a",
    "a..",        ".hidden",    "_under",    "x.tmp",    "col=a%3Ab", "d\xC3\xA9j\xC3\xA0",
    "日本語",     "\U0001F986", "e\xCC\x81", "<a>&amp;", "a|b",       "a^b",
    "@at",        "http:",      "null",      "CON",      "0",         "a.json.",
};

const char* const kRefusedPaths[] = {
    "",  "/",   "/a",  "a/",    "a//b", "..",   "../a",   "a/../b", "a/..",
    ".", "./a", "a/.", "a/./b", "a\\b", "a\nb", "a\tb/c", "a\x7F",  "\x01",
};

std::vector<std::string> Paths(const ListPage& page) {
  std::vector<std::string> paths;
  paths.reserve(page.objects.size());
  for (const ObjectMeta& object : page.objects) paths.push_back(object.path);
  return paths;
}

/// What a list of these keys holds by the words of object_store.h, computed the slow way.
ListPage ExpectedPage(const std::set<std::string>& keys, std::string_view prefix, const ListOptions& options) {
  std::set<std::string> entries;
  for (const std::string& key : keys) {
    if (!key.starts_with(prefix)) continue;
    const size_t slash = options.delimiter ? key.find('/', prefix.size()) : std::string::npos;
    const std::string entry = key.substr(0, slash == std::string::npos ? slash : slash + 1);
    if (entry > options.after) entries.insert(entry);
  }
  ListPage page;
  for (const std::string& entry : entries) {
    if (options.limit != 0 && page.objects.size() + page.prefixes.size() == options.limit) {
      page.truncated = true;
      break;
    }
    if (entry.ends_with('/')) {
      page.prefixes.push_back(entry);
    } else {
      page.objects.emplace_back().path = entry;
    }
  }
  return page;
}

}  // namespace

TEST_P(StoreConformance, GetsWhatWasPut) {
  std::string large(3'000'000, '\0');
  for (size_t i = 0; i < large.size(); i++) large[i] = static_cast<char>(i * 7 + i / 251);
  for (const std::string& bytes : {std::string(), std::string("hello"), std::string("\0\r\n\xFF", 4), large}) {
    const ObjectMeta meta = Put("t/object", bytes);
    EXPECT_EQ(meta.size_bytes, bytes.size());
    const auto read = store().Get(context_, "t/object");
    ASSERT_THAT(read, IsOk());
    EXPECT_TRUE(*read == bytes) << "of " << bytes.size() << " bytes";
  }
}

TEST_P(StoreConformance, AnAbsentObjectIsNotFound) {
  Put("t/there");
  const ByteRange range{.offset = 0, .length = 1};
  for (const char* path : {"absent", "t/absent", "u/absent", "t/there/absent", "t", "t/ther"}) {
    const auto got = store().Get(context_, path);
    EXPECT_THAT(got, IsError(ErrorCode::kNotFound)) << path;
    EXPECT_EQ(got.error().reason(), Reason::kObjectNotFound);
    EXPECT_THAT(store().Get(context_, path, range), IsError(ErrorCode::kNotFound)) << path;
    EXPECT_THAT(store().GetRanges(context_, path, std::span(&range, 1)), IsError(ErrorCode::kNotFound)) << path;
    EXPECT_THAT(store().Open(context_, path), IsError(ErrorCode::kNotFound)) << path;
    EXPECT_THAT(store().Head(context_, path), IsError(ErrorCode::kNotFound)) << path;
  }
}

TEST_P(StoreConformance, GetCutsARangeAtTheEndOfTheObject) {
  Put("o", "0123456789");
  const std::pair<ByteRange, std::string> cases[] = {
      {{0, 10}, "0123456789"},         {{0, 1}, "0"}, {{3, 4}, "3456"},           {{9, 1}, "9"}, {{8, 5}, "89"},
      {{0, UINT64_MAX}, "0123456789"}, {{4, 0}, ""},  {{5, UINT64_MAX}, "56789"}, {{10, 1}, ""}, {{11, 1}, ""},
      {{UINT64_MAX, UINT64_MAX}, ""},
  };
  for (const auto& [range, expected] : cases) {
    const auto read = store().Get(context_, "o", range);
    ASSERT_THAT(read, IsOk());
    EXPECT_EQ(*read, expected) << range.offset << "+" << range.length;
  }
}

TEST_P(StoreConformance, GetRangesAnswersInTheOrderAsked) {
  std::string bytes(5 << 20, '\0');
  for (size_t i = 0; i < bytes.size(); i++) bytes[i] = static_cast<char>(i >> 4);
  Put("o", bytes);
  // Near ones, far ones, the same again, one within another, none at all, over the end and behind it.
  const std::vector<ByteRange> ranges = {{4'000'000, 100}, {10, 20},        {40, 5},  {10, 20}, {12, 3},
                                         {0, 0},           {2'500'000, 64}, {0, 100}, {39, 2},  {(5 << 20) - 10, 100},
                                         {6 << 20, 7}};
  const auto read = store().GetRanges(context_, "o", ranges);
  ASSERT_THAT(read, IsOk());
  ASSERT_EQ(read->size(), ranges.size());
  for (size_t i = 0; i < ranges.size(); i++) {
    const std::string expected =
        ranges[i].offset >= bytes.size() ? "" : bytes.substr(ranges[i].offset, ranges[i].length);
    EXPECT_TRUE((*read)[i] == expected) << "range " << i;
  }
  EXPECT_THAT(*store().GetRanges(context_, "o", {}), IsEmpty());
}

TEST_P(StoreConformance, AReaderReadsAtAnyPosition) {
  Put("o", "0123456789");
  for (const std::optional<uint64_t> size : {std::optional<uint64_t>(), std::optional<uint64_t>(10)}) {
    const auto reader = MUST(store().Open(context_, "o", size));
    EXPECT_EQ(reader->size_bytes(), 10U);
    std::string out(4, ' ');
    const std::span<std::byte> bytes = std::as_writable_bytes(std::span(out));
    ASSERT_THAT(reader->ReadAt(context_, 6, bytes), IsOk());
    EXPECT_EQ(out, "6789");
    ASSERT_THAT(reader->ReadAt(context_, 0, bytes), IsOk());
    EXPECT_EQ(out, "0123");
    EXPECT_THAT(reader->ReadAt(context_, 10, bytes.first(0)), IsOk());
    EXPECT_THAT(reader->ReadAt(context_, 7, bytes), IsError(ErrorCode::kInvalidArgument));
    EXPECT_THAT(reader->ReadAt(context_, 11, bytes.first(0)), IsError(ErrorCode::kInvalidArgument));
    EXPECT_THAT(reader->ReadAt(context_, UINT64_MAX, bytes), IsError(ErrorCode::kInvalidArgument));
  }
}

TEST_P(StoreConformance, PutHeadAndListTellTheSame) {
  const ObjectMeta put = Put("t/a", "12345");
  const ObjectMeta head = MUST(store().Head(context_, "t/a"));
  const ListPage page = MUST(store().List(context_, "t/", {}));
  ASSERT_EQ(page.objects.size(), 1U);
  for (const ObjectMeta& meta : {put, head, page.objects.front()}) {
    EXPECT_EQ(meta.path, "t/a");
    EXPECT_EQ(meta.size_bytes, 5U);
    EXPECT_EQ(meta.etag, put.etag);
    EXPECT_FALSE(meta.etag.empty());
    // A list may not tell the version, nor a put the time, which some round to a second.
    EXPECT_THAT(meta.version, ::testing::AnyOf(put.version, ""));
    if (meta.modified_micros == 0) continue;
    EXPECT_LT(std::abs(meta.modified_micros - head.modified_micros), 1'000'000);
    EXPECT_GT(meta.modified_micros, 1'500'000'000'000'000);  // microseconds, not seconds or milliseconds
  }
}

TEST_P(StoreConformance, CreateRefusesAnObjectThatIsThere) {
  Put("t/a", "first", PutMode::kCreate);
  EXPECT_THAT(store().Put(context_, "t/a", "second", PutMode::kCreate), IsError(ErrorCode::kAlreadyExists));
  EXPECT_EQ(*store().Get(context_, "t/a"), "first");
  EXPECT_THAT(AllPaths(), ElementsAre("t/a"));
  // What was deleted may be created again.
  const std::string path = "t/a";
  ASSERT_THAT(store().Delete(context_, std::span(&path, 1)).front(), IsOk());
  EXPECT_THAT(store().Put(context_, path, "third", PutMode::kCreate), IsOk());
}

TEST_P(StoreConformance, OverwriteReplacesAndChangesTheEtag) {
  const ObjectMeta first = Put("t/a", "first");
  const ObjectMeta second = Put("t/a", "2nd, a longer one");
  const ObjectMeta third = Put("t/a", "3rd, of equal len");
  EXPECT_EQ(second.size_bytes, third.size_bytes);
  EXPECT_EQ((std::set{first.etag, second.etag, third.etag}.size()), 3U);
  EXPECT_EQ(*store().Get(context_, "t/a"), "3rd, of equal len");
  EXPECT_EQ(MUST(store().Head(context_, "t/a")).etag, third.etag);
  EXPECT_THAT(AllPaths(), ElementsAre("t/a"));
}

TEST_P(StoreConformance, AnUploadIsUnseenUntilItIsFinished) {
  auto upload = MUST(store().StartUpload(context_, "t/deep/a", PutMode::kCreate));
  const std::string piece(300'000, 'p');
  for (int i = 0; i < 4; i++) ASSERT_THAT(upload->Write(context_, piece), IsOk());
  ASSERT_THAT(upload->Write(context_, ""), IsOk());
  EXPECT_THAT(store().Head(context_, "t/deep/a"), IsError(ErrorCode::kNotFound));
  EXPECT_THAT(AllPaths(), IsEmpty());
  const auto meta = upload->Finish(context_);
  ASSERT_THAT(meta, IsOk());
  EXPECT_EQ(meta->path, "t/deep/a");
  EXPECT_EQ(meta->size_bytes, 4 * piece.size());
  EXPECT_EQ(meta->etag, MUST(store().Head(context_, "t/deep/a")).etag);
  EXPECT_TRUE(*store().Get(context_, "t/deep/a") == piece + piece + piece + piece);
  upload.reset();
  EXPECT_THAT(AllPaths(), ElementsAre("t/deep/a"));
}

TEST_P(StoreConformance, AnUploadThatIsDroppedLeavesNothing) {
  Put("t/kept", "kept");
  for (const char* path : {"t/dropped", "u/v/dropped", "t/kept"}) {
    const auto upload = MUST(store().StartUpload(context_, path, PutMode::kOverwrite));
    ASSERT_THAT(upload->Write(context_, "some bytes"), IsOk());
  }
  EXPECT_THAT(AllPaths(), ElementsAre("t/kept"));
  EXPECT_EQ(*store().Get(context_, "t/kept"), "kept");
  EXPECT_THAT(MUST(store().List(context_, "", {.delimiter = true})).prefixes, ElementsAre("t/"));
}

TEST_P(StoreConformance, AnUploadKeepsItsMode) {
  Put("created", "first");
  Put("overwritten", "first");
  const auto create = MUST(store().StartUpload(context_, "created", PutMode::kCreate));
  const auto overwrite = MUST(store().StartUpload(context_, "overwritten", PutMode::kOverwrite));
  for (Upload* upload : {create.get(), overwrite.get()}) ASSERT_THAT(upload->Write(context_, "second"), IsOk());
  EXPECT_THAT(create->Finish(context_), IsError(ErrorCode::kAlreadyExists));
  EXPECT_THAT(overwrite->Finish(context_), IsOk());
  EXPECT_EQ(*store().Get(context_, "created"), "first");
  EXPECT_EQ(*store().Get(context_, "overwritten"), "second");
  EXPECT_EQ(AllPaths().size(), 2U);
}

TEST_P(StoreConformance, AnEmptyUploadIsAnEmptyObject) {
  const auto upload = MUST(store().StartUpload(context_, "empty", PutMode::kCreate));
  EXPECT_THAT(upload->Finish(context_), IsOk());
  EXPECT_EQ(MUST(store().Head(context_, "empty")).size_bytes, 0U);
}

TEST_P(StoreConformance, ListsInTheOrderOfBytes) {
  // '!' and '.' sort before '/', '0' after it: a folder's objects stand between the files beside it.
  std::vector<std::string> paths = {"a!",  "a.json", "a/b/c", "a/b.json", "a/b0", "a/z", "a0", "B",
                                    "b/x", "_log/1", "~",     "\xC3\xA9", "z",    "aa",  "a-1"};
  for (const std::string& path : paths) Put(path);
  std::sort(paths.begin(), paths.end());
  EXPECT_EQ(AllPaths(), paths);
}

TEST_P(StoreConformance, APrefixIsAPlainString) {
  for (const char* path : {"t/_delta_log/0001.json", "t/_delta_log/0002.json", "t/a", "t/ab", "t/b", "tt/a"}) Put(path);
  const auto list = [&](std::string_view prefix) { return Paths(MUST(store().List(context_, prefix, {}))); };
  EXPECT_THAT(list("t/a"), ElementsAre("t/a", "t/ab"));
  EXPECT_THAT(list("t/_delta_log/0002"), ElementsAre("t/_delta_log/0002.json"));
  EXPECT_THAT(list("t/_"), ElementsAre("t/_delta_log/0001.json", "t/_delta_log/0002.json"));
  EXPECT_THAT(list("tt"), ElementsAre("tt/a"));
  EXPECT_EQ(list("t").size(), 6U);
  EXPECT_EQ(list("").size(), 6U);
  for (const char* prefix : {"x", "x/", "x/y/", "t/a/", "t/a/b/", "t/abc", "T/", "t/_delta_log/0003", "..a", "t/.."}) {
    EXPECT_THAT(list(prefix), IsEmpty()) << prefix;
  }
}

TEST_P(StoreConformance, ListReportsDeeperLevelsAsPrefixes) {
  for (const char* path : {"t/_delta_log/1.json", "t/a.parquet", "t/p=1/x", "t/p=1/q=2/y", "t/p=2/z", "u/a"}) Put(path);
  const ListPage top = MUST(store().List(context_, "", {.delimiter = true}));
  EXPECT_THAT(top.prefixes, ElementsAre("t/", "u/"));
  EXPECT_THAT(top.objects, IsEmpty());
  const ListPage table = MUST(store().List(context_, "t/", {.delimiter = true}));
  EXPECT_THAT(table.prefixes, ElementsAre("t/_delta_log/", "t/p=1/", "t/p=2/"));
  EXPECT_THAT(Paths(table), ElementsAre("t/a.parquet"));
  EXPECT_THAT(MUST(store().List(context_, "t/p", {.delimiter = true})).prefixes, ElementsAre("t/p=1/", "t/p=2/"));
  EXPECT_THAT(MUST(store().List(context_, "t", {.delimiter = true})).prefixes, ElementsAre("t/"));
  EXPECT_THAT(MUST(store().List(context_, "t/", {})).prefixes, IsEmpty());
}

TEST_P(StoreConformance, ListsAsTheModelDoesOnRandomKeys) {
  if (GetParam().has_folders) GTEST_SKIP() << "the store lists by folders";
  const uint64_t seed = Random::System().Next();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  // Folders end in a letter and objects in a digit, so that no path is both.
  const std::string letters[] = {"a", "b", "a.b", "a!", "B", "\xC3\xA9"};
  std::set<std::string> keys;
  while (keys.size() < 60) {
    std::string key;
    for (uint64_t depth = random.Below(4); depth > 0; depth--) key += letters[random.Below(6)] + "/";
    key += letters[random.Below(6)] + std::to_string(random.Below(3));
    keys.insert(key);
  }
  for (const std::string& key : keys) Put(key);
  const std::vector<std::string> sorted(keys.begin(), keys.end());

  for (int i = 0; i < (GetParam().is_remote ? 40 : 400); i++) {
    const auto piece = [&] {
      const std::string& key = sorted[random.Below(sorted.size())];
      return random.Chance(0.3) ? std::string() : key.substr(0, random.Below(key.size() + 1));
    };
    const std::string prefix = piece();
    if (!CheckPrefix(prefix).ok()) continue;
    ListOptions options{.after = piece(), .delimiter = random.Chance(0.5), .limit = random.Below(8)};
    // Page by page until the end, as a caller does.
    for (bool more = true; more;) {
      const ListPage expected = ExpectedPage(keys, prefix, options);
      const ListPage page = MUST(store().List(context_, prefix, options));
      ASSERT_EQ(Paths(page), Paths(expected)) << "prefix " << prefix << ", after " << options.after;
      ASSERT_EQ(page.prefixes, expected.prefixes) << "prefix " << prefix << ", after " << options.after;
      ASSERT_EQ(page.truncated, expected.truncated) << "prefix " << prefix << ", after " << options.after;
      more = page.truncated;
      if (!page.objects.empty()) options.after = std::max(options.after, page.objects.back().path);
      if (!page.prefixes.empty()) options.after = std::max(options.after, page.prefixes.back());
    }
  }
}

TEST_P(StoreConformance, TakesHostileNamesAsTheyAre) {
  std::vector<std::string> paths;
  for (const char* name : kHostileNames) {
    paths.push_back(fmt::format("t/{}", name));
    paths.push_back(fmt::format("folders/{}/{}", name, name));
  }
  for (const std::string& path : paths)
    ASSERT_THAT(store().Put(context_, path, "of " + path, PutMode::kCreate), IsOk()) << path;
  for (const std::string& path : paths) {
    const auto read = store().Get(context_, path);
    ASSERT_THAT(read, IsOk()) << path;
    EXPECT_EQ(*read, "of " + path);
    EXPECT_THAT(store().Head(context_, path), IsOk()) << path;
    const auto listed = store().List(context_, path, {});
    ASSERT_THAT(listed, IsOk()) << path;
    EXPECT_THAT(Paths(*listed), ::testing::Contains(path));
  }
  std::vector<std::string> sorted = paths;
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(AllPaths(), sorted);
  for (const auto& deleted : store().Delete(context_, paths)) EXPECT_THAT(deleted, IsOk());
  EXPECT_THAT(AllPaths(), IsEmpty());
}

TEST_P(StoreConformance, DeleteAnswersForEachPath) {
  for (const char* path : {"t/a", "t/b", "t/c", "u/d"}) Put(path);
  const std::vector<std::string> paths = {"t/a", "t/absent", "../t/b", "absent/x", "u/d", "t/a", "t"};
  const auto results = store().Delete(context_, paths);
  ASSERT_EQ(results.size(), paths.size());
  for (size_t i = 0; i < paths.size(); i++) {
    if (i == 2) {
      EXPECT_THAT(results[i], IsError(ErrorCode::kPermissionDenied));
    } else {
      EXPECT_THAT(results[i], IsOk()) << paths[i];
    }
  }
  EXPECT_THAT(AllPaths(), ElementsAre("t/b", "t/c"));
  if (!GetParam().has_folders) {
    EXPECT_THAT(MUST(store().List(context_, "", {.delimiter = true})).prefixes, ElementsAre("t/"));
  }
  EXPECT_THAT(store().Delete(context_, {}), IsEmpty());
}

TEST_P(StoreConformance, ACopyIsAnObjectOfItsOwn) {
  const std::string bytes(2'500'000, 'c');
  Put("t/source", bytes);
  Put("t/there", "replaced");
  for (const char* target : {"u/v/copy", "t/there", "a b%20c"}) {
    ASSERT_THAT(store().Copy(context_, "t/source", target), IsOk()) << target;
    EXPECT_TRUE(*store().Get(context_, target) == bytes) << target;
  }
  Put("t/source", "another");
  EXPECT_EQ(MUST(store().Head(context_, "u/v/copy")).size_bytes, bytes.size());
  EXPECT_THAT(store().Copy(context_, "absent", "t/there"), IsError(ErrorCode::kNotFound));
  EXPECT_EQ(MUST(store().Head(context_, "t/there")).size_bytes, bytes.size());
  EXPECT_THAT(store().Copy(context_, "../a", "b"), IsError(ErrorCode::kPermissionDenied));
  EXPECT_THAT(store().Copy(context_, "t/source", "../b"), IsError(ErrorCode::kPermissionDenied));
  EXPECT_EQ(AllPaths().size(), 4U);
}

TEST_P(StoreConformance, RefusesPathsThatMustNotReachAStore) {
  std::vector<std::string> paths(std::begin(kRefusedPaths), std::end(kRefusedPaths));
  paths.emplace_back("a\0b", 3);
  for (const std::string& path : paths) {
    const ByteRange range{.offset = 0, .length = 1};
    const auto is_refused = IsError(ErrorCode::kPermissionDenied);
    const auto got = store().Get(context_, path);
    ASSERT_THAT(got, is_refused) << path;
    EXPECT_EQ(got.error().reason(), Reason::kPathOutsideTable);
    EXPECT_THAT(store().GetRanges(context_, path, std::span(&range, 1)), is_refused) << path;
    EXPECT_THAT(store().Open(context_, path), is_refused) << path;
    EXPECT_THAT(store().Head(context_, path), is_refused) << path;
    EXPECT_THAT(store().Put(context_, path, "x", PutMode::kOverwrite), is_refused) << path;
    EXPECT_THAT(store().StartUpload(context_, path, PutMode::kCreate), is_refused) << path;
    EXPECT_THAT(store().Delete(context_, std::span(&path, 1)).front(), is_refused) << path;
  }
  for (const std::string prefix : {"/", "../", "a/../", "a//", "./", "a\\", "a\n", "a/\x01/"}) {
    EXPECT_THAT(store().List(context_, prefix, {}), IsError(ErrorCode::kPermissionDenied)) << prefix;
  }
  EXPECT_THAT(AllPaths(), IsEmpty());
}

TEST_P(StoreConformance, ACreateRaceHasOneWinnerAKey) {
  constexpr size_t kThreads = 16;
  constexpr size_t kKeys = 100;
  const auto path_of = [](size_t key) { return "race/_delta_log/" + std::to_string(key) + ".json"; };
  const auto bytes_of = [](size_t thread) { return std::string(20'000, static_cast<char>('a' + thread)); };
  std::vector<std::atomic<size_t>> winners(kKeys);
  std::vector<std::atomic<size_t>> winner(kKeys);
  std::atomic<size_t> wrong = 0;
  std::barrier start(kThreads);
  {
    std::vector<std::jthread> threads;
    threads.reserve(kThreads);
    for (size_t thread = 0; thread < kThreads; thread++) {
      threads.emplace_back([&, thread] {
        start.arrive_and_wait();
        for (size_t key = 0; key < kKeys; key++) {
          const auto put = store().Put(context_, path_of(key), bytes_of(thread), PutMode::kCreate);
          if (put.ok()) {
            winners[key]++;
            winner[key] = thread;
          } else if (put.error().code() != ErrorCode::kAlreadyExists) {
            wrong++;
          }
          // Now it is there, whole, whoever has won.
          const auto read = store().Get(context_, path_of(key));
          if (!read.ok() || read->size() != 20'000 || *read != bytes_of(static_cast<size_t>(read->front() - 'a')))
            wrong++;
        }
      });
    }
  }
  EXPECT_EQ(wrong.load(), 0U);
  for (size_t key = 0; key < kKeys; key++) {
    EXPECT_EQ(winners[key].load(), 1U) << key;
    EXPECT_EQ(*store().Get(context_, path_of(key)), bytes_of(winner[key])) << key;
  }
  EXPECT_EQ(AllPaths().size(), kKeys);
}

TEST_P(StoreConformance, AReaderBesideAWriterSeesWholeObjects) {
  const auto bytes_of = [](size_t round) {
    return std::string(1'000 + 1'000 * (round % 7), static_cast<char>('a' + round % 7));
  };
  Put("t/_last_checkpoint", bytes_of(0));
  std::atomic<bool> is_done = false;
  std::atomic<size_t> wrong = 0;
  std::jthread reader([&] {
    do {
      const auto read = store().Get(context_, "t/_last_checkpoint");
      const bool is_whole = read.ok() && !read->empty() && *read == bytes_of(static_cast<size_t>(read->front() - 'a'));
      if (!is_whole) wrong++;
      if (MUST(store().List(context_, "t/", {})).objects.size() != 1) wrong++;
    } while (!is_done);
  });
  for (size_t round = 0; round < 100; round++) Put("t/_last_checkpoint", bytes_of(round));
  is_done = true;
  reader.join();
  EXPECT_EQ(wrong.load(), 0U);
}

TEST_P(StoreConformance, AStoppedRequestDoesNothing) {
  Put("there");
  std::stop_source stop;
  const Context stopped(Context::Time::max(), stop.get_token(), "request");
  const auto reader = MUST(store().Open(stopped, "there"));
  const auto upload = MUST(store().StartUpload(stopped, "uploaded", PutMode::kOverwrite));
  stop.request_stop();
  const auto is_stopped = IsError(ErrorCode::kCancelled);
  const ByteRange range{.offset = 0, .length = 1};
  std::byte byte{};
  EXPECT_THAT(store().Get(stopped, "there"), is_stopped);
  EXPECT_THAT(store().GetRanges(stopped, "there", std::span(&range, 1)), is_stopped);
  EXPECT_THAT(store().Open(stopped, "there"), is_stopped);
  EXPECT_THAT(reader->ReadAt(stopped, 0, std::span(&byte, 1)), is_stopped);
  EXPECT_THAT(store().Head(stopped, "there"), is_stopped);
  EXPECT_THAT(store().Put(stopped, "put", "x", PutMode::kCreate), is_stopped);
  EXPECT_THAT(store().StartUpload(stopped, "put", PutMode::kCreate), is_stopped);
  EXPECT_THAT(upload->Write(stopped, "x"), is_stopped);
  EXPECT_FALSE(upload->Finish(stopped).ok());
  EXPECT_THAT(store().List(stopped, "", {}), is_stopped);
  EXPECT_THAT(store().Copy(stopped, "there", "copy"), is_stopped);
  const std::string path = "there";
  EXPECT_THAT(store().Delete(stopped, std::span(&path, 1)).front(), is_stopped);
  EXPECT_THAT(AllPaths(), ElementsAre("there"));
}

TEST_P(StoreConformance, NamesItsRoot) {
  EXPECT_THAT(store().root(), ::testing::EndsWith("/"));
  EXPECT_TRUE(store().capabilities().create_is_atomic || GetParam().is_remote);
}

}  // namespace yummy::store
