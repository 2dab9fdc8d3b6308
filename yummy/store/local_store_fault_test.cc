// What the local store makes of system calls that fail: each of them in turn, before and after it took effect.

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "yummy/base/testing.h"
#include "yummy/store/local_store.h"

namespace {

/// Calls of this thread that are to fail. Calls pass by untouched while there is none.
struct SyscallFault {
  std::string_view call;  // which one; empty: any
  int error = 0;
  size_t skip = 0;           // how many go well before
  bool is_applied = false;   // the call takes effect, and fails then
  bool hides_types = false;  // a folder does not tell what its entries are
  bool is_short = false;     // read and write: one byte is done, with no error
  std::function<void()> before =
      {};  // what another process does at this point; the call fails only if there is an error

  size_t seen = 0;
  std::vector<std::string> log = {};  // the calls in their order
};
thread_local SyscallFault* active_fault = nullptr;

template <typename Call>
auto Perform(std::string_view name, Call call) -> decltype(call()) {
  SyscallFault* fault = active_fault;
  if (fault == nullptr) return call();
  fault->log.emplace_back(name);
  if (!fault->call.empty() && fault->call != name) return call();
  if (fault->seen++ != fault->skip) return call();
  if (fault->before) {
    active_fault = nullptr;
    fault->before();
    active_fault = fault;
  }
  if (fault->error == 0) return call();
  if (fault->is_applied) call();
  errno = fault->error;
  return -1;
}

bool IsShort(std::string_view name) {
  return active_fault != nullptr && active_fault->is_short && active_fault->call == name;
}

}  // namespace

// These stand before the C library's in the whole test program.
extern "C" {

ssize_t write(int fd, const void* bytes, size_t count) {
  if (IsShort("write") && count > 1) return syscall(SYS_write, fd, bytes, 1);
  return Perform("write", [&] { return static_cast<ssize_t>(syscall(SYS_write, fd, bytes, count)); });
}

ssize_t pread(int fd, void* bytes, size_t count, off_t offset) {
  if (IsShort("pread") && count > 1) return syscall(SYS_pread64, fd, bytes, 1, offset);
  return Perform("pread", [&] { return static_cast<ssize_t>(syscall(SYS_pread64, fd, bytes, count, offset)); });
}

int fsync(int fd) {
  struct stat status = {};
  fstat(fd, &status);
  // Flushing is recorded, not done: no test cuts the power, and on a busy disk it takes all the time there is. Other
  // threads get their turn instead, as they would.
  return Perform(S_ISDIR(status.st_mode) ? "fsync folder" : "fsync file", [] { return sched_yield(); });
}

int openat(int folder, const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const auto mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return Perform("openat", [&] { return static_cast<int>(syscall(SYS_openat, folder, path, flags, mode)); });
}

int linkat(int old_folder, const char* old_path, int new_folder, const char* new_path, int flags) noexcept {
  return Perform("linkat", [&] {
    return static_cast<int>(syscall(SYS_linkat, old_folder, old_path, new_folder, new_path, flags));
  });
}

int renameat(int old_folder, const char* old_path, int new_folder, const char* new_path) noexcept {
  return Perform("renameat",
                 [&] { return static_cast<int>(syscall(SYS_renameat, old_folder, old_path, new_folder, new_path)); });
}

int renameat2(int old_folder, const char* old_path, int new_folder, const char* new_path, unsigned int flags) noexcept {
  return Perform("renameat2", [&] {
    return static_cast<int>(syscall(SYS_renameat2, old_folder, old_path, new_folder, new_path, flags));
  });
}

int unlinkat(int folder, const char* path, int flags) noexcept {
  return Perform("unlinkat", [&] { return static_cast<int>(syscall(SYS_unlinkat, folder, path, flags)); });
}

int mkdirat(int folder, const char* path, mode_t mode) noexcept {
  return Perform("mkdirat", [&] { return static_cast<int>(syscall(SYS_mkdirat, folder, path, mode)); });
}

int fstatat(int folder, const char* path, struct stat* status, int flags) noexcept {
  return Perform("fstatat", [&] { return static_cast<int>(syscall(SYS_newfstatat, folder, path, status, flags)); });
}

ssize_t getdents64(int fd, void* buffer, size_t length) noexcept {
  const auto read =
      Perform("getdents64", [&] { return static_cast<ssize_t>(syscall(SYS_getdents64, fd, buffer, length)); });
  if (active_fault == nullptr || !active_fault->hides_types) return read;
  for (ssize_t at = 0; at < read;) {
    auto* entry = reinterpret_cast<dirent64*>(static_cast<char*>(buffer) + at);
    entry->d_type = DT_UNKNOWN;
    at += entry->d_reclen;
  }
  return read;
}

}  // extern "C"

