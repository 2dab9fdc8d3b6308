#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "yummy/base/testing.h"
#include "yummy/store/local_store.h"
#include "yummy/store/local_temporary_file.h"
#include "yummy/store/testing.h"

namespace yummy::store {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

constexpr const char* kForeign = ".00000000000000000001.json.123e4567-e89b-42d3-a456-426614174000.tmp";
constexpr const char* kOwn = ".123e4567-e89b-42d3-a456-426614174000-77.tmp";

/// A process that is in the middle of an upload.
class Writer {
 public:
  explicit Writer(const fs::path& root) {
    int ready[2] = {};
    EXPECT_EQ(pipe(ready), 0);
    child_ = fork();
    if (child_ == 0) {
      const auto store = MUST(LocalStore::Open(root));
      const auto upload = MUST(store->StartUpload(Context(), "t/data.parquet", PutMode::kCreate));
      MUST(upload->Write(Context(), "half"));
      (void)!write(ready[1], "x", 1);
      for (;;) pause();
    }
    char byte = 0;
    EXPECT_EQ(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
  }
  ~Writer() { Kill(); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void Kill() {
    if (child_ <= 0) return;
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
    child_ = 0;
  }

 private:
  pid_t child_ = 0;
};

class LocalSweep : public ::testing::Test {
 protected:
  LocalSweep() { fs::create_directory(root_ / "t"); }

  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(root_ / "t")) names.push_back(entry.path().filename());
    return names;
  }
  /// The temporary files that are not in `known`.
  std::vector<std::string> NewNames(const std::vector<std::string>& known) const {
    std::vector<std::string> names = Names();
    std::erase_if(names, [&](const std::string& name) { return std::ranges::find(known, name) != known.end(); });
    return names;
  }
  void Make(const std::string& name) const { std::ofstream(root_ / "t" / name) << "x"; }
  void Age(const std::string& name, int64_t seconds) const {
    const timespec then = {.tv_sec = time(nullptr) - seconds, .tv_nsec = 0};
    const timespec times[2] = {then, then};
    ASSERT_EQ(utimensat(AT_FDCWD, (root_ / "t" / name).c_str(), times, AT_SYMLINK_NOFOLLOW), 0) << name;
  }
  static constexpr int64_t kTwoDays = 2 * 24 * 60 * 60;

  void WriteSomething() const {
    const auto store = MUST(LocalStore::Open(root_));
    MUST(store->Put(Context(), "t/object", "x", PutMode::kOverwrite));
  }

  const TemporaryFolder folder_;
  const fs::path root_ = folder_.path();
};

TEST_F(LocalSweep, RemovesWhatAKilledWriterLeftADayAgo) {
  Writer killed(root_);
  const auto left = Names();
  ASSERT_EQ(left.size(), 1U);
  killed.Kill();
  ASSERT_EQ(Names(), left);
  WriteSomething();
  EXPECT_THAT(NewNames({"object"}), left) << "it is young";
  Age(left[0], kTwoDays);
  WriteSomething();
  EXPECT_THAT(Names(), ElementsAre("object"));
}

TEST_F(LocalSweep, LeavesTheFilesOfALivingWriter) {
  const Writer writer(root_);
  const auto name = Names();
  ASSERT_EQ(name.size(), 1U);
  Age(name[0], kTwoDays);
  WriteSomething();
  EXPECT_THAT(Names(), UnorderedElementsAre("object", name[0]));
}

TEST_F(LocalSweep, LeavesWhatOthersMade) {
  const std::vector<std::string> others = {kForeign,
                                           ".x.tmp",
                                           "x.tmp",
                                           "data.parquet",
                                           ".hidden",
                                           ".123E4567-e89b-42d3-a456-426614174000-77.tmp",
                                           ".123e4567-e89b-42d3-a456-426614174000.tmp",
                                           ".123e4567-e89b-42d3-a456-426614174000-7x.tmp"};
  for (const std::string& name : others) {
    Make(name);
    Age(name, kTwoDays);
  }
  Make(kOwn);
  Age(kOwn, kTwoDays);
  const std::string folder_name = std::string(kOwn).replace(1, 1, "2");
  fs::create_directory(root_ / "t" / folder_name);
  Age(folder_name, kTwoDays);
  const std::string link_name = std::string(kOwn).replace(1, 1, "3");
  fs::create_symlink("data.parquet", root_ / "t" / link_name);
  Age(link_name, kTwoDays);
  WriteSomething();
  EXPECT_THAT(NewNames(others), UnorderedElementsAre("object", folder_name, link_name));
}

TEST_F(LocalSweep, LooksIntoAFolderOnceADay) {
  const auto store = MUST(LocalStore::Open(root_));
  MUST(store->Put(Context(), "t/object", "x", PutMode::kOverwrite));
  Make(kOwn);
  Age(kOwn, kTwoDays);
  MUST(store->Put(Context(), "t/object", "y", PutMode::kOverwrite));
  EXPECT_THAT(Names(), UnorderedElementsAre("object", kOwn));
}

TEST_F(LocalSweep, DoesNothingForReads) {
  Make(kOwn);
  Age(kOwn, kTwoDays);
  const auto store = MUST(LocalStore::Open(root_));
  MUST(store->List(Context(), "t/", {}));
  (void)store->Get(Context(), "t/object");
  EXPECT_THAT(Names(), ElementsAre(kOwn));
}

}  // namespace
}  // namespace yummy::store
