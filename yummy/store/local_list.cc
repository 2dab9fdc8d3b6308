#include "yummy/store/local_list.h"

#include <dirent.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "yummy/store/local_temporary_name.h"

namespace yummy::store {

namespace {

constexpr size_t kDirentBufferBytes = 32768;
/// After this many files a list checks its context.
constexpr size_t kFilesPerCheck = 1024;

enum class EntryKind : uint8_t {
  kFile,
  kFolder,
  kLinkedFile,  // a symbolic link to a file, or one that leads nowhere we may go
};

/// A name in a folder. Its text lies in Folder::names, with a NUL after it.
struct Entry {
  size_t offset = 0;
  size_t length = 0;  // with the '/' that ends the name of a folder, so that folders sort as their objects do
  EntryKind kind = EntryKind::kFile;
};

/// The names of one folder that are wanted.
struct NameFilter {
  std::string_view prefix;                // names begin with this
  std::optional<std::string_view> after;  // and are greater than this
  bool delimiter = false;

  /// The name of a folder ends in '/'. The kind of an entry may not be known yet when this is called.
  bool Admits(std::string_view name) const {
    if (!name.starts_with(prefix)) return false;
    if (!after || name > *after) return true;
    // A folder that sorts before `after` holds paths after it only if `after` itself lies in that folder.
    return !delimiter && name.ends_with('/') && after->starts_with(name);
  }
};

/// The entries of one folder, filtered and sorted.
class Folder {
 public:
  Folder(const Descriptor& root, std::string_view path, const NameFilter& filter)
      : root_(root), path_(path), filter_(filter) {}

  Result<void> Read(const Context& context, const Descriptor& folder);

  /// The entries for the page in order: files with their status, and folders with a path that ends in '/'. `files_max`
  /// files are enough.
  Result<std::vector<ObjectMeta>> Stat(const Context& context, const Descriptor& folder, size_t files_max) const;

 private:
  Result<void> Add(const Descriptor& folder, std::string_view name, unsigned char type);
  Result<std::optional<EntryKind>> FollowLink(std::string_view name) const;
  std::string_view Name(const Entry& entry) const {
    return std::string_view(names_).substr(entry.offset, entry.length);
  }
  std::string PathOf(std::string_view name) const { return std::string(path_).append(name); }

  const Descriptor& root_;
  const std::string_view path_;  // empty or ends in '/'
  const NameFilter filter_;
  std::string names_;
  std::vector<Entry> entries_;
};

Result<void> Folder::Read(const Context& context, const Descriptor& folder) {
  alignas(dirent64) char buffer[kDirentBufferBytes];
  for (;;) {
    TRY(context.Check());
    const ssize_t length = getdents64(folder.fd(), buffer, sizeof(buffer));
    // ENOENT: the folder was removed after it was opened.
    if (length == 0 || (length < 0 && errno == ENOENT)) break;
    if (length < 0) return ErrnoError(errno, "list", path_);
    for (ssize_t at = 0; at < length;) {
      const auto* entry = reinterpret_cast<const dirent64*>(buffer + at);
      TRY(Add(folder, entry->d_name, entry->d_type));
      at += entry->d_reclen;
    }
  }
  std::sort(entries_.begin(), entries_.end(), [this](const Entry& a, const Entry& b) { return Name(a) < Name(b); });
  return {};
}

Result<void> Folder::Add(const Descriptor& folder, std::string_view name, unsigned char type) {
  if (name == "." || name == "..") return {};
  const size_t offset = names_.size();
  names_.append(name).append("/");
  const auto name_as_folder = std::string_view(names_).substr(offset);
  const auto name_as_file = name_as_folder.substr(0, name.size());
  const bool may_be_file = filter_.Admits(name_as_file) && !IsTemporaryName(name);
  const bool may_be_folder = filter_.Admits(name_as_folder);

  std::optional<EntryKind> kind;
  if (type == DT_UNKNOWN && (may_be_file || may_be_folder)) {
    // Some file systems do not tell the type (readdir(3)).
    struct stat status = {};
    const std::string terminated(name);
    const int result = fstatat(folder.fd(), terminated.c_str(), &status, AT_SYMLINK_NOFOLLOW);
    if (result != 0 && errno != ENOENT) return ErrnoError(errno, "list", PathOf(name));
    if (result == 0) type = static_cast<unsigned char>(IFTODT(status.st_mode));
  }
  if (type == DT_REG) kind = EntryKind::kFile;
  if (type == DT_DIR) kind = EntryKind::kFolder;
  if (type == DT_LNK && (may_be_file || may_be_folder)) kind = TRY(FollowLink(name));

  if (!kind || !(*kind == EntryKind::kFolder ? may_be_folder : may_be_file)) {
    names_.resize(offset);
    return {};
  }
  const size_t length = name.size() + (*kind == EntryKind::kFolder ? 1 : 0);
  names_.resize(offset + length);
  names_ += '\0';
  entries_.push_back({.offset = offset, .length = length, .kind = *kind});
  return {};
}

/// The kind of a symbolic link's target; absent if the link dangles or must not be followed.
Result<std::optional<EntryKind>> Folder::FollowLink(std::string_view name) const {
  const OpenResult target = OpenBeneath(root_, PathOf(name), O_PATH);
  if (target.error == ENOENT || target.error == ENOTDIR) return std::optional<EntryKind>();
  // A link that leaves the root is listed as a file, and opening it gives the error. Leaving it out would hide an
  // object.
  if (target.error == EXDEV || target.error == ELOOP) return std::optional(EntryKind::kLinkedFile);
  if (target.error != 0) return ErrnoError(target.error, "list", PathOf(name));
  struct stat status = {};
  if (fstat(target.file.fd(), &status) != 0) return ErrnoError(errno, "list", PathOf(name));
  if (S_ISREG(status.st_mode)) return std::optional(EntryKind::kLinkedFile);
  if (S_ISDIR(status.st_mode) && filter_.delimiter) return std::optional(EntryKind::kFolder);
  return std::optional<EntryKind>();
}

Result<std::vector<ObjectMeta>> Folder::Stat(const Context& context, const Descriptor& folder, size_t files_max) const {
  std::vector<ObjectMeta> items;
  items.reserve(std::min(entries_.size(), files_max));
  size_t files = 0;
  for (const Entry& entry : entries_) {
    const std::string_view name = Name(entry);
    if (entry.kind == EntryKind::kFolder) {
      items.emplace_back().path = PathOf(name);
      continue;
    }
    if (files >= files_max) break;
    if (files % kFilesPerCheck == 0) TRY(context.Check());
    struct stat status = {};
    OpenResult target;
    if (entry.kind == EntryKind::kLinkedFile) target = OpenBeneath(root_, PathOf(name), O_PATH);
    const int result = target.file.is_open()
                           ? fstat(target.file.fd(), &status)
                           : fstatat(folder.fd(), names_.c_str() + entry.offset, &status, AT_SYMLINK_NOFOLLOW);
    if (result != 0 && errno == ENOENT) continue;  // deleted meanwhile
    if (result != 0) return ErrnoError(errno, "list", PathOf(name));
    if (entry.kind == EntryKind::kFile && !S_ISREG(status.st_mode)) continue;  // replaced meanwhile
    files++;
    items.push_back(MetaOf(PathOf(name), status));
  }
  return items;
}

/// The state of a walk through folders. Each folder is read completely, so that no descriptor is held on the way down.
struct Level {
  std::vector<ObjectMeta> items;
  size_t next = 0;
};

class Walk {
 public:
  Walk(const Context& context, const Descriptor& root, const ListOptions& options)
      : context_(context), root_(root), options_(options) {}

