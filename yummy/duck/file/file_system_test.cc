#include "yummy/duck/file/file_system.h"

#include <memory>
#include <stop_token>
#include <string>

#include "yummy/base/testing.h"
#include "yummy/duck/border/duck_path.h"
#include "yummy/duck/border/error.h"
#include "yummy/duck/engine/database_state.h"
#include "yummy/duck/state/request_state.h"
#include "yummy/store/fault_store.h"
#include "yummy/store/memory_store.h"

namespace yummy::duck {
namespace {

using duckdb::FileFlags;

constexpr const char* kPath = "yummy://0/t/a.parquet";

class FileSystemTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_THAT(store_->Put({}, "t/a.parquet", "0123456789", store::PutMode::kCreate), IsOk());
    Lookup lookup;
    lookup.stores.push_back({.name = "local", .object_store = faults_});
    auto database = Database::Open({}, std::move(lookup));
    ASSERT_THAT(database, IsOk());
    database_ = *std::move(database);
    instance_ = database_->state().instance;
    connection_ = std::make_unique<duckdb::Connection>(instance_->database());
  }

  // As DuckDB's readers and writers open: through the file system of the connection.
  Result<duckdb::unique_ptr<duckdb::FileHandle>> Open(const duckdb::OpenFileInfo& file, duckdb::FileOpenFlags flags) {
    return CatchErrors([&]() -> Result<duckdb::unique_ptr<duckdb::FileHandle>> {
      return duckdb::FileSystem::GetFileSystem(*connection_->context).OpenFile(file, flags);
    });
  }
  Result<duckdb::unique_ptr<duckdb::FileHandle>> OpenToRead(uint64_t size_bytes,
                                                            const std::string& path = "t/a.parquet") {
    return Open(ReadableFile(instance_->info(), 0, {.path = path, .size_bytes = size_bytes}),
                FileFlags::FILE_FLAGS_READ);
  }
  Result<duckdb::unique_ptr<duckdb::FileHandle>> OpenToWrite(const std::string& path) {
    return Open(duckdb::OpenFileInfo(path), FileFlags::FILE_FLAGS_WRITE | FileFlags::FILE_FLAGS_FILE_CREATE_NEW);
  }
  RequestState& request() { return RequestOf(*connection_->context); }

  std::shared_ptr<store::MemoryStore> store_ = std::make_shared<store::MemoryStore>(Clock::System());
  std::shared_ptr<store::FaultStore> faults_ = std::make_shared<store::FaultStore>(store_);
  std::shared_ptr<Database> database_;
  std::shared_ptr<Instance> instance_;
  std::unique_ptr<duckdb::Connection> connection_;
};

TEST_F(FileSystemTest, ReadsWithTheToken) {
  auto handle = OpenToRead(10);
  ASSERT_THAT(handle, IsOk());
  std::string bytes(4, ' ');
  (*handle)->Read(bytes.data(), 4, 3);
  EXPECT_EQ(bytes, "3456");
  EXPECT_EQ((*handle)->GetFileSize(), 10u);
  (*handle)->Seek(8);
  EXPECT_EQ((*handle)->Read(bytes.data(), 4), 2);
  EXPECT_EQ(bytes.substr(0, 2), "89");
}

TEST_F(FileSystemTest, RefusesToReadWithoutTheToken) {
  EXPECT_THAT(Open(duckdb::OpenFileInfo(kPath), FileFlags::FILE_FLAGS_READ), IsError(ErrorCode::kPermissionDenied));
  auto forged = ReadableFile(instance_->info(), 0, {.path = "t/a.parquet", .size_bytes = 10});
  forged.extended_info->options[kTokenOption] = duckdb::Value::UBIGINT(instance_->info().token + 1);
  EXPECT_THAT(Open(forged, FileFlags::FILE_FLAGS_READ), IsError(ErrorCode::kPermissionDenied));
  forged.extended_info->options[kTokenOption] = duckdb::Value(std::to_string(instance_->info().token));
  EXPECT_THAT(Open(forged, FileFlags::FILE_FLAGS_READ), IsError(ErrorCode::kPermissionDenied));
}

TEST_F(FileSystemTest, RefusesPathsThatLeaveTheStore) {
  for (const char* path : {"../a", "t/../../a", "/etc/passwd", "", "t//a", "t/./a"}) {
    EXPECT_THAT(OpenToRead(1, path), IsError(ErrorCode::kPermissionDenied)) << path;
  }
  auto other_store = ReadableFile(instance_->info(), 1, {.path = "t/a.parquet", .size_bytes = 10});
  EXPECT_THAT(Open(other_store, FileFlags::FILE_FLAGS_READ), IsError(ErrorCode::kPermissionDenied));
  for (const char* path :
       {"/etc/passwd", "file:///etc/passwd", "yummy:/0/a", "yummy://x/a", "yummy:///a", "yummy://0"}) {
    EXPECT_THAT(Open(duckdb::OpenFileInfo(path), FileFlags::FILE_FLAGS_READ), IsError(ErrorCode::kPermissionDenied))
        << path;
  }
}

