#include "yummy/store/cache_store.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <latch>
#include <thread>

#include <fmt/format.h>

#include "yummy/base/testing.h"
#include "yummy/store/fault_store.h"
#include "yummy/store/testing.h"

namespace yummy::store {
namespace {

using ::testing::IsEmpty;

constexpr uint64_t kBlock = BlockCacheStore::kBlockBytes;

/// Keeps its folder as long as it lives.
template <typename Cached>
std::shared_ptr<ObjectStore> MakeCachedStore() {
  const auto folder = std::make_shared<TemporaryFolder>();
  std::shared_ptr<DiskCache> cache = MUST(DiskCache::Open({.folder = folder->path() / "cache"}));
  return {new Cached(MakeMemoryStore(), std::move(cache)),  // NOLINT
          [folder](const ObjectStore* store) { delete store; }};
}

INSTANTIATE_TEST_SUITE_P(Cached, StoreConformance,
                         ::testing::Values(StoreSetup{.name = "LogCache", .make = MakeCachedStore<LogCacheStore>},
                                           StoreSetup{.name = "BlockCache", .make = MakeCachedStore<BlockCacheStore>}),
                         StoreSetup::Name);

class CacheTest : public ::testing::Test {
 protected:
  std::shared_ptr<DiskCache> OpenCache(uint64_t size_bytes_max = uint64_t{1} << 30) {
    return MUST(DiskCache::Open({.folder = folder(), .size_bytes_max = size_bytes_max}));
  }

  std::string folder() const { return folder_.path() / "cache"; }

  std::vector<std::filesystem::path> Files() const {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder())) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
    return files;
  }

  ObjectMeta Put(std::string_view path, std::string_view bytes) {
    return MUST(below_->Put(context_, path, bytes, PutMode::kOverwrite));
  }

  const Context context_;
  const TemporaryFolder folder_;
  const std::shared_ptr<FaultStore> below_ = std::make_shared<FaultStore>(MakeMemoryStore());
};

using LogCacheTest = CacheTest;
using BlockCacheTest = CacheTest;
using DiskCacheTest = CacheTest;

TEST_F(LogCacheTest, ReadsWhatIsKnownOnceAlsoAfterARestart) {
  const ObjectMeta commit = Put("t/_delta_log/0.json", "{}");
  for (int process = 0; process < 3; process++) {
    LogCacheStore store(below_, OpenCache());
    EXPECT_EQ(MUST(store.GetKnown(context_, commit)), "{}");
    EXPECT_EQ(MUST(store.GetKnown(context_, commit, ByteRange{.offset = 1, .length = 1})), "}");
  }
  EXPECT_EQ(below_->calls(Operation::kGet), 2U);
}

TEST_F(LogCacheTest, ReadsAnewWhatHasAnotherEtagPathOrStore) {
  LogCacheStore store(below_, OpenCache());
  const ObjectMeta first = Put("t/a", "first");
  EXPECT_EQ(MUST(store.GetKnown(context_, first)), "first");
  const ObjectMeta second = Put("t/a", "again");
  EXPECT_EQ(MUST(store.GetKnown(context_, second)), "again");
  ObjectMeta other = Put("t/b", "other");
  other.etag = first.etag;
  EXPECT_EQ(MUST(store.GetKnown(context_, other)), "other");
}

TEST_F(LogCacheTest, CachesNeitherWhatIsUnknownNorErrors) {
  LogCacheStore store(below_, OpenCache());
  EXPECT_THAT(store.GetKnown(context_, {.path = "t/a", .size_bytes = 1}), IsError(ErrorCode::kNotFound));
  const ObjectMeta object = Put("t/a", "x");
  EXPECT_EQ(MUST(store.GetKnown(context_, {.path = "t/a", .size_bytes = 1})), "x");
  EXPECT_EQ(MUST(store.Get(context_, "t/a")), "x");
  Put("t/a", "y");
  EXPECT_EQ(MUST(store.Get(context_, "t/a")), "y");
  EXPECT_EQ(MUST(store.Head(context_, "t/a")).size_bytes, 1U);
  EXPECT_EQ(MUST(store.List(context_, "t/", {})).objects.size(), 1U);
}

TEST_F(LogCacheTest, KeepsNothingOfAnotherSizeThanWasTold) {
  LogCacheStore store(below_, OpenCache());
  const ObjectMeta object = Put("t/a", "short");
  Put("t/a", "longer by now");
  EXPECT_EQ(MUST(store.GetKnown(context_, object)), "longer by now");
  EXPECT_THAT(Files(), IsEmpty());
}