  Result<ListPage> Run(std::string_view prefix) {
    const size_t name_begin = prefix.rfind('/') + 1;
    TRY(Enter(prefix.substr(0, name_begin), prefix.substr(name_begin)));
    while (!levels_.empty() && !page_.truncated) {
      Level& level = levels_.back();
      if (level.next == level.items.size()) {
        levels_.pop_back();
        continue;
      }
      ObjectMeta& item = level.items[level.next++];
      if (!item.path.ends_with('/')) {
        if (HasRoom()) page_.objects.push_back(std::move(item));
      } else if (options_.delimiter) {
        if (HasRoom()) page_.prefixes.push_back(std::move(item.path));
      } else {
        const std::string folder = std::move(item.path);
        TRY(Enter(folder, ""));
      }
    }
    return std::move(page_);
  }

 private:
  bool HasRoom() {
    page_.truncated = options_.limit != 0 && page_.objects.size() + page_.prefixes.size() == options_.limit;
    return !page_.truncated;
  }

  /// Puts the entries of a folder (empty or with a '/' at its end) on top of the walk.
  Result<void> Enter(std::string_view folder, std::string_view name_prefix) {
    NameFilter filter{.prefix = name_prefix, .after = std::nullopt, .delimiter = options_.delimiter};
    const std::string_view after = options_.after;
    if (after.starts_with(folder)) {
      filter.after = after.substr(folder.size());
    } else if (after > folder) {
      return {};
    }
    const OpenResult opened =
        OpenBeneath(root_, folder.substr(0, folder.empty() ? 0 : folder.size() - 1), O_RDONLY | O_DIRECTORY);
    if (opened.error == ENOENT || opened.error == ENOTDIR || opened.error == ENAMETOOLONG) return {};
    if (opened.error != 0) return ErrnoError(opened.error, "list", folder);

    Folder entries(root_, folder, filter);
    TRY(entries.Read(context_, opened.file));
    // One more than the page has room for, in order to see whether the page is cut.
    const size_t files_max =
        options_.limit == 0 ? SIZE_MAX : options_.limit - page_.objects.size() - page_.prefixes.size() + 1;
    levels_.push_back({.items = TRY(entries.Stat(context_, opened.file, files_max))});
    return {};
  }

  const Context& context_;
  const Descriptor& root_;
  const ListOptions& options_;
  ListPage page_;
  std::vector<Level> levels_;
};

}  // namespace

Result<ListPage> ListFolders(const Context& context, const Descriptor& root, std::string_view prefix,
                             const ListOptions& options) {
  return Walk(context, root, options).Run(prefix);
}

}  // namespace yummy::store