TEST_F(FileSystemTest, NamesAMissingAndAShortenedFile) {
  auto missing = OpenToRead(10, "t/b.parquet");
  Error error = [&] {
    if (!missing.ok()) return missing.error();
    std::string bytes(10, ' ');  // with a known size a store may notice it only now
    auto read = CatchErrors([&]() -> Result<void> {
      (*missing)->Read(bytes.data(), 10, 0);
      return {};
    });
    return read.ok() ? Error(ErrorCode::kInternal, "was read") : read.error();
  }();
  EXPECT_EQ(error.code(), ErrorCode::kNotFound);
  EXPECT_EQ(error.reason_name(), "MISSING_FILE");

  auto longer = OpenToRead(20);
  Result<void> read = longer.ok() ? CatchErrors([&]() -> Result<void> {
    std::string bytes(15, ' ');
    (*longer)->Read(bytes.data(), 15, 0);
    return {};
  })
                                  : Result<void>(longer.error());
  ASSERT_THAT(read, IsError(ErrorCode::kCorrupt));
  EXPECT_EQ(read.error().reason_name(), "CORRUPT_DATA_FILE");
}

TEST_F(FileSystemTest, RefusesAFileThatBroughtDuckDBDown) {
  instance_->info().refused_files->Refuse(DuckPath(0, {.path = "t/a.parquet", .size_bytes = 10}), 10);
  EXPECT_THAT(OpenToRead(10), IsError(ErrorCode::kCorrupt));
}

TEST_F(FileSystemTest, ReadsForTheRequestThatOpened) {
  std::stop_source stop;
  request().Start(Context(Context::Time::max(), stop.get_token(), "test"), {});
  auto handle = OpenToRead(10);
  ASSERT_THAT(handle, IsOk());
  stop.request_stop();
  auto read = CatchErrors([&]() -> Result<void> {
    char byte = 0;
    (*handle)->Read(&byte, 1, 0);
    return {};
  });
  EXPECT_THAT(read, IsError(ErrorCode::kCancelled));
  EXPECT_THAT(OpenToRead(10), IsError(ErrorCode::kCancelled));
}

TEST_F(FileSystemTest, WritesOnlyWhatTheStatementMay) {
  EXPECT_THAT(OpenToWrite("yummy://0/t/b.parquet"), IsError(ErrorCode::kPermissionDenied));
  request().write_permits().Allow("yummy://0/t/b.parquet");
  EXPECT_THAT(OpenToWrite("yummy://0/t/b.parquet2"), IsError(ErrorCode::kPermissionDenied));
  auto handle = OpenToWrite("yummy://0/t/b.parquet");
  ASSERT_THAT(handle, IsOk());
  std::string bytes = "abc";
  (*handle)->Write(bytes.data(), 3);
  EXPECT_THAT(store_->Head({}, "t/b.parquet"), IsError(ErrorCode::kNotFound));
  (*handle)->Close();
  auto written = store_->Get({}, "t/b.parquet");
  ASSERT_THAT(written, IsOk());
  EXPECT_EQ(*written, "abc");

  request().Finish();
  EXPECT_THAT(OpenToWrite("yummy://0/t/b.parquet"), IsError(ErrorCode::kPermissionDenied));
}

TEST_F(FileSystemTest, LeavesNothingOfAFileThatWasNotClosed) {
  request().write_permits().Allow("yummy://0/t/c.parquet");
  {
    auto handle = OpenToWrite("yummy://0/t/c.parquet");
    ASSERT_THAT(handle, IsOk());
    std::string bytes = "abc";
    (*handle)->Write(bytes.data(), 3);
  }
  EXPECT_THAT(store_->Head({}, "t/c.parquet"), IsError(ErrorCode::kNotFound));
}

TEST_F(FileSystemTest, NeverReplacesAFile) {
  request().write_permits().Allow(kPath);
  auto closed = CatchErrors([&]() -> Result<void> {
    auto handle = TRY(OpenToWrite(kPath));
    std::string bytes = "abc";
    handle->Write(bytes.data(), 3);
    handle->Close();
    return {};
  });
  EXPECT_THAT(closed, IsError(ErrorCode::kAlreadyExists));
  auto kept = store_->Get({}, "t/a.parquet");
  ASSERT_THAT(kept, IsOk());
  EXPECT_EQ(*kept, "0123456789");
}

TEST_F(FileSystemTest, CallsAWriteFailedWhenTheAnswerToAFileIsLost) {
  request().write_permits().Allow("yummy://0/t/c.parquet");
  faults_->Inject({.operation = store::Operation::kUploadFinish, .kind = store::FaultKind::kErrorAfter});
  const auto closed = CatchErrors([&]() -> Result<void> {
    TRY(OpenToWrite("yummy://0/t/c.parquet"))->Close();
    return {};
  });
  EXPECT_THAT(closed, IsError(ErrorCode::kUnavailable));
}

TEST_F(FileSystemTest, RefusesToListMoveAndRemove) {
  auto& files = duckdb::FileSystem::GetFileSystem(*connection_->context);
  EXPECT_THAT(CatchErrors([&]() -> Result<void> {
                files.Glob("yummy://0/t/*");
                return {};
              }),
              IsError(ErrorCode::kPermissionDenied));
  EXPECT_THAT(CatchErrors([&]() -> Result<void> {
                files.RemoveFile(kPath);
                return {};
              }),
              IsError(ErrorCode::kPermissionDenied));
  EXPECT_THAT(CatchErrors([&]() -> Result<void> {
                files.MoveFile(kPath, "yummy://0/t/z");
                return {};
              }),
              IsError(ErrorCode::kPermissionDenied));
  EXPECT_THAT(store_->Head({}, "t/a.parquet"), IsOk());
}

}  // namespace
}  // namespace yummy::duck
