#include "yummy/fetch/read_ahead.h"

#include <chrono>
#include <cstring>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "yummy/base/clock.h"
#include "yummy/base/testing.h"
#include "yummy/store/memory_store.h"
#include "yummy/store/wrapper_store.h"

namespace yummy::fetch {
namespace {

/// Holds the first read of the object "0" back.
class LateStore final : public store::WrapperStore {
 public:
  using WrapperStore::WrapperStore;

  Result<std::unique_ptr<store::ObjectReader>> OpenKnown(const Context& context,
                                                         const store::ObjectMeta& object) override {
    auto reader = TRY(store().OpenKnown(context, object));
    if (object.path == "0") arrived_.wait();
    return reader;
  }
  void Release() { release_.set_value(); }

 private:
  std::promise<void> release_;
  std::shared_future<void> arrived_ = release_.get_future().share();
};

constexpr uint32_t kFooterBytes = 1 << 20;

// Its footer is longer than what is fetched of its end at first.
std::string FileWithALongFooter() {
  std::string bytes(3 << 20, '\0');
  std::memcpy(bytes.data() + bytes.size() - kParquetEndBytes, &kFooterBytes, sizeof(kFooterBytes));
  return bytes.replace(bytes.size() - 4, 4, "PAR1");
}

TEST(ReadAhead, GivesBackTheMemoryOfAFooterThatComesTooLate) {
  constexpr uint64_t kFiles = 8;
  constexpr uint64_t kFilesKept = 5;  // with one thread
  const std::string bytes = FileWithALongFooter();
  const auto store = std::make_shared<LateStore>(std::make_shared<store::MemoryStore>(Clock::System()));
  for (uint64_t i = 0; i < kFiles; i++)
    ASSERT_THAT(store->Put({}, std::to_string(i), bytes, store::PutMode::kCreate), IsOk());
  ReadAheadPool pool;
  ReadAheadOptions options{.store = store, .context = {}, .columns = {}};
  options.schema = std::make_shared<delta::Schema>();
  options.threads = 1;
  options.upcoming = [](size_t, size_t) { return std::vector<FileToScan>(); };
  options.is_cached = [](const FileToScan&, const store::ByteRange&) { return false; };
  ReadAhead scan(pool, std::move(options));
  for (uint64_t i = 0; i < kFiles; i++) {
    const std::string path = std::to_string(i);
    scan.Open({.id = i, .object = {.path = path, .size_bytes = bytes.size()}, .duck_path = path});
  }
  EXPECT_EQ(scan.Find(0), nullptr);  // the scan is past it
  store->Release();
  const auto is_done = [&] { return pool.reserved_bytes() == kFilesKept * (kFooterBytes + kParquetEndBytes); };
  for (int waits = 0; waits < 1000 && !is_done(); waits++)
    ASSERT_THAT(Context().Sleep(std::chrono::milliseconds(10)), IsOk());
  EXPECT_TRUE(is_done()) << pool.reserved_bytes();
}

}  // namespace
}  // namespace yummy::fetch
