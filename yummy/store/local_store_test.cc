#include "yummy/store/local_store.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include <fmt/format.h>
#include <grp.h>

#include "yummy/base/testing.h"
#include "yummy/store/testing.h"

namespace yummy::store {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

INSTANTIATE_TEST_SUITE_P(Local, StoreConformance,
                         ::testing::Values(StoreSetup{.name = "Local", .make = MakeTemporaryLocalStore}),
                         StoreSetup::Name);

/// Runs `body` in a process of its own, for what would change this one for good. True when no expectation failed in it.
bool PassesInChild(const std::function<void()>& body) {
  const pid_t child = fork();
  if (child == 0) {
    body();
    fflush(nullptr);
    _exit(::testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

class LocalStoreTest : public ::testing::Test {
 protected:
  Result<ObjectMeta> Put(std::string_view path, std::string_view bytes = "x") {
    return store_->Put(context_, path, bytes, PutMode::kOverwrite);
  }
  std::vector<std::string> List(std::string_view prefix, bool delimiter = false) {
    std::vector<std::string> entries;
    const ListPage page = MUST(store_->List(context_, prefix, {.delimiter = delimiter}));
    entries.reserve(page.objects.size() + page.prefixes.size());
    for (const ObjectMeta& object : page.objects) entries.push_back(object.path);
    entries.insert(entries.end(), page.prefixes.begin(), page.prefixes.end());
    return entries;
  }
  Result<void> Delete(const std::string& path) {
    return std::move(store_->Delete(context_, std::span(&path, 1)).front());
  }
  /// All files and folders beneath the root, hidden ones included.
  std::vector<std::string> Files() {
    std::vector<std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(root_)) files.push_back(fs::relative(entry, root_));
    std::sort(files.begin(), files.end());
    return files;
  }
  static void Write(const fs::path& path, std::string_view bytes) { std::ofstream(path) << bytes; }

  const Context context_;
  const TemporaryFolder folder_;
  const fs::path root_ = [this] {
    fs::create_directory(folder_.path() / "root");
    return folder_.path() / "root";
  }();
  const std::unique_ptr<ObjectStore> store_ = [this] { return MUST(LocalStore::Open(root_)); }();
};

TEST_F(LocalStoreTest, OpensNothingButAFolder) {
  Write(root_ / "file", "x");
  EXPECT_THAT(LocalStore::Open(""), IsError(ErrorCode::kInvalidArgument));
  EXPECT_THAT(LocalStore::Open(root_ / "absent"), IsError(ErrorCode::kNotFound));
  EXPECT_THAT(LocalStore::Open(root_ / "file"), IsError(ErrorCode::kInvalidArgument));
  EXPECT_EQ(MUST(LocalStore::Open(root_))->root(), root_.string() + "/");
  EXPECT_FALSE(fs::exists(root_ / "absent"));
}

TEST_F(LocalStoreTest, ReadingMakesNothing) {
  EXPECT_THAT(store_->Get(context_, "a/b"), IsError(ErrorCode::kNotFound));
  EXPECT_THAT(store_->Open(context_, "a/b"), IsError(ErrorCode::kNotFound));
  EXPECT_THAT(store_->Head(context_, "a/b"), IsError(ErrorCode::kNotFound));
  EXPECT_THAT(List("a/"), IsEmpty());
  EXPECT_THAT(Delete("a/b"), IsOk());
  EXPECT_THAT(Files(), IsEmpty());
}

TEST_F(LocalStoreTest, FollowsLinksThatStayInside) {
  MUST(Put("real/a", "bytes"));
  fs::create_symlink("real", root_ / "folder_link");
  fs::create_symlink("../real/a", root_ / "real/b");
  EXPECT_EQ(*store_->Get(context_, "folder_link/a"), "bytes");
  EXPECT_EQ(*store_->Get(context_, "real/b"), "bytes");
  EXPECT_EQ(MUST(store_->Head(context_, "real/b")).size_bytes, 5U);
  EXPECT_THAT(List("folder_link/"), ElementsAre("folder_link/a", "folder_link/b"));
  EXPECT_THAT(Put("folder_link/c"), IsOk());
  EXPECT_TRUE(fs::exists(root_ / "real/c"));
  EXPECT_THAT(Delete("folder_link/c"), IsOk());
  EXPECT_FALSE(fs::exists(root_ / "real/c"));
}

TEST_F(LocalStoreTest, RefusesLinksThatLeadOutOrInACircle) {
  const fs::path outside = folder_.path() / "outside";
  fs::create_directory(outside);
  Write(outside / "secret", "secret");
  fs::create_symlink(outside, root_ / "absolute");
  fs::create_symlink("../outside", root_ / "relative");
  fs::create_symlink("/proc/self/cwd", root_ / "magic");
  fs::create_symlink("circle", root_ / "circle");
  fs::create_symlink(root_, root_ / "absolute_inside");
  for (const std::string folder : {"absolute", "relative", "magic", "circle", "absolute_inside"}) {
    const std::string path = folder + "/secret";
    const auto is_refused = IsError(ErrorCode::kPermissionDenied);
    const auto got = store_->Get(context_, path);
    ASSERT_THAT(got, is_refused) << folder;
    EXPECT_EQ(got.error().reason_name(), "PATH_OUTSIDE_TABLE");
    EXPECT_THAT(store_->Open(context_, path), is_refused) << folder;
    EXPECT_THAT(store_->Head(context_, path), is_refused) << folder;
    EXPECT_THAT(store_->List(context_, folder + "/", {}), is_refused) << folder;
    EXPECT_THAT(Put(path), is_refused) << folder;
    EXPECT_THAT(Put(folder + "/made/secret"), is_refused) << folder;
    EXPECT_THAT(store_->StartUpload(context_, path, PutMode::kCreate), is_refused) << folder;
    EXPECT_THAT(Delete(path), is_refused) << folder;
  }
  EXPECT_THAT(store_->Get(context_, "circle"), IsError(ErrorCode::kPermissionDenied));
  EXPECT_EQ(std::distance(fs::directory_iterator(outside), fs::directory_iterator()), 1);
}

TEST_F(LocalStoreTest, WritingAndDeletingTouchALinkNotItsTarget) {
  const fs::path outside = folder_.path() / "outside";
  Write(outside, "outside");
  fs::create_symlink(outside, root_ / "link");
  EXPECT_THAT(store_->Put(context_, "link", "x", PutMode::kCreate), IsError(ErrorCode::kAlreadyExists));
  EXPECT_THAT(Put("link", "inside"), IsOk());
  EXPECT_EQ(*store_->Get(context_, "link"), "inside");
  fs::create_symlink(outside, root_ / "other");
  EXPECT_THAT(Delete("other"), IsOk());
  std::string kept;
  std::ifstream(outside) >> kept;
  EXPECT_EQ(kept, "outside");
}

TEST_F(LocalStoreTest, AListGoesIntoNoLinkedFolder) {
  MUST(Put("t/a"));
  fs::create_symlink("t", root_ / "link");
  fs::create_symlink("..", root_ / "t/up");
  EXPECT_THAT(List(""), ElementsAre("t/a"));
  EXPECT_THAT(List("", true), ElementsAre("link/", "t/"));
  EXPECT_THAT(List("t/up/t/", true), ElementsAre("t/up/t/a", "t/up/t/up/"));
}

TEST_F(LocalStoreTest, AListShowsALinkThatLeadsOutSoThatItsUseFails) {
  Write(folder_.path() / "outside", "12345678");
  MUST(Put("t/_delta_log/0.json"));
  fs::create_symlink("../../../outside", root_ / "t/_delta_log/1.json");
  fs::create_symlink("dangling", root_ / "t/_delta_log/2.json");
  EXPECT_THAT(List("t/_delta_log/", true), ElementsAre("t/_delta_log/0.json", "t/_delta_log/1.json"));
  EXPECT_THAT(store_->Get(context_, "t/_delta_log/1.json"), IsError(ErrorCode::kPermissionDenied));
  EXPECT_THAT(store_->Get(context_, "t/_delta_log/2.json"), IsError(ErrorCode::kNotFound));
}

TEST_F(LocalStoreTest, ListsNoTemporaryFilesAndWritesNoneUnderTheirName) {
  MUST(Put("t/a"));
  Write(root_ / "t/.0.json.123.tmp", "x");
  Write(root_ / "t/.tmp", "x");
  Write(root_ / "t/b.tmp", "x");
  EXPECT_THAT(List("t/"), ElementsAre("t/a", "t/b.tmp"));
  EXPECT_THAT(List("t/.0"), IsEmpty());
  EXPECT_THAT(Put("t/.mine.tmp"), IsError(ErrorCode::kInvalidArgument));
  EXPECT_THAT(store_->StartUpload(context_, "t/.mine.tmp", PutMode::kCreate), IsError(ErrorCode::kInvalidArgument));
}

TEST_F(LocalStoreTest, WhatIsNoRegularFileIsNoObject) {
  fs::create_directory(root_ / "folder");
  ASSERT_EQ(mkfifo((root_ / "pipe").c_str(), 0600), 0);
  for (const char* path : {"folder", "pipe"}) {
    EXPECT_THAT(store_->Get(context_, path), IsError(ErrorCode::kNotFound)) << path;
    EXPECT_THAT(store_->Open(context_, path), IsError(ErrorCode::kNotFound)) << path;
    EXPECT_THAT(store_->Head(context_, path), IsError(ErrorCode::kNotFound)) << path;
  }
  EXPECT_THAT(List(""), IsEmpty());
  EXPECT_THAT(Delete("folder"), IsOk());
  EXPECT_TRUE(fs::exists(root_ / "folder"));
}

TEST_F(LocalStoreTest, AnObjectAndAFolderCannotShareAName) {
  MUST(Put("a/b"));
  for (const PutMode mode : {PutMode::kCreate, PutMode::kOverwrite}) {
    EXPECT_THAT(store_->Put(context_, "a", "x", mode), IsError(ErrorCode::kInvalidArgument));
    EXPECT_THAT(store_->Put(context_, "a/b/c", "x", mode), IsError(ErrorCode::kInvalidArgument));
    EXPECT_THAT(store_->Put(context_, "a/b/c/d", "x", mode), IsError(ErrorCode::kInvalidArgument));
  }
  EXPECT_THAT(Files(), ElementsAre("a", "a/b"));
}

TEST_F(LocalStoreTest, DeleteRemovesTheFoldersItEmpties) {
  fs::create_directories(root_ / "others/empty");
  for (const char* path : {"t/p=1/q=1/a", "t/p=1/q=1/b", "t/p=2/c"}) MUST(Put(path));
  EXPECT_THAT(Delete("t/p=1/q=1/a"), IsOk());
  EXPECT_TRUE(fs::exists(root_ / "t/p=1/q=1"));
  EXPECT_THAT(Delete("t/p=1/q=1/b"), IsOk());
  EXPECT_FALSE(fs::exists(root_ / "t/p=1"));
  EXPECT_THAT(Delete("t/p=2/c"), IsOk());
  EXPECT_THAT(Delete("others/empty/absent"), IsOk());
  EXPECT_THAT(Files(), ElementsAre("others", "others/empty"));
}

TEST_F(LocalStoreTest, WritersWinAgainstTheRemovalOfTheirFolder) {
  constexpr int kThreads = 4;
  std::vector<std::jthread> threads;
  threads.reserve(kThreads);
  std::atomic<int> failures = 0;
  for (int thread = 0; thread < kThreads; thread++) {
    threads.emplace_back([&, thread] {
      const std::string path = "t/p=1/" + std::to_string(thread);
      for (int round = 0; round < 60; round++) {
        if (!Put(path).ok() || !store_->Get(context_, path).ok() || !Delete(path).ok()) failures++;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(failures.load(), 0);
  EXPECT_THAT(Files(), IsEmpty());
}

TEST_F(LocalStoreTest, AnUploadWritesAsItGoes) {
  const auto upload = MUST(store_->StartUpload(context_, "t/a", PutMode::kCreate));
  MUST(upload->Write(context_, std::string(100'000, 'x')));
  ASSERT_EQ(Files().size(), 2U);
  EXPECT_EQ(fs::file_size(root_ / Files().back()), 100'000U);
}

TEST_F(LocalStoreTest, TakesNamesThatAreNotUtf8) {
  EXPECT_THAT(Put("\xFF\xFE/\xC3"), IsOk());
  EXPECT_THAT(List(""), ElementsAre("\xFF\xFE/\xC3"));
}

TEST_F(LocalStoreTest, ANameThatIsTooLongIsAbsentAndCannotBeWritten) {
  const std::string longest(255, 'n');
  const std::string deep = [] {
    std::string path = "d";
    while (path.size() < 5000) path += "/d";
    return path;
  }();
  EXPECT_THAT(Put(longest), IsOk());
  for (const std::string& path : {longest + "n", longest + "n/a", deep}) {
    EXPECT_THAT(Put(path), IsError(ErrorCode::kInvalidArgument));
    EXPECT_THAT(store_->Get(context_, path), IsError(ErrorCode::kNotFound));
    EXPECT_THAT(Delete(path), IsOk());
    EXPECT_THAT(List(path + "/"), IsEmpty());
  }
  EXPECT_THAT(Files(), ElementsAre(longest));
}

TEST_F(LocalStoreTest, AReadOfWhatHasShrunkFails) {
  MUST(Put("a", "0123456789"));
  const auto reader = MUST(store_->Open(context_, "a"));
  fs::resize_file(root_ / "a", 4);
  std::byte bytes[10];
  EXPECT_THAT(reader->ReadAt(context_, 0, bytes), IsError(ErrorCode::kUnavailable));
}

TEST_F(LocalStoreTest, SeesAChangeInPlaceInTheEtag) {
  const ObjectMeta before = MUST(Put("a", "0123456789"));
  std::ofstream(root_ / "a", std::ios::app) << "more";
  EXPECT_NE(MUST(store_->Head(context_, "a")).etag, before.etag);
}

TEST_F(LocalStoreTest, CreatesRaceBetweenProcesses) {
  constexpr int kProcesses = 4;
  constexpr int kKeys = 100;
  // Each process writes a byte to the pipe for each race it wins.
  int wins[2];
  int start[2];
  ASSERT_EQ(pipe(wins), 0);
  ASSERT_EQ(pipe(start), 0);
  std::vector<pid_t> children;
  for (int process = 0; process < kProcesses; process++) {
    children.push_back(fork());
    if (children.back() != 0) continue;
    close(start[1]);
    const auto store = MUST(LocalStore::Open(root_));
    const std::string bytes(5'000, static_cast<char>('a' + process));
    char byte = 0;
    if (read(start[0], &byte, 1) != 0) _exit(3);  // the end of the file is the signal
    for (int key = 0; key < kKeys; key++) {
      const auto put = store->Put(context_, "t/_delta_log/" + std::to_string(key), bytes, PutMode::kCreate);
      if (put.ok() && write(wins[1], "w", 1) != 1) _exit(1);
      if (!put.ok() && put.error().code() != ErrorCode::kAlreadyExists) _exit(2);
    }
    _exit(0);
  }
  close(start[0]);
  close(start[1]);
  close(wins[1]);
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  }
  char winners[kProcesses * kKeys];
  EXPECT_EQ(read(wins[0], winners, sizeof(winners)), kKeys);
  close(wins[0]);
  EXPECT_EQ(List("t/_delta_log/").size(), static_cast<size_t>(kKeys));
  EXPECT_EQ(Files().size(), static_cast<size_t>(kKeys) + 2);
}

TEST_F(LocalStoreTest, WhatMayNotBeReadOrWrittenIsAPermissionError) {
  MUST(Put("closed/a"));
  MUST(Put("read_only/a"));
  fs::permissions(root_ / "closed", fs::perms::none);
  fs::permissions(root_ / "read_only",
                  fs::perms::owner_read | fs::perms::owner_exec | fs::perms::others_read | fs::perms::others_exec);
  EXPECT_TRUE(PassesInChild([&] {
    // Root may read everything: be no one.
    if (geteuid() == 0 && (setgroups(0, nullptr) != 0 || setgid(65534) != 0 || setuid(65534) != 0)) {
      ADD_FAILURE() << "cannot give up root's rights";
      return;
    }
    const auto is_denied = IsError(ErrorCode::kPermissionDenied);
    const auto got = store_->Get(context_, "closed/a");
    ASSERT_THAT(got, is_denied);
    EXPECT_EQ(got.error().reason_name(), "STORE_PERMISSION");
    EXPECT_THAT(store_->Head(context_, "closed/a"), is_denied);
    EXPECT_THAT(store_->List(context_, "closed/", {}), is_denied);
    EXPECT_THAT(store_->List(context_, "", {}), is_denied);
    EXPECT_THAT(Put("closed/b"), is_denied);
    EXPECT_THAT(Put("read_only/b"), is_denied);
    EXPECT_THAT(Delete("read_only/a"), is_denied);
    EXPECT_THAT(store_->Get(context_, "read_only/a"), IsOk());
    EXPECT_THAT(LocalStore::Open(root_ / "closed"), is_denied);
  }));
  fs::permissions(root_ / "closed", fs::perms::owner_all);
}

TEST_F(LocalStoreTest, SaysWhenTheProcessHasNoMoreFiles) {
  MUST(Put("t/a"));
  EXPECT_TRUE(PassesInChild([&] {
    const rlimit none{.rlim_cur = 0, .rlim_max = 0};
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
    const auto is_exhausted = IsError(ErrorCode::kResourceExhausted);
    const auto got = store_->Get(context_, "t/a");
    ASSERT_THAT(got, is_exhausted);
    EXPECT_EQ(got.error().reason_name(), "TOO_MANY_OPEN_FILES");
    EXPECT_THAT(store_->Head(context_, "t/a"), is_exhausted);
    EXPECT_THAT(store_->List(context_, "t/", {}), is_exhausted);
    EXPECT_THAT(Put("t/b"), is_exhausted);
    EXPECT_THAT(Delete("t/a"), is_exhausted);
  }));
  EXPECT_THAT(Files(), ElementsAre("t", "t/a"));
}

/// Mounts a small file system on `path` that only this process sees.
bool MountSmall(const fs::path& path) {
  if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0) return false;
  if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
  return mount("small", path.c_str(), "tmpfs", 0, "size=64k,mode=0755") == 0;
}

TEST_F(LocalStoreTest, SurvivesAFullDisk) {
  if (!PassesInChild([&] { ASSERT_TRUE(MountSmall(root_)); })) {
    GTEST_SKIP() << "a small file system cannot be mounted: that takes root and a mount namespace";
  }
  EXPECT_TRUE(PassesInChild([&] {
    ASSERT_TRUE(MountSmall(root_));
    const auto store = MUST(LocalStore::Open(root_));
    ASSERT_THAT(store->Put(context_, "t/kept", std::string(40'000, 'k'), PutMode::kCreate), IsOk());
    for (const PutMode mode : {PutMode::kCreate, PutMode::kOverwrite}) {
      const auto put = store->Put(context_, "new/b", std::string(40'000, 'b'), mode);
      ASSERT_THAT(put, IsError(ErrorCode::kResourceExhausted));
      EXPECT_EQ(put.error().reason_name(), "STORE_FULL");
      const auto upload = MUST(store->StartUpload(context_, "new/b", mode));
      EXPECT_THAT(upload->Write(context_, std::string(40'000, 'b')), IsError(ErrorCode::kResourceExhausted));
      EXPECT_THAT(upload->Finish(context_), IsError(ErrorCode::kUnavailable));
    }
    EXPECT_THAT(Files(), ElementsAre("t", "t/kept"));
    const std::string path = "t/kept";
    EXPECT_EQ(store->Get(context_, path)->size(), 40'000U);
    // It goes on when there is space.
    EXPECT_THAT(store->Delete(context_, std::span(&path, 1)).front(), IsOk());
    EXPECT_THAT(store->Put(context_, "new/b", std::string(40'000, 'b'), PutMode::kCreate), IsOk());

    ASSERT_EQ(mount("none", root_.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr), 0);
    const auto put = store->Put(context_, "new/c", "x", PutMode::kCreate);
    ASSERT_THAT(put, IsError(ErrorCode::kPermissionDenied));
    EXPECT_EQ(put.error().reason_name(), "STORE_READ_ONLY");
    EXPECT_EQ(store->Get(context_, "new/b")->size(), 40'000U);
  }));
}

TEST_F(LocalStoreTest, ListsADeepTreeWithFewDescriptors) {
  std::string path = "d";
  while (path.size() < 300) path += "/d";
  MUST(Put(path + "/leaf"));
  EXPECT_TRUE(PassesInChild([&] {
    const rlimit few{.rlim_cur = 24, .rlim_max = 24};
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
    EXPECT_THAT(List(""), ElementsAre(path + "/leaf"));
  }));
  EXPECT_THAT(Delete(path + "/leaf"), IsOk());
  EXPECT_THAT(Files(), IsEmpty());
}

TEST_F(LocalStoreTest, ListsALongLogInPages) {
  fs::create_directories(root_ / "t/_delta_log/_sidecars");
  std::vector<std::string> expected;
  for (int version = 0; version < 450; version++) {
    expected.push_back(fmt::format("{:020}.json", version));
    Write(root_ / "t/_delta_log" / expected.back(), "");
  }
  std::vector<std::string> names;
  ListOptions options{.after = "", .delimiter = true, .limit = 200};
  for (bool more = true; more;) {
    const ListPage page = MUST(store_->List(context_, "t/_delta_log/", options));
    for (const ObjectMeta& object : page.objects) names.push_back(object.path.substr(13));
    more = page.truncated;
    options.after = page.objects.empty() ? "" : page.objects.back().path;
  }
  EXPECT_EQ(names, expected);
  EXPECT_THAT(List("t/_delta_log/00000000000000000449"), ElementsAre("t/_delta_log/00000000000000000449.json"));
}

}  // namespace
}  // namespace yummy::store
