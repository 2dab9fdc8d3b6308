#include "yummy/duck/engine/spill_folder.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "yummy/base/testing.h"

namespace yummy::duck {
namespace {

namespace fs = std::filesystem;

size_t CountOf(const fs::path& parent) {
  return static_cast<size_t>(std::distance(fs::directory_iterator(parent), {}));
}

// A folder with data in it, of a process that was killed.
void LeaveFolder(const std::string& parent) {
  const pid_t child = ::fork();
  if (child == 0) {
    auto folder = SpillFolder::Make(parent);
    if (folder.ok()) std::ofstream(folder->path() + "/duckdb_temp_storage_DEFAULT-0.tmp") << "rows of a table";
    ::kill(::getpid(), SIGKILL);
  }
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
}

TEST(SpillFolder, IsPrivateAndGoesWithAllItHolds) {
  TemporaryFolder parent;
  {
    auto folder = SpillFolder::Make(parent.path().string() + "/made");
    ASSERT_THAT(folder, IsOk());
    EXPECT_EQ(fs::status(folder->path()).permissions(), fs::perms::owner_all);
    std::ofstream(folder->path() + "/file") << "x";
  }
  EXPECT_EQ(CountOf(parent.path() / "made"), 0U);
}

TEST(SpillFolder, IsSweptWhenItsProcessIsGone) {
  TemporaryFolder parent;
  LeaveFolder(parent.path());
  LeaveFolder(parent.path());
  ASSERT_EQ(CountOf(parent.path()), 2U);
  const auto living = SpillFolder::Make(parent.path());
  ASSERT_THAT(living, IsOk());
  SweepSpillFolders(parent.path());
  EXPECT_EQ(CountOf(parent.path()), 1U);
  EXPECT_TRUE(fs::is_directory(living->path()));
}

TEST(SpillFolder, IsNotSweptWhenItIsNotOurs) {
  TemporaryFolder parent;
  TemporaryFolder elsewhere;
  std::ofstream(elsewhere.path() / "lock") << "";
  std::ofstream(elsewhere.path() / "precious") << "x";
  fs::permissions(elsewhere.path(), fs::perms::owner_all);
  fs::create_directory_symlink(elsewhere.path(), parent.path() / "yummy-spill-link");
  fs::create_directory(parent.path() / "yummy-spill-open");  // others may come into it
  std::ofstream(parent.path() / "yummy-spill-open" / "lock") << "";
  fs::permissions(parent.path() / "yummy-spill-open", fs::perms::owner_all | fs::perms::others_exec);
  fs::create_directory(parent.path() / "yummy-spill-without-lock");
  std::ofstream(parent.path() / "yummy-spill-without-lock" / "file") << "x";
  fs::permissions(parent.path() / "yummy-spill-without-lock", fs::perms::owner_all);
  fs::create_directory(parent.path() / "yummy-spill-linked-lock");
  fs::create_symlink(elsewhere.path() / "lock", parent.path() / "yummy-spill-linked-lock" / "lock");
  fs::permissions(parent.path() / "yummy-spill-linked-lock", fs::perms::owner_all);
  std::ofstream(parent.path() / "yummy-spill-file") << "x";
  fs::create_directory(parent.path() / "another");
  SweepSpillFolders(parent.path());
  EXPECT_EQ(CountOf(parent.path()), 6U);
  EXPECT_TRUE(fs::exists(elsewhere.path() / "precious"));
}

TEST(SpillFolder, IsSweptWhenItIsEmptyAndWithoutALock) {
  TemporaryFolder parent;
  fs::create_directory(parent.path() / "yummy-spill-begun");
  fs::permissions(parent.path() / "yummy-spill-begun", fs::perms::owner_all);
  SweepSpillFolders(parent.path());
  EXPECT_EQ(CountOf(parent.path()), 0U);
}

}  // namespace
}  // namespace yummy::duck
