#include "yummy/store/disk_cache.h"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <list>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <zlib.h>

#include "yummy/base/logging.h"
#include "yummy/base/random.h"
#include "yummy/store/local_file.h"

namespace yummy::store {

namespace {

constexpr std::string_view kMagic = "YUMMYC01";
constexpr size_t kNameLength = 16;
constexpr std::string_view kTemporaryPrefix = "tmp-";
constexpr uint64_t kEntriesMax = 1'000'000;
constexpr uint64_t kEntryBytesMax = uint64_t{256} << 20;
constexpr uint64_t kBlockBytes = 4096;  // what a small file occupies
constexpr std::chrono::hours kTemporaryAgeMax{1};
constexpr std::chrono::hours kTouchAfter{1};  // the modification time of an entry may lag this far behind its last use
constexpr std::chrono::minutes kPauseAfterFailure{1};

/// The beginning of an entry's file, before key and content. It has the machine's byte order, because it never leaves
/// the machine.
struct Header {
  char magic[8];
  uint64_t key_bytes;
  uint64_t content_bytes;
  uint64_t checksum;  // CRC-32 of key and content
};
static_assert(sizeof(Header) == 32);

/// FNV-1a. If two keys have the same hash, one replaces the other, which does no harm.
uint64_t HashOf(std::string_view key) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : key) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

uint64_t ChecksumOf(std::string_view key, std::string_view content) {
  uLong checksum = crc32_z(0, reinterpret_cast<const Bytef*>(key.data()), key.size());
  checksum = crc32_z(checksum, reinterpret_cast<const Bytef*>(content.data()), content.size());
  return checksum;
}

std::string PathOf(uint64_t name) { return fmt::format("{:02x}/{:016x}", name >> 56, name); }

std::optional<uint64_t> ParseName(std::string_view text) {
  if (text.size() != kNameLength) return std::nullopt;
  uint64_t name = 0;
  for (const char c : text) {
    const bool is_digit = c >= '0' && c <= '9';
    if (!is_digit && (c < 'a' || c > 'f')) return std::nullopt;
    name = name << 4 | static_cast<uint64_t>(is_digit ? c - '0' : c - 'a' + 10);
  }
  return name;
}

uint64_t SizeOnDisk(uint64_t bytes) { return (bytes + kBlockBytes - 1) / kBlockBytes * kBlockBytes; }

bool WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = Uninterrupted([&] { return write(fd, bytes.data(), bytes.size()); });
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

std::optional<std::string> ReadAll(int fd, uint64_t size_bytes) {
  std::string bytes(size_bytes, '\0');
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t read = Uninterrupted([&] { return ::read(fd, bytes.data() + done, bytes.size() - done); });
    if (read <= 0) return std::nullopt;
    done += static_cast<size_t>(read);
  }
  return bytes;
}

/// The content of an entry's file, if the file is intact and belongs to this key.
std::optional<std::string> ContentOf(std::string file, std::string_view key) {
  Header header;
  if (file.size() < sizeof(header)) return std::nullopt;
  std::memcpy(&header, file.data(), sizeof(header));
  if (std::string_view(header.magic, sizeof(header.magic)) != kMagic) return std::nullopt;
  const size_t rest = file.size() - sizeof(header);
  if (header.key_bytes != key.size() || key.size() > rest || header.content_bytes != rest - key.size())
    return std::nullopt;
  const std::string_view stored(file);
  const std::string_view content = stored.substr(sizeof(header) + key.size());
  if (stored.substr(sizeof(header), key.size()) != key || header.checksum != ChecksumOf(key, content))
    return std::nullopt;
  return file.erase(0, sizeof(header) + key.size());
}

struct Entry {
  uint64_t name = 0;
  uint64_t size_bytes = 0;
  int64_t used_s = 0;  // since the epoch
};

int64_t NowSeconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// One read that several callers wait for.
struct Flight {
  std::optional<Result<std::string>> result;
};

bool IsGivenUp(const Error& error) {
  return error.code() == ErrorCode::kCancelled || error.code() == ErrorCode::kDeadlineExceeded;
}

}  // namespace

struct DiskCache::State {
  Descriptor folder;
  std::string folder_path;
  uint64_t size_bytes_max = 0;
  std::atomic<uint64_t> hits = 0;
  std::atomic<uint64_t> misses = 0;
  std::atomic<int64_t> paused_until_s = 0;  // no writes until then, because one failed

  mutable std::mutex mutex;
  std::condition_variable_any changed;
  std::list<Entry> recent;  // newest first; it and the members below are guarded by mutex
  std::unordered_map<uint64_t, std::list<Entry>::iterator> by_name;
  uint64_t size_bytes = 0;
  std::unordered_map<std::string, std::shared_ptr<Flight>> flights;  // by key

