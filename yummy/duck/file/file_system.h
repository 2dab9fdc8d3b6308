#pragma once
// DuckDB's view of our object stores. Files have the names of duck_path.h.
// To read a file, OpenFileInfo.extended_info must hold the instance's token, which SQL cannot set. To write a file, the
// statement needs a permit (WritePermits).

#include <cstdint>
#include <string>

#include "yummy/duck/border/duckdb_headers.h"
#include "yummy/store/object_store.h"

namespace yummy::duck {

struct InstanceInfo;

/// The option of extended_info that holds the token, as UBIGINT.
inline constexpr const char* kTokenOption = "yummy_token";
/// The option that holds the delta::FileId, as UBIGINT.
inline constexpr const char* kFileIdOption = "yummy_file_id";
/// The option that holds the modification time in microseconds, as BIGINT.
inline constexpr const char* kModifiedOption = "yummy_modified";
/// The option that holds the number of the ReadAhead that fetches the file (RequestState), as UBIGINT.
inline constexpr const char* kReadAheadOption = "yummy_read_ahead";

/// A file to read, for a MultiFileList. It holds path, token and size, and tells the caches not to validate it. The
/// caller may add further options to extended_info->options ("has_deletes", "footer_size").
duckdb::OpenFileInfo ReadableFile(const InstanceInfo& instance, size_t store_ordinal, const store::ObjectMeta& object);

/// The value of an option; null if the file does not have it.
const duckdb::Value* FindOption(const duckdb::OpenFileInfo& file, const char* name);
/// The delta::FileId of a file of a DeltaFileList.
uint64_t FileIdOf(const duckdb::OpenFileInfo& file);

/// Safe from several threads. Errors of a store become exceptions that carry our Error (error.h).
class ObjectStoreFileSystem final : public duckdb::FileSystem {
 public:
  explicit ObjectStoreFileSystem(InstanceInfo& instance) : instance_(instance) {}

  std::string GetName() const override { return "ObjectStoreFileSystem"; }
  bool CanHandleFile(const std::string& path) override;
  std::string CanonicalizePath(const std::string& path, duckdb::optional_ptr<duckdb::FileOpener> opener) override;
  std::string PathSeparator(const std::string&) override { return "/"; }
  bool IsPathAbsolute(const std::string&) override { return true; }

  void Read(duckdb::FileHandle& handle, void* buffer, int64_t bytes, duckdb::idx_t location) override;
  int64_t Read(duckdb::FileHandle& handle, void* buffer, int64_t bytes) override;
  int64_t Write(duckdb::FileHandle& handle, void* buffer, int64_t bytes) override;
  void Write(duckdb::FileHandle& handle, void* buffer, int64_t bytes, duckdb::idx_t location) override;
  void FileSync(duckdb::FileHandle& handle) override;
  void Truncate(duckdb::FileHandle& handle, int64_t size) override;
  int64_t GetFileSize(duckdb::FileHandle& handle) override;
  duckdb::timestamp_t GetLastModifiedTime(duckdb::FileHandle& handle) override;
  std::string GetVersionTag(duckdb::FileHandle& handle) override;
  duckdb::FileType GetFileType(duckdb::FileHandle& handle) override;
  duckdb::FileMetadata Stats(duckdb::FileHandle& handle) override;
  void Seek(duckdb::FileHandle& handle, duckdb::idx_t location) override;
  void Reset(duckdb::FileHandle& handle) override;
  duckdb::idx_t SeekPosition(duckdb::FileHandle& handle) override;
  bool CanSeek() override { return true; }
  bool OnDiskFile(duckdb::FileHandle& handle) override;

  // A store has no folders, so every folder seems to exist. The names of written files are new, so no file seems to
  // exist.
  bool FileExists(const std::string&, duckdb::optional_ptr<duckdb::FileOpener>) override { return false; }
  bool DirectoryExists(const std::string&, duckdb::optional_ptr<duckdb::FileOpener>) override { return true; }
  void CreateDirectory(const std::string&, duckdb::optional_ptr<duckdb::FileOpener>) override {}
  void CreateDirectoriesRecursive(const std::string&, duckdb::optional_ptr<duckdb::FileOpener>) override {}
  bool IsPipe(const std::string&, duckdb::optional_ptr<duckdb::FileOpener>) override { return false; }

  // Always refused, because SQL needs none of these.
  void RemoveDirectory(const std::string& path, duckdb::optional_ptr<duckdb::FileOpener>) override;
  void MoveFile(const std::string& from, const std::string& to, duckdb::optional_ptr<duckdb::FileOpener>) override;
  void RemoveFile(const std::string& path, duckdb::optional_ptr<duckdb::FileOpener>) override;
  bool TryRemoveFile(const std::string& path, duckdb::optional_ptr<duckdb::FileOpener>) override;
  void RemoveFiles(const duckdb::vector<std::string>& paths, duckdb::optional_ptr<duckdb::FileOpener>) override;
  bool ListFiles(const std::string& path, const std::function<void(const std::string&, bool)>&,
                 duckdb::FileOpener*) override;
  duckdb::vector<duckdb::OpenFileInfo> Glob(const std::string& path, duckdb::FileOpener*) override;

 protected:
  bool SupportsOpenFileExtended() const override { return true; }
  duckdb::unique_ptr<duckdb::FileHandle> OpenFileExtended(const duckdb::OpenFileInfo& file, duckdb::FileOpenFlags flags,
                                                          duckdb::optional_ptr<duckdb::FileOpener> opener) override;

 private:
  duckdb::unique_ptr<duckdb::FileHandle> OpenForReading(const duckdb::OpenFileInfo& file, duckdb::FileOpenFlags flags,
                                                        duckdb::optional_ptr<duckdb::FileOpener> opener);
  duckdb::unique_ptr<duckdb::FileHandle> OpenForWriting(const duckdb::OpenFileInfo& file, duckdb::FileOpenFlags flags,
                                                        duckdb::optional_ptr<duckdb::FileOpener> opener);

  InstanceInfo& instance_;
};

}  // namespace yummy::duck
