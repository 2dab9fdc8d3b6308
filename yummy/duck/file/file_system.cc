#include "yummy/duck/file/file_system.h"

#include <atomic>
#include <utility>

#include <fmt/format.h>

#include "yummy/duck/border/duck_path.h"
#include "yummy/duck/border/error.h"
#include "yummy/duck/state/instance_info.h"
#include "yummy/duck/state/request_state.h"
#include "yummy/fetch/read_ahead.h"
#include "yummy/store/staged_write.h"

namespace yummy::duck {
namespace {

Error NotAllowed(std::string_view verb, std::string_view path) {
  return Error(ErrorCode::kPermissionDenied, fmt::format("files cannot be {} by SQL: {}", verb, path))
      .WithReason(Reason::kSqlNotAllowed);
}

// The error if a data file of the log is missing or shorter in the store. The table is at fault then, not the request.
Error ForDataFile(Error error, const std::string& path) {
  // A read beyond the end. A store that knows the size refuses it; a far store returns too few bytes.
  if (error.code() == ErrorCode::kInvalidArgument || error.code() == ErrorCode::kCorrupt) {
    return Error(ErrorCode::kCorrupt, "a data file is smaller than the log says: " + path)
        .WithReason(Reason::kCorruptDataFile)
        .With("path", path);
  }
  if (error.code() != ErrorCode::kNotFound) return std::move(error).Prefixed(path);
  return Error(ErrorCode::kNotFound, "a data file of the table is missing: " + path)
      .WithReason(Reason::kMissingFile)
      .With("path", path);
}

class ReadHandle final : public duckdb::FileHandle {
 public:
  ReadHandle(duckdb::FileSystem& owner, DataFile file, duckdb::FileOpenFlags open_flags, std::string store_path,
             std::unique_ptr<store::ObjectReader> reader, std::shared_ptr<fetch::ReadAhead::File> ahead, bool is_local,
             Context context, RequestState* request)
      : duckdb::FileHandle(owner, file.path, open_flags),
        file_(std::move(file)),
        store_path_(std::move(store_path)),
        reader_(std::move(reader)),
        ahead_(std::move(ahead)),
        is_local_(is_local),
        context_(std::move(context)),
        request_(request) {}

  void Close() override { reader_.reset(); }

  void ReadAt(void* buffer, uint64_t bytes, uint64_t offset) {
    if (!reader_) Throw(Error(ErrorCode::kInternal, "read after close: " + store_path_));
    if (offset > size_bytes() || bytes > size_bytes() - offset) {
      Throw(Error(ErrorCode::kCorrupt,
                  fmt::format("a read beyond the end of a data file: {}, {} bytes at {}, the size is {}", store_path_,
                              bytes, offset, size_bytes()))
                .WithReason(Reason::kCorruptDataFile)
                .With("path", store_path_));
    }
    if (request_) request_->files_in_use().Note(file_);
    ValueOrThrow(context_.Check());
    const std::span<std::byte> out(static_cast<std::byte*>(buffer), bytes);
    auto result = ahead_ ? ahead_->ReadAt(context_, *reader_, offset, out) : reader_->ReadAt(context_, offset, out);
    if (!result.ok()) Throw(ForDataFile(std::move(result).error(), store_path_));
  }

  uint64_t size_bytes() const { return file_.size_bytes; }
  bool is_local() const { return is_local_; }
  uint64_t position = 0;  // for reads without a location; DuckDB makes these from one thread at a time

 private:
  const DataFile file_;
  const std::string store_path_;
  std::unique_ptr<store::ObjectReader> reader_;
  const std::shared_ptr<fetch::ReadAhead::File>
      ahead_;  // null if the file is not read ahead; shared: by the file's handles
  const bool is_local_;
  const Context context_;        // that of the request that opened the file
  RequestState* const request_;  // may be null; it outlives the handle, because both belong to the connection's query
};

class WriteHandle final : public duckdb::FileHandle {
 public:
  WriteHandle(duckdb::FileSystem& owner, std::string duck_path, duckdb::FileOpenFlags open_flags,
              std::string store_path, std::unique_ptr<store::Upload> upload, Context context)
      : duckdb::FileHandle(owner, std::move(duck_path), open_flags),
        store_path_(std::move(store_path)),
        upload_(std::move(upload)),
        context_(std::move(context)) {}

  // If a handle was not closed, the destructor of the Upload aborts it.