  Result<void> Scan();
  void ScanFolder(const std::string& name, std::vector<Entry>& found) const;
  std::optional<std::string> Load(uint64_t name, std::string_view key) const;
  bool Save(uint64_t name, std::string_view key, std::string_view bytes);
  /// True when the entry's time on disk should be renewed.
  bool Use(uint64_t name);
  void Add(Entry entry);
  void Forget(uint64_t name);
  std::vector<uint64_t> TakeSurplus();
  void Remove(uint64_t name) const { (void)unlinkat(folder.fd(), PathOf(name).c_str(), 0); }
};

void DiskCache::State::ScanFolder(const std::string& name, std::vector<Entry>& found) const {
  const int fd = openat(folder.fd(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return;
  DIR* listing = fdopendir(fd);
  if (listing == nullptr) {
    close(fd);
    return;
  }
  const int64_t now_s = NowSeconds();
  while (const dirent* entry = readdir(listing)) {
    struct stat status = {};
    if (fstatat(fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode)) continue;
    const std::string_view file = entry->d_name;
    const auto entry_name = ParseName(file);
    if (entry_name) {
      found.push_back({*entry_name, SizeOnDisk(static_cast<uint64_t>(status.st_size)), status.st_mtim.tv_sec});
    } else if (file.starts_with(kTemporaryPrefix) &&
               status.st_mtim.tv_sec + std::chrono::seconds(kTemporaryAgeMax).count() < now_s) {
      (void)unlinkat(fd, entry->d_name, 0);  // left by a process that ended while it wrote
    }
  }
  closedir(listing);
}

Result<void> DiskCache::State::Scan() {
  std::vector<Entry> found;
  for (int i = 0; i < 256; i++) {
    const std::string name = fmt::format("{:02x}", i);
    if (mkdirat(folder.fd(), name.c_str(), 0700) != 0 && errno != EEXIST)
      return ErrnoError(errno, "make a folder of the cache", folder_path + name);
    ScanFolder(name, found);
  }
  std::ranges::sort(found, {}, &Entry::used_s);
  std::vector<uint64_t> surplus;
  {
    const std::lock_guard lock(mutex);
    for (const Entry& entry : found) Add(entry);
    surplus = TakeSurplus();
  }
  for (const uint64_t name : surplus) Remove(name);
  return {};
}

std::optional<std::string> DiskCache::State::Load(uint64_t name, std::string_view key) const {
  const Descriptor file(openat(folder.fd(), PathOf(name).c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  struct stat status = {};
  if (!file.is_open() || fstat(file.fd(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  const auto size_bytes_now = static_cast<uint64_t>(status.st_size);
  if (size_bytes_now > kEntryBytesMax + key.size() + sizeof(Header)) return std::nullopt;
  auto bytes = ReadAll(file.fd(), size_bytes_now);
  return bytes ? ContentOf(std::move(*bytes), key) : std::nullopt;
}

bool DiskCache::State::Save(uint64_t name, std::string_view key, std::string_view bytes) {
  Header header{
      .magic = {}, .key_bytes = key.size(), .content_bytes = bytes.size(), .checksum = ChecksumOf(key, bytes)};
  std::memcpy(header.magic, kMagic.data(), sizeof(header.magic));
  const std::string path = PathOf(name);
  const std::string temporary =
      fmt::format("{}/{}{}-{}", path.substr(0, 2), kTemporaryPrefix, getpid(), Random::System().Uuid());
  const Descriptor file(
      openat(folder.fd(), temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file.is_open()) return false;
  // The file is not flushed. If a crash damages it, its checksum fails.
  const bool saved = WriteAll(file.fd(), {reinterpret_cast<const char*>(&header), sizeof(header)}) &&
                     WriteAll(file.fd(), key) && WriteAll(file.fd(), bytes) &&
                     renameat(folder.fd(), temporary.c_str(), folder.fd(), path.c_str()) == 0;
  if (!saved) {
    const int error = errno;
    (void)unlinkat(folder.fd(), temporary.c_str(), 0);
    errno = error;
  }
  return saved;
}

bool DiskCache::State::Use(uint64_t name) {
  const std::lock_guard lock(mutex);
  const auto at = by_name.find(name);
  if (at == by_name.end()) return false;  // another process put it there
  recent.splice(recent.begin(), recent, at->second);
  const int64_t now_s = NowSeconds();
  if (at->second->used_s + std::chrono::seconds(kTouchAfter).count() > now_s) return false;
  at->second->used_s = now_s;
  return true;
}

void DiskCache::State::Add(Entry entry) {
  Forget(entry.name);
  size_bytes += entry.size_bytes;
  recent.push_front(entry);
  by_name.emplace(entry.name, recent.begin());
}

void DiskCache::State::Forget(uint64_t name) {
  const auto at = by_name.find(name);
  if (at == by_name.end()) return;
  size_bytes -= at->second->size_bytes;
  recent.erase(at->second);
  by_name.erase(at);
}

std::vector<uint64_t> DiskCache::State::TakeSurplus() {
  std::vector<uint64_t> names;
  while (!recent.empty() && (size_bytes > size_bytes_max || by_name.size() > kEntriesMax)) {
    names.push_back(recent.back().name);
    Forget(recent.back().name);
  }
  return names;
}

DiskCache::DiskCache(std::unique_ptr<State> state) : state_(std::move(state)) {}
DiskCache::~DiskCache() = default;

Result<std::unique_ptr<DiskCache>> DiskCache::Open(const DiskCacheOptions& options) {
  if (options.folder.empty()) return Error(ErrorCode::kInvalidArgument, "the folder of a cache is empty");
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(options.folder).parent_path(), error);
  if (mkdir(options.folder.c_str(), 0700) != 0 && errno != EEXIST)
    return ErrnoError(errno, "make the folder of the cache", options.folder);
  auto state = std::make_unique<State>();
  state->folder = Descriptor(open(options.folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct stat status = {};
  if (!state->folder.is_open() || fstat(state->folder.fd(), &status) != 0)
    return ErrnoError(errno, "open the folder of the cache", options.folder);
  // Anyone who can write to this folder could change what tables seem to hold.
  if (status.st_uid != geteuid() || (status.st_mode & 077) != 0) {
    return Error(ErrorCode::kInvalidArgument,
                 fmt::format("the folder of the cache must belong to this user alone (mode 0700): {}", options.folder));
  }
  state->folder_path = options.folder.ends_with('/') ? options.folder : options.folder + "/";
  state->size_bytes_max = options.size_bytes_max;
  TRY(state->Scan());
  return std::unique_ptr<DiskCache>(new DiskCache(std::move(state)));
}

std::optional<std::string> DiskCache::Find(std::string_view key) {
  const uint64_t name = HashOf(key);
  std::optional<std::string> content = state_->Load(name, key);
  if (content) {
    state_->hits++;
    if (state_->Use(name)) (void)utimensat(state_->folder.fd(), PathOf(name).c_str(), nullptr, 0);
    return content;
  }
  state_->misses++;
  return std::nullopt;
}

void DiskCache::Insert(std::string_view key, std::string_view bytes) {
  State& state = *state_;
  const uint64_t size_bytes = SizeOnDisk(sizeof(Header) + key.size() + bytes.size());
  if (bytes.size() > kEntryBytesMax || size_bytes > state.size_bytes_max) return;
  const int64_t now_s = NowSeconds();
  if (now_s < state.paused_until_s) return;
  const uint64_t name = HashOf(key);
  if (!state.Save(name, key, bytes)) {
    const int error = errno;
    const int64_t until_s = now_s + std::chrono::seconds(kPauseAfterFailure).count();
    if (state.paused_until_s.exchange(until_s) > now_s) return;  // another thread has logged it
    Log(LogLevel::kWarn, "the cache in {} takes nothing for {} s: {}", state.folder_path,
        std::chrono::seconds(kPauseAfterFailure).count(), std::generic_category().message(error));
    return;
  }
  std::vector<uint64_t> surplus;
  {
    const std::lock_guard lock(state.mutex);
    state.Add({name, size_bytes, now_s});
    surplus = state.TakeSurplus();
  }
  for (const uint64_t other : surplus) state.Remove(other);
}

Result<std::string> DiskCache::Read(const Context& context, std::string_view key,
                                    const std::function<Result<std::string>()>& read,
                                    const std::function<bool(const std::string&)>& may_keep) {
  State& state = *state_;
  while (true) {
    TRY(context.Check());
    std::shared_ptr<Flight> flight;
    bool is_mine = false;
    {
      std::unique_lock lock(state.mutex);
      auto& entry = state.flights[std::string(key)];
      is_mine = entry == nullptr;
      if (is_mine) entry = std::make_shared<Flight>();
      flight = entry;
      if (!is_mine) {
        state.changed.wait_until(lock, context.stop_token(), context.deadline(),
                                 [&] { return flight->result.has_value(); });
        // If the reading request was given up, its error is no answer for this one, which then reads itself.
        if (!flight->result || (!flight->result->ok() && IsGivenUp(flight->result->error()))) continue;
        return *flight->result;
      }
    }
    std::optional<std::string> found = Find(key);
    Result<std::string> result = found ? Result<std::string>(std::move(*found)) : read();
    if (!found && result.ok() && may_keep(*result)) Insert(key, *result);
    {
      const std::lock_guard lock(state.mutex);
      state.flights.erase(std::string(key));
      // If nobody else holds the flight, nobody waits for its result.
      if (flight.use_count() > 1) flight->result = result;
    }
    state.changed.notify_all();
    return result;
  }
}

uint64_t DiskCache::size_bytes() const {
  const std::lock_guard lock(state_->mutex);
  return state_->size_bytes;
}
uint64_t DiskCache::hits() const { return state_->hits; }
uint64_t DiskCache::misses() const { return state_->misses; }

}  // namespace yummy::store