namespace yummy::store {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// Makes a fault active on this thread for as long as it lives.
class Injection {
 public:
  explicit Injection(SyscallFault& fault) { active_fault = &fault; }
  ~Injection() { active_fault = nullptr; }
  Injection(const Injection&) = delete;
  Injection& operator=(const Injection&) = delete;
};

class LocalStoreFaultTest : public ::testing::Test {
 protected:
  Result<ObjectMeta> Put(std::string_view path, PutMode mode, std::string_view bytes = "bytes") {
    return store_->Put(context_, path, bytes, mode);
  }
  Result<ObjectMeta> PutWith(SyscallFault& fault, std::string_view path, PutMode mode,
                             std::string_view bytes = "bytes") {
    const Injection injection(fault);
    return Put(path, mode, bytes);
  }
  std::vector<std::string> Files() {
    std::vector<std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path())) {
      if (!entry.is_directory()) files.push_back(fs::relative(entry, folder_.path()));
    }
    return files;
  }

  const Context context_;
  const TemporaryFolder folder_;
  const std::unique_ptr<ObjectStore> store_ = [this] { return MUST(LocalStore::Open(folder_.path())); }();
};

TEST_F(LocalStoreFaultTest, FlushesTheFileBeforeItsNameAndTheFolderAfterIt) {
  MUST(Put("t/makes the folder", PutMode::kCreate));
  MUST(Put("t/sweeps it", PutMode::kCreate));
  SyscallFault none{.call = "none"};
  MUST(PutWith(none, "t/a", PutMode::kCreate));
  EXPECT_THAT(none.log, ElementsAre("openat", "write", "fstatat", "fsync file", "linkat", "unlinkat", "fsync folder"));
  none.log.clear();
  MUST(PutWith(none, "t/a", PutMode::kOverwrite));
  EXPECT_THAT(none.log, ElementsAre("openat", "write", "fsync file", "renameat", "fsync folder"));
}

TEST_F(LocalStoreFaultTest, FlushesTheFoldersItMakes) {
  SyscallFault none{.call = "none"};
  MUST(PutWith(none, "t/_delta_log/0.json", PutMode::kOverwrite));
  EXPECT_THAT(none.log, ElementsAre("mkdirat", "fsync folder", "mkdirat", "fsync folder", "openat", "write",
                                    "fsync file", "renameat", "fsync folder"));
}

/// An error of each kind at each call: the answer must be true, nothing torn is seen, and the store goes on.
TEST_F(LocalStoreFaultTest, TellsTheTruthWhicheverCallFails) {
  size_t injected = 0;
  for (const int error : {EIO, ENOSPC, EACCES, EEXIST, ENOENT, ESTALE}) {
    for (const PutMode mode : {PutMode::kCreate, PutMode::kOverwrite}) {
      for (const bool is_applied : {false, true}) {
        bool more = true;
        for (size_t skip = 0; more; skip++) {
          SCOPED_TRACE(std::string(std::generic_category().message(error)) + " at call " + std::to_string(skip) +
                       (is_applied ? ", applied" : ""));
          SyscallFault fault{.call = "", .error = error, .skip = skip, .is_applied = is_applied};
          const auto put = PutWith(fault, "t/p/a", mode);
          more = fault.seen > skip;
          if (more) injected++;
          const std::string failed = more ? fault.log[skip] : "";

          const auto read = store_->Get(context_, "t/p/a");
          EXPECT_EQ(read.ok() ? *read : "bytes", "bytes");
          if (put.ok()) {
            ASSERT_THAT(read, IsOk()) << failed;
          } else if (put.error().code() != ErrorCode::kOutcomeUnknown) {
            EXPECT_THAT(read, IsError(ErrorCode::kNotFound)) << failed << " " << put.error().ToString();
          } else {
            EXPECT_TRUE(failed == "linkat" || failed == "renameat" || failed == "fsync folder") << failed;
          }
          // A temporary file stays only where it could not be removed, or where its making was denied.
          if (failed != "unlinkat" && failed != "openat") {
            EXPECT_EQ(Files().size(), read.ok() ? 1U : 0U) << failed;
          }
          // The disk is well again.
          ASSERT_THAT(Put("t/p/a", PutMode::kOverwrite), IsOk());
          fs::remove_all(folder_.path() / "t");
        }
      }
    }
  }
  EXPECT_GT(injected, 150U);
}