TEST_F(LogCacheTest, SharesOneReadOfOneObject) {
  std::latch all(8);
  std::atomic<int> under_way = 0;
  const auto faults = std::make_shared<FaultStore>(
      below_, FaultOptions{.on_delay = [&](const Context& context, std::chrono::milliseconds) {
        under_way++;
        (void)context.Sleep(std::chrono::milliseconds(50));
      }});
  faults->SetChance(FaultKind::kDelay, 1);
  LogCacheStore store(faults, OpenCache());
  const ObjectMeta object = Put("t/a", std::string(100'000, 'x'));
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; i++) {
      threads.emplace_back([&] {
        all.arrive_and_wait();
        EXPECT_EQ(MUST(store.GetKnown(context_, object)).size(), 100'000U);
      });
    }
  }
  EXPECT_EQ(under_way, 1);
}

TEST_F(LogCacheTest, IsNotHeldUpByARequestThatIsGivenUp) {
  std::latch reading(1);
  const auto faults = std::make_shared<FaultStore>(
      below_, FaultOptions{.on_delay = [&](const Context& context, std::chrono::milliseconds) {
        reading.count_down();
        (void)context.Sleep(std::chrono::seconds(30));
      }});
  const ObjectMeta object = Put("t/a", "x");
  faults->Inject({.operation = Operation::kGet, .kind = FaultKind::kDelay});
  LogCacheStore store(faults, OpenCache());
  std::stop_source stop;
  std::jthread leaver([&] {
    EXPECT_THAT(store.GetKnown(Context(Context::Time::max(), stop.get_token(), ""), object),
                IsError(ErrorCode::kCancelled));
  });
  reading.wait();
  std::jthread waiter([&] { EXPECT_EQ(MUST(store.GetKnown(context_, object)), "x"); });
  stop.request_stop();
}

TEST_F(DiskCacheTest, BelongsToItsUserAlone) {
  auto cache = OpenCache();
  cache->Insert("key", "bytes");
  struct stat status = {};
  ASSERT_EQ(stat(folder().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700U);
  ASSERT_EQ(Files().size(), 1U);
  ASSERT_EQ(stat(Files()[0].c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  std::filesystem::permissions(folder(), std::filesystem::perms::all);
  EXPECT_THAT(DiskCache::Open({.folder = folder()}), IsError(ErrorCode::kInvalidArgument));
}

TEST_F(DiskCacheTest, SurvivesWhateverBecomesOfItsFiles) {
  auto cache = OpenCache();
  const std::string bytes(1000, 'x');
  cache->Insert("key", bytes);
  const auto file = Files().at(0);
  const auto size = std::filesystem::file_size(file);
  // Any byte may be another one, the file may end anywhere, be a folder, or be gone.
  for (size_t at = 0; at < size; at += 7) {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekg(static_cast<std::streamoff>(at));
    const int byte = stream.get();
    stream.seekp(static_cast<std::streamoff>(at));
    stream.put(static_cast<char>(byte ^ 0x40));
    stream.close();
    EXPECT_EQ(cache->Find("key"), std::nullopt) << at;
    cache->Insert("key", bytes);
    ASSERT_EQ(cache->Find("key"), bytes);
  }
  for (size_t end = 0; end < size; end += 13) {
    std::filesystem::resize_file(file, end);
    EXPECT_EQ(cache->Find("key"), std::nullopt) << end;
    EXPECT_EQ(OpenCache()->Find("key"), std::nullopt) << end;
    cache->Insert("key", bytes);
  }
  std::filesystem::remove(file);
  EXPECT_EQ(cache->Find("key"), std::nullopt);
  std::filesystem::create_directory(file);
  EXPECT_EQ(cache->Find("key"), std::nullopt);
  cache->Insert("key", bytes);
  EXPECT_EQ(cache->Find("key"), std::nullopt);
}

TEST_F(DiskCacheTest, GivesNoOtherEntryForAKeyOfTheSameName) {
  auto cache = OpenCache();
  cache->Insert("one", "1");
  const auto file = Files().at(0);
  cache->Insert("two", "2");
  for (const auto& other : Files()) {
    if (other != file) std::filesystem::copy_file(other, file, std::filesystem::copy_options::overwrite_existing);
  }
  EXPECT_EQ(cache->Find("one"), std::nullopt);
  EXPECT_EQ(cache->Find("two"), "2");
}

TEST_F(DiskCacheTest, DropsTheLeastRecentlyUsedBeyondItsSize) {
  auto cache = OpenCache(10 * 8192);
  const std::string bytes(5000, 'x');  // two blocks on disk
  for (int i = 0; i < 10; i++) cache->Insert(fmt::format("key{}", i), bytes);
  EXPECT_TRUE(cache->Find("key0").has_value());
  for (int i = 10; i < 15; i++) cache->Insert(fmt::format("key{}", i), bytes);
  EXPECT_LE(cache->size_bytes(), 10U * 8192);
  EXPECT_EQ(Files().size(), 10U);
  EXPECT_TRUE(cache->Find("key0").has_value());
  EXPECT_FALSE(cache->Find("key1").has_value());
  // A smaller limit at the next start holds at once.
  cache = OpenCache(3 * 8192);
  EXPECT_EQ(Files().size(), 3U);
  cache->Insert("too large", std::string(100'000, 'x'));
  EXPECT_EQ(cache->Find("too large"), std::nullopt);
}

TEST_F(DiskCacheTest, TakesNothingWhileTheDiskFails) {
  LogCacheStore store(below_, OpenCache());
  const ObjectMeta object = Put("t/a", "x");
  // No place to put an entry: as good as a full disk, which a test cannot have.
  for (const auto& entry : std::filesystem::directory_iterator(folder())) std::filesystem::remove(entry.path());
  EXPECT_EQ(MUST(store.GetKnown(context_, object)), "x");
  EXPECT_EQ(MUST(store.GetKnown(context_, object)), "x");
  EXPECT_EQ(below_->calls(Operation::kGet), 2U);
}

TEST_F(DiskCacheTest, RemovesWhatAProcessThatEndedWasWriting) {
  OpenCache();
  const auto left = std::filesystem::path(folder()) / "ab" / "tmp-1-x";
  std::ofstream(left) << "half";
  OpenCache();
  EXPECT_TRUE(std::filesystem::exists(left));  // it may be another process that is still at it
  std::filesystem::last_write_time(left, std::filesystem::file_time_type::clock::now() - std::chrono::hours(2));
  OpenCache();
  EXPECT_FALSE(std::filesystem::exists(left));
}

std::string Pattern(uint64_t size_bytes) {
  std::string bytes(size_bytes, '\0');
  for (uint64_t i = 0; i < size_bytes; i++) bytes[i] = static_cast<char>((i * 2654435761U) >> 13);
  return bytes;
}

std::string ReadAt(ObjectReader& reader, uint64_t offset, uint64_t length) {
  std::string bytes(length, '\0');
  MUST(reader.ReadAt(Context(), offset, std::as_writable_bytes(std::span(bytes))));
  return bytes;
}

TEST_F(BlockCacheTest, KeepsABlockThatIsWantedTwice) {
  const std::string bytes = Pattern(3 * kBlock + 500);
  const ObjectMeta object = Put("t/part.parquet", bytes);
  BlockCacheStore store(below_, OpenCache());
  const auto open = [&] { return MUST(store.OpenKnown(context_, object)); };
  for (int i = 0; i < 4; i++) EXPECT_EQ(ReadAt(*open(), kBlock + 10, 100), bytes.substr(kBlock + 10, 100));
  EXPECT_EQ(below_->calls(Operation::kReadAt), 2U);
  // The rest of the block is there now as well; the last block is shorter.
  EXPECT_EQ(ReadAt(*open(), kBlock, kBlock), bytes.substr(kBlock, kBlock));
  EXPECT_EQ(below_->calls(Operation::kReadAt), 2U);
  for (int i = 0; i < 4; i++) EXPECT_EQ(ReadAt(*open(), 0, bytes.size()), bytes);
  // Twice block 0 and, apart from it, blocks 2 and 3: the known one lies between.
  EXPECT_EQ(below_->calls(Operation::kReadAt), 6U);
}

TEST_F(BlockCacheTest, ReadsAnyRangeRight) {
  const std::string bytes = Pattern(4 * kBlock + 1);
  const ObjectMeta object = Put("t/part.parquet", bytes);
  BlockCacheStore store(below_, OpenCache());
  const auto reader = MUST(store.OpenKnown(context_, object));
  Random random(7);
  for (int i = 0; i < 60; i++) {
    const uint64_t offset = random.Below(bytes.size());
    const uint64_t length = random.Below(std::min<uint64_t>(bytes.size() - offset, 2 * kBlock) + 1);
    ASSERT_EQ(ReadAt(*reader, offset, length), bytes.substr(offset, length)) << offset << "+" << length;
  }
  std::byte byte{};
  EXPECT_THAT(reader->ReadAt(context_, bytes.size(), std::span(&byte, 1)), IsError(ErrorCode::kInvalidArgument));
}

TEST_F(BlockCacheTest, ReadsWhatWasChangedUnderTheSamePathAnew) {
  ObjectMeta object = Put("t/a", "first");
  BlockCacheStore store(below_, OpenCache());
  for (int i = 0; i < 3; i++) EXPECT_EQ(ReadAt(*MUST(store.OpenKnown(context_, object)), 0, 5), "first");
  Put("t/a", "again");
  EXPECT_EQ(ReadAt(*MUST(store.OpenKnown(context_, object)), 0, 5), "first");
  object.modified_micros++;
  for (int i = 0; i < 3; i++) EXPECT_EQ(ReadAt(*MUST(store.OpenKnown(context_, object)), 0, 5), "again");
}

TEST_F(BlockCacheTest, CachesNothingThatMayChange) {
  Put("t/a", "first");
  BlockCacheStore store(below_, OpenCache());
  for (int i = 0; i < 3; i++) EXPECT_EQ(ReadAt(*MUST(store.Open(context_, "t/a")), 0, 5), "first");
  Put("t/a", "again");
  EXPECT_EQ(ReadAt(*MUST(store.Open(context_, "t/a")), 0, 5), "again");
  EXPECT_THAT(Files(), IsEmpty());
}

}  // namespace
}  // namespace yummy::store