  void Close() override {
    if (!upload_) return;
    auto upload = std::move(upload_);
    if (failed_) return;
    ValueOrThrow(context_.Check());
    auto result = upload->Finish(context_);
    if (result.ok()) return;
    Throw(store::StagedWriteError(std::move(result).error().Prefixed(store_path_)));
  }

  void Append(const void* buffer, uint64_t bytes) {
    if (!upload_) Throw(Error(ErrorCode::kInternal, "write after close: " + store_path_));
    auto checked = context_.Check();
    auto result =
        checked.ok() ? upload_->Write(context_, {static_cast<const char*>(buffer), bytes}) : std::move(checked);
    if (!result.ok()) {
      failed_ = true;
      Throw(std::move(result).error().Prefixed(store_path_));
    }
    written_bytes_ += bytes;
  }

  uint64_t written_bytes() const { return written_bytes_; }

 private:
  const std::string store_path_;
  std::unique_ptr<store::Upload> upload_;
  const Context context_;
  uint64_t written_bytes_ = 0;
  bool failed_ = false;
};

ReadHandle& ReadHandleOf(duckdb::FileHandle& handle) {
  auto* reading = dynamic_cast<ReadHandle*>(&handle);
  if (!reading) Throw(Error(ErrorCode::kInternal, "the file is not open for reading: " + handle.path));
  return *reading;
}

WriteHandle& WriteHandleOf(duckdb::FileHandle& handle) {
  auto* writing = dynamic_cast<WriteHandle*>(&handle);
  if (!writing) Throw(Error(ErrorCode::kInternal, "the file is not open for writing: " + handle.path));
  return *writing;
}

std::shared_ptr<fetch::ReadAhead::File> FindReadAhead(const RequestState* request, const duckdb::OpenFileInfo& file) {
  const duckdb::Value* number = FindOption(file, kReadAheadOption);
  if (!request || !number) return nullptr;
  const auto ahead = request->read_aheads().Find(number->GetValue<uint64_t>());
  return ahead ? ahead->Find(FileIdOf(file)) : nullptr;
}

RequestState* RequestOfOpener(duckdb::optional_ptr<duckdb::FileOpener> opener) {
  auto client = duckdb::FileOpener::TryGetClientContext(opener);
  return client ? &RequestOf(*client) : nullptr;
}

}  // namespace

duckdb::OpenFileInfo ReadableFile(const InstanceInfo& instance, size_t store_ordinal, const store::ObjectMeta& object) {
  duckdb::OpenFileInfo file(DuckPath(store_ordinal, object));
  file.extended_info = duckdb::make_shared_ptr<duckdb::ExtendedOpenFileInfo>();
  auto& options = file.extended_info->options;
  options.emplace(kTokenOption, duckdb::Value::UBIGINT(instance.token));
  options.emplace("file_size", duckdb::Value::UBIGINT(object.size_bytes));
  options.emplace(kModifiedOption, duckdb::Value::BIGINT(object.modified_micros));
  // A file with such a name never changes, so neither the byte cache nor the footer cache has to ask.
  options.emplace("validate_external_file_cache", duckdb::Value::BOOLEAN(false));
  options.emplace("etag", duckdb::Value(""));
  options.emplace("last_modified", duckdb::Value::TIMESTAMP(duckdb::timestamp_t(0)));
  return file;
}

const duckdb::Value* FindOption(const duckdb::OpenFileInfo& file, const char* name) {
  if (!file.extended_info) return nullptr;
  auto found = file.extended_info->options.find(name);
  return found == file.extended_info->options.end() || found->second.IsNull() ? nullptr : &found->second;
}

uint64_t FileIdOf(const duckdb::OpenFileInfo& file) {
  const duckdb::Value* id = FindOption(file, kFileIdOption);
  if (!id) Throw(Error(ErrorCode::kInternal, "a data file without its id: " + file.path));
  return id->GetValue<uint64_t>();
}

bool ObjectStoreFileSystem::CanHandleFile(const std::string& path) { return path.starts_with(kScheme); }

std::string ObjectStoreFileSystem::CanonicalizePath(const std::string& path, duckdb::optional_ptr<duckdb::FileOpener>) {
  // Returns the path unchanged; DuckDB compares the result with allowed_directories. A path with ".." has no canonical
  // form here.
  std::string_view rest = path;
  while (!rest.empty()) {
    size_t slash = rest.find('/');
    if (rest.substr(0, slash) == "..") Throw(NotAllowed("opened", path));
    if (slash == std::string_view::npos) break;
    rest.remove_prefix(slash + 1);
  }
  return path;
}

duckdb::unique_ptr<duckdb::FileHandle> ObjectStoreFileSystem::OpenFileExtended(
    const duckdb::OpenFileInfo& file, duckdb::FileOpenFlags flags, duckdb::optional_ptr<duckdb::FileOpener> opener) {
  if (flags.OpenForWriting()) return OpenForWriting(file, flags, opener);
  return OpenForReading(file, flags, opener);
}

duckdb::unique_ptr<duckdb::FileHandle> ObjectStoreFileSystem::OpenForReading(
    const duckdb::OpenFileInfo& file, duckdb::FileOpenFlags flags, duckdb::optional_ptr<duckdb::FileOpener> opener) {
  const duckdb::Value* token = FindOption(file, kTokenOption);
  if (!token || token->type().id() != duckdb::LogicalTypeId::UBIGINT ||
      token->GetValue<uint64_t>() != instance_.token) {
    Throw(NotAllowed("read", file.path));
  }
  StorePath parsed = ValueOrThrow(ParseDuckPath(file.path));
  if (parsed.store_ordinal >= instance_.lookup->stores.size()) Throw(NotAllowed("read", file.path));

  RequestState* request = RequestOfOpener(opener);
  Context context = request ? request->context() : Context();
  ValueOrThrow(context.Check());
  const duckdb::Value* size = FindOption(file, "file_size");
  const duckdb::Value* modified = FindOption(file, kModifiedOption);
  if (!size || !modified) Throw(Error(ErrorCode::kInternal, "a data file without its size: " + file.path));
  const store::ObjectMeta object{
      .path = parsed.path, .size_bytes = size->GetValue<uint64_t>(), .modified_micros = modified->GetValue<int64_t>()};

  auto& object_store = *instance_.store(parsed.store_ordinal).object_store;
  auto reader = object_store.OpenKnown(context, object);
  if (!reader.ok()) Throw(ForDataFile(std::move(reader).error(), parsed.path));
  DataFile data_file{.path = file.path, .size_bytes = object.size_bytes};
  ValueOrThrow(instance_.refused_files->Check(data_file.path, data_file.size_bytes));
  if (request) request->files_in_use().Note(data_file);
  return duckdb::make_uniq<ReadHandle>(*this, std::move(data_file), flags, std::move(parsed.path), *std::move(reader),
                                       FindReadAhead(request, file), object_store.capabilities().is_local,
                                       std::move(context), request);
}

duckdb::unique_ptr<duckdb::FileHandle> ObjectStoreFileSystem::OpenForWriting(
    const duckdb::OpenFileInfo& file, duckdb::FileOpenFlags flags, duckdb::optional_ptr<duckdb::FileOpener> opener) {
  StorePath parsed = ValueOrThrow(ParseDuckPath(file.path));
  RequestState* request = RequestOfOpener(opener);
  if (!request || parsed.store_ordinal >= instance_.lookup->stores.size() || flags.OpenForAppending() ||
      !request->write_permits().Has(file.path)) {
    Throw(NotAllowed("written", file.path));
  }
  Context context = request->context();
  auto upload =
      instance_.store(parsed.store_ordinal).object_store->StartUpload(context, parsed.path, store::PutMode::kCreate);
  if (!upload.ok()) Throw(std::move(upload).error().Prefixed(parsed.path));
  return duckdb::make_uniq<WriteHandle>(*this, file.path, flags, std::move(parsed.path), *std::move(upload),
                                        std::move(context));
}

void ObjectStoreFileSystem::Read(duckdb::FileHandle& handle, void* buffer, int64_t bytes, duckdb::idx_t location) {
  ReadHandleOf(handle).ReadAt(buffer, static_cast<uint64_t>(bytes), location);
}

int64_t ObjectStoreFileSystem::Read(duckdb::FileHandle& handle, void* buffer, int64_t bytes) {
  ReadHandle& reading = ReadHandleOf(handle);
  uint64_t left = reading.size_bytes() - std::min(reading.position, reading.size_bytes());
  uint64_t count = std::min(static_cast<uint64_t>(bytes), left);
  if (count > 0) reading.ReadAt(buffer, count, reading.position);
  reading.position += count;
  return static_cast<int64_t>(count);
}

int64_t ObjectStoreFileSystem::Write(duckdb::FileHandle& handle, void* buffer, int64_t bytes) {
  WriteHandleOf(handle).Append(buffer, static_cast<uint64_t>(bytes));
  return bytes;
}

void ObjectStoreFileSystem::Write(duckdb::FileHandle& handle, void* buffer, int64_t bytes, duckdb::idx_t location) {
  WriteHandle& writing = WriteHandleOf(handle);
  if (location != writing.written_bytes()) {
    Throw(
        Error(ErrorCode::kUnsupported, "an object can only be written from its beginning to its end: " + handle.path));
  }
  writing.Append(buffer, static_cast<uint64_t>(bytes));
}

// Close makes the object durable. Before that nothing is visible, so there is nothing to sync.
void ObjectStoreFileSystem::FileSync(duckdb::FileHandle&) {}

void ObjectStoreFileSystem::Truncate(duckdb::FileHandle& handle, int64_t) {
  Throw(NotAllowed("truncated", handle.path));
}

int64_t ObjectStoreFileSystem::GetFileSize(duckdb::FileHandle& handle) {
  if (auto* writing = dynamic_cast<WriteHandle*>(&handle)) return static_cast<int64_t>(writing->written_bytes());
  return static_cast<int64_t>(ReadHandleOf(handle).size_bytes());
}

duckdb::timestamp_t ObjectStoreFileSystem::GetLastModifiedTime(duckdb::FileHandle&) { return duckdb::timestamp_t(0); }

std::string ObjectStoreFileSystem::GetVersionTag(duckdb::FileHandle&) { return {}; }

duckdb::FileType ObjectStoreFileSystem::GetFileType(duckdb::FileHandle&) { return duckdb::FileType::FILE_TYPE_REGULAR; }

duckdb::FileMetadata ObjectStoreFileSystem::Stats(duckdb::FileHandle& handle) {
  duckdb::FileMetadata metadata;
  metadata.file_size = GetFileSize(handle);
  metadata.last_modification_time = duckdb::timestamp_t(0);
  metadata.file_type = duckdb::FileType::FILE_TYPE_REGULAR;
  return metadata;
}

void ObjectStoreFileSystem::Seek(duckdb::FileHandle& handle, duckdb::idx_t location) {
  ReadHandleOf(handle).position = location;
}

void ObjectStoreFileSystem::Reset(duckdb::FileHandle& handle) { ReadHandleOf(handle).position = 0; }

duckdb::idx_t ObjectStoreFileSystem::SeekPosition(duckdb::FileHandle& handle) {
  if (auto* writing = dynamic_cast<WriteHandle*>(&handle)) return writing->written_bytes();
  return ReadHandleOf(handle).position;
}

bool ObjectStoreFileSystem::OnDiskFile(duckdb::FileHandle& handle) {
  auto* reading = dynamic_cast<ReadHandle*>(&handle);
  return reading && reading->is_local();
}

void ObjectStoreFileSystem::RemoveDirectory(const std::string& path, duckdb::optional_ptr<duckdb::FileOpener>) {
  Throw(NotAllowed("removed", path));
}

void ObjectStoreFileSystem::MoveFile(const std::string& from, const std::string&,
                                     duckdb::optional_ptr<duckdb::FileOpener>) {
  Throw(NotAllowed("moved", from));
}

void ObjectStoreFileSystem::RemoveFile(const std::string& path, duckdb::optional_ptr<duckdb::FileOpener>) {
  Throw(NotAllowed("removed", path));
}

// A writer calls this to clean up after an error. An unfinished file does not exist, and a finished one belongs to the
// transaction, which deletes its staged files itself.
bool ObjectStoreFileSystem::TryRemoveFile(const std::string&, duckdb::optional_ptr<duckdb::FileOpener>) {
  return false;
}

void ObjectStoreFileSystem::RemoveFiles(const duckdb::vector<std::string>& paths,
                                        duckdb::optional_ptr<duckdb::FileOpener>) {
  if (!paths.empty()) Throw(NotAllowed("removed", paths.front()));
}

bool ObjectStoreFileSystem::ListFiles(const std::string& path, const std::function<void(const std::string&, bool)>&,
                                      duckdb::FileOpener*) {
  Throw(NotAllowed("listed", path));
}

duckdb::vector<duckdb::OpenFileInfo> ObjectStoreFileSystem::Glob(const std::string& path, duckdb::FileOpener*) {
  Throw(NotAllowed("listed", path));
}

}  // namespace yummy::duck