TEST_F(LocalStoreFaultTest, TheOutcomeIsUnknownWhenTheFolderIsNotFlushed) {
  MUST(Put("t/first", PutMode::kCreate));
  for (const PutMode mode : {PutMode::kCreate, PutMode::kOverwrite}) {
    SyscallFault fault{.call = "fsync folder", .error = EIO};
    const std::string path = mode == PutMode::kCreate ? "t/created" : "t/overwritten";
    EXPECT_THAT(PutWith(fault, path, mode), IsError(ErrorCode::kOutcomeUnknown));
    EXPECT_EQ(*store_->Get(context_, path), "bytes");
  }
}

TEST_F(LocalStoreFaultTest, AFileSystemThatCannotFlushFoldersIsAccepted) {
  MUST(Put("t/first", PutMode::kCreate));
  SyscallFault fault{.call = "fsync folder", .error = EINVAL};
  EXPECT_THAT(PutWith(fault, "t/a", PutMode::kCreate), IsOk());
}

TEST_F(LocalStoreFaultTest, NothingIsSeenWhenTheFileIsNotFlushed) {
  for (const auto& [error, code] : {std::pair(EIO, ErrorCode::kUnavailable), {ENOSPC, ErrorCode::kResourceExhausted}}) {
    SyscallFault fault{.call = "fsync file", .error = error};
    EXPECT_THAT(PutWith(fault, "t/a", PutMode::kCreate), IsError(code));
    EXPECT_THAT(Files(), IsEmpty());
  }
}

// NFS: the answer to the first try is lost, the second finds the link that the first has made.
TEST_F(LocalStoreFaultTest, ALinkThatWasMadeCountsWhateverTheAnswer) {
  for (const int error : {EEXIST, EIO, ETIMEDOUT}) {
    SyscallFault fault{.call = "linkat", .error = error, .is_applied = true};
    const std::string path = "t/" + std::to_string(error);
    EXPECT_THAT(PutWith(fault, path, PutMode::kCreate), IsOk());
    EXPECT_EQ(*store_->Get(context_, path), "bytes");
  }
  // rename(2) says ENOENT then: the temporary file has its name already.
  SyscallFault fault{.call = "renameat", .error = ENOENT, .is_applied = true};
  EXPECT_THAT(PutWith(fault, "t/renamed", PutMode::kOverwrite), IsOk());
  EXPECT_EQ(Files().size(), 4U);
}

TEST_F(LocalStoreFaultTest, TheOutcomeIsUnknownWhenTheLinkMayComeLate) {
  SyscallFault fault{.call = "linkat", .error = ETIMEDOUT};
  EXPECT_THAT(PutWith(fault, "t/a", PutMode::kCreate), IsError(ErrorCode::kOutcomeUnknown));
  EXPECT_THAT(store_->Get(context_, "t/a"), IsError(ErrorCode::kNotFound));
}

TEST_F(LocalStoreFaultTest, OnlyTheLinkDecidesWhoWins) {
  // Another writer comes between the first look and the link.
  SyscallFault fault{.call = "fsync file", .before = [&] { MUST(Put("t/a", PutMode::kCreate, "theirs")); }};
  EXPECT_THAT(PutWith(fault, "t/a", PutMode::kCreate, "ours"), IsError(ErrorCode::kAlreadyExists));
  EXPECT_EQ(*store_->Get(context_, "t/a"), "theirs");
  EXPECT_EQ(Files().size(), 1U);
}

TEST_F(LocalStoreFaultTest, AStopCountsUntilTheNameIsGivenAndNeverAfter) {
  for (const auto& [call, is_stopped] : {std::pair("fsync file", true), {"linkat", false}, {"fsync folder", false}}) {
    MUST(Put("t/beside", PutMode::kOverwrite));
    std::stop_source stop;
    const Context context(Context::Time::max(), stop.get_token(), "request");
    SyscallFault fault{.call = call, .before = [&] { stop.request_stop(); }};
    const Injection injection(fault);
    const auto put = store_->Put(context, "t/a", "bytes", PutMode::kCreate);
    if (is_stopped) {
      EXPECT_THAT(put, IsError(ErrorCode::kCancelled)) << call;
    } else {
      EXPECT_THAT(put, IsOk()) << call;
    }
    EXPECT_EQ(store_->Head(context_, "t/a").ok(), !is_stopped) << call;
    fs::remove(folder_.path() / "t/a");
  }
}

TEST_F(LocalStoreFaultTest, CreatesWithoutHardLinks) {
  SyscallFault fault{.call = "linkat", .error = EPERM};
  EXPECT_THAT(PutWith(fault, "t/a", PutMode::kCreate, "first"), IsOk());
  EXPECT_THAT(fault.log, ::testing::Contains("renameat2"));

  SyscallFault race{.call = "linkat", .error = EPERM, .before = [&] { MUST(Put("t/b", PutMode::kCreate, "theirs")); }};
  EXPECT_THAT(PutWith(race, "t/b", PutMode::kCreate, "ours"), IsError(ErrorCode::kAlreadyExists));
  EXPECT_EQ(*store_->Get(context_, "t/b"), "theirs");
  EXPECT_EQ(Files().size(), 2U);
}

