#include "yummy/fetch/vector_cache.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include <fmt/format.h>

namespace yummy::fetch {
namespace {

// The memory of a cache entry besides the bytes of its vector.
constexpr uint64_t kEntryBytes = 512;

std::string KeyOf(size_t store_ordinal, const delta::Snapshot& snapshot,
                  const delta::DeletionVectorDescriptor& descriptor) {
  return fmt::format("{}\n{}\n{}\n{}\n{}", store_ordinal, snapshot.table_path(), descriptor.unique_id(),
                     descriptor.size_bytes, descriptor.cardinality);
}

/// The identity of the vector's file on local disk, where asking takes a microsecond. Empty on other stores, and if the
/// file cannot be asked for.
std::string VersionOnDisk(const Context& context, const delta::Snapshot& snapshot,
                          const delta::DeletionVectorDescriptor& descriptor) {
  store::ObjectStore& store = *snapshot.object_store();
  if (descriptor.storage_type == 'i' || !store.capabilities().is_local) return {};
  const auto path = delta::DeletionVectorPath(store, snapshot.table_path(), descriptor);
  if (!path.ok()) return {};
  const auto object = store.Head(context, *path);
  return object.ok() ? object->etag : std::string();
}

bool IsInAFile(const delta::FileView& file) {
  return file.deletion_vector && file.deletion_vector->storage_type != 'i' && file.deletion_vector->size_bytes > 0;
}

}  // namespace

Result<VectorCache::VectorRef> VectorCache::Load(const Context& context, size_t store_ordinal,
                                                 const delta::Snapshot& snapshot, const delta::FileView& file) {
  const std::string key =
      KeyOf(store_ordinal, snapshot, *file.deletion_vector) + VersionOnDisk(context, snapshot, *file.deletion_vector);
  {
    std::unique_lock lock(mutex_);
    arrived_.wait_until(lock, context.stop_token(), context.deadline(), [&] { return !on_their_way_.contains(key); });
  }
  TRY(context.Check());
  if (auto cached = cache_.Find(key)) return cached;
  auto vector = TRY(delta::ReadDeletionVector(context, *snapshot.object_store(), snapshot.table_path(),
                                              *file.deletion_vector, file.num_records));
  return Keep(key, std::move(vector), file);
}

void VectorCache::Prefetch(const Context& context, Executor& executor, size_t store_ordinal,
                           delta::SnapshotRef snapshot, const std::vector<delta::FileId>& files) {
  std::vector<Wanted> wanted;
  for (const delta::FileId file : files) {
    std::string key = KeyOf(store_ordinal, *snapshot, *snapshot->file(file).deletion_vector);
    const std::lock_guard lock(mutex_);  // a vector that is no longer in flight is in the cache
    if (on_their_way_.contains(key) || cache_.Find(key)) continue;
    on_their_way_.insert(key);
    wanted.push_back({std::move(key), file});
  }
  if (wanted.empty()) return;
  const auto submitted = executor.Submit([this, context, snapshot, wanted] { Fetch(context, *snapshot, wanted); });
  if (!submitted.ok()) Arrive(wanted);
}

void VectorCache::Fetch(const Context& context, const delta::Snapshot& snapshot, const std::vector<Wanted>& wanted) {
  // Scans wait for these vectors. So whatever happens, they must stop being in flight.
  const struct Arrival {
    VectorCache& vectors;
    const std::vector<Wanted>& wanted;
    ~Arrival() { vectors.Arrive(wanted); }
  } arrival{*this, wanted};
  std::vector<delta::WantedVector> asked;
  for (const auto& [_, id] : wanted) {
    const delta::FileView file = snapshot.file(id);
    asked.push_back({file.deletion_vector, file.num_records});
  }
  auto vectors = delta::ReadDeletionVectors(context, *snapshot.object_store(), snapshot.table_path(), asked);
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (vectors[i].ok()) Keep(wanted[i].key, *std::move(vectors[i]), snapshot.file(wanted[i].file));
  }
}

VectorCache::VectorRef VectorCache::Keep(const std::string& key, delta::DeletionVector vector,
                                         const delta::FileView& file) {
  auto kept = std::make_shared<const delta::DeletionVector>(std::move(vector));
  cache_.Put(key, kept, static_cast<uint64_t>(file.deletion_vector->size_bytes) + kEntryBytes);
  return kept;
}

void VectorCache::Arrive(const std::vector<Wanted>& wanted) {
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, _] : wanted) on_their_way_.erase(key);
  }
  arrived_.notify_all();
}

VectorPlan::VectorPlan(const delta::Snapshot& snapshot, const std::vector<delta::FileId>& files) {
  struct Place {
    char storage_type;
    std::string_view path;
    uint64_t begin;
    uint64_t end;
    delta::FileId file;
  };
  std::vector<Place> places;
  for (const delta::FileId id : files) {
    const delta::FileView file = snapshot.file(id);
    if (!IsInAFile(file)) continue;
    const auto& vector = *file.deletion_vector;
    const auto begin = static_cast<uint64_t>(std::max(vector.offset.value_or(0), 0));
    places.push_back(
        {vector.storage_type, vector.path_or_inline, begin, begin + static_cast<uint64_t>(vector.size_bytes), id});
  }
  std::sort(places.begin(), places.end(), [](const Place& a, const Place& b) {
    return std::tie(a.storage_type, a.path, a.begin, a.file) < std::tie(b.storage_type, b.path, b.begin, b.file);
  });
  // A vector joins the group before it if the gap between them and the range of the whole group stay small.
  uint64_t group_begin = 0;
  for (size_t i = 0; i < places.size(); ++i) {
    const Place& place = places[i];
    const bool joins = i > 0 && places[i - 1].storage_type == place.storage_type && places[i - 1].path == place.path &&
                       place.begin <= places[i - 1].end + kGapBytesMax && place.end <= group_begin + kRequestBytesMax;
    if (!joins) {
      groups_.emplace_back();
      group_begin = place.begin;
    }
    groups_.back().push_back(place.file);
    group_of_files_.emplace(place.file, groups_.size() - 1);
  }
}

std::vector<delta::FileId> VectorPlan::Take(delta::FileId file) {
  const auto group = group_of_files_.find(file);
  if (group == group_of_files_.end()) return {};
  const std::lock_guard lock(mutex_);
  return std::exchange(groups_[group->second], {});
}

}  // namespace yummy::fetch