TEST_F(LocalStoreFaultTest, MakesItsFolderAgainWhenSomeoneRemovesIt) {
  for (const char* call : {"openat", "fsync folder"}) {
    SyscallFault fault{.call = call, .before = [&] { fs::remove_all(folder_.path() / "t"); }};
    EXPECT_THAT(PutWith(fault, "t/p/a", PutMode::kCreate), IsOk()) << call;
    EXPECT_THAT(Files(), ElementsAre("t/p/a"));
    fs::remove_all(folder_.path() / "t");
  }
}

TEST_F(LocalStoreFaultTest, AWriteMayBeShort) {
  SyscallFault fault{.call = "write", .is_short = true};
  EXPECT_THAT(PutWith(fault, "t/a", PutMode::kCreate, "0123456789"), IsOk());
  SyscallFault reading{.call = "pread", .is_short = true};
  const Injection injection(reading);
  EXPECT_EQ(*store_->Get(context_, "t/a"), "0123456789");
}

TEST_F(LocalStoreFaultTest, ASignalDoesNotDisturb) {
  for (const char* call : {"openat", "write", "fsync file", "fsync folder"}) {
    SyscallFault fault{.call = call, .error = EINTR};
    EXPECT_THAT(PutWith(fault, "t/a", PutMode::kOverwrite), IsOk()) << call;
    EXPECT_GT(fault.seen, 1U) << call;
  }
  SyscallFault fault{.call = "pread", .error = EINTR};
  const Injection injection(fault);
  EXPECT_THAT(store_->Get(context_, "t/a"), IsOk());
}

TEST_F(LocalStoreFaultTest, AReadErrorIsNoShortAnswer) {
  MUST(Put("t/a", PutMode::kCreate));
  const auto reader = MUST(store_->Open(context_, "t/a"));
  for (const char* call : {"pread", "getdents64", "fstatat"}) {
    SyscallFault fault{.call = call, .error = EIO};
    const Injection injection(fault);
    if (fault.call == "pread") {
      std::byte bytes[3];
      EXPECT_THAT(store_->Get(context_, "t/a"), IsError(ErrorCode::kUnavailable));
      fault.seen = 0;
      EXPECT_THAT(reader->ReadAt(context_, 0, bytes), IsError(ErrorCode::kUnavailable));
    } else {
      EXPECT_THAT(store_->List(context_, "t/", {}), IsError(ErrorCode::kUnavailable)) << call;
    }
  }
}

TEST_F(LocalStoreFaultTest, ListsAFolderThatDoesNotTellTypes) {
  for (const char* path : {"t/a", "t/f/b", "t/z"}) MUST(Put(path, PutMode::kCreate));
  fs::create_symlink("a", folder_.path() / "t/link");
  fs::create_symlink("f", folder_.path() / "t/linked_folder");
  for (const bool delimiter : {false, true}) {
    const ListPage expected = MUST(store_->List(context_, "t/", {.delimiter = delimiter}));
    SyscallFault hiding{.call = "none", .hides_types = true};
    const Injection injection(hiding);
    const ListPage page = MUST(store_->List(context_, "t/", {.delimiter = delimiter}));
    EXPECT_EQ(page.prefixes, expected.prefixes);
    ASSERT_EQ(page.objects.size(), expected.objects.size());
    for (size_t i = 0; i < page.objects.size(); i++) {
      EXPECT_EQ(page.objects[i].path, expected.objects[i].path);
      EXPECT_EQ(page.objects[i].etag, expected.objects[i].etag);
    }
    hiding.call = "fstatat";
    hiding.error = EIO;
    EXPECT_THAT(store_->List(context_, "t/", {.delimiter = delimiter}), IsError(ErrorCode::kUnavailable));
  }
}

TEST_F(LocalStoreFaultTest, AListLeavesOutWhatIsDeletedMeanwhile) {
  MUST(Put("t/a", PutMode::kCreate));
  MUST(Put("t/b", PutMode::kCreate));
  SyscallFault fault{.call = "fstatat", .before = [&] { fs::remove(folder_.path() / "t/b"); }};
  const Injection injection(fault);
  EXPECT_EQ(MUST(store_->List(context_, "t/", {})).objects.size(), 1U);
}

}  // namespace
}  // namespace yummy::store
