#include "yummy/fetch/read_ahead.h"

#include <algorithm>
#include <cassert>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <stop_token>
#include <unordered_map>
#include <utility>

#include "yummy/base/exception.h"
#include "yummy/fetch/read_plan.h"

namespace yummy::fetch {
namespace {

using store::ByteRange;

constexpr size_t kTasksMax = 1024;

}  // namespace

Executor& ReadAheadPool::executor() {
  std::call_once(started_, [this] { executor_ = std::make_unique<Executor>(kThreads, kTasksMax); });
  return *executor_;
}

bool ReadAheadPool::Reserve(uint64_t bytes) {
  uint64_t taken = bytes_;
  do {
    if (bytes > bytes_max_ || taken > bytes_max_ - bytes) return false;
  } while (!bytes_.compare_exchange_weak(taken, taken + bytes));
  return true;
}

namespace {

/// Bytes that wait for a thread, are on their way, or wait for their reader.
struct Block {
  enum class Phase { kQueued, kInFlight, kArrived, kFailed, kDropped };
  static constexpr size_t kNoRowGroup = static_cast<size_t>(-1);
  static constexpr uint64_t kKept = static_cast<uint64_t>(-1);

  ByteRange range;
  uint64_t unread_bytes = kKept;   // dropped when they have been read; kept as long as the file
  size_t row_group = kNoRowGroup;  // none: the footer, or the whole file
  Phase phase = Phase::kQueued;
  std::shared_ptr<std::byte[]> bytes;  // when arrived; shared: with those who copy from it when it is dropped
  std::optional<Error> error;          // when failed
};
using BlockRef = std::shared_ptr<Block>;  // shared: with the task that fetches it and those who wait for it

/// What the scan reads of one row group.
struct RowGroupPlan {
  bool begun = false;         // the scan has read from it
  bool fetched = false;       // a request for it is, or was, on its way
  bool rest_planned = false;  // the columns that are read where a row passed the filters are to be fetched, too
  bool rest_read = false;     // a row passed
};

/// Reads a range, a large one in pieces at the same time.
Result<void> ReadInParallel(Executor& executor, const Context& context, store::ObjectReader& reader,
                            const ByteRange& range, std::span<std::byte> out) {
  const uint64_t pieces = (range.length + kRequestBytesMax - 1) / kRequestBytesMax;
  if (pieces <= 1) return reader.ReadAt(context, range.offset, out);
  const uint64_t piece = (range.length + pieces - 1) / pieces;
  std::vector<Result<void>> results(pieces);
  executor.ParallelFor(pieces, [&](size_t i) {
    const uint64_t begin = i * piece;
    results[i] =
        reader.ReadAt(context, range.offset + begin, out.subspan(begin, std::min(piece, range.length - begin)));
  });
  for (auto& result : results) TRY(std::move(result));
  return {};
}

}  // namespace

struct ReadAhead::File::Content {
  explicit Content(FileToScan chosen) : file(std::move(chosen)) {}

  const FileToScan file;
  std::once_flag opened;
  std::optional<Result<std::unique_ptr<store::ObjectReader>>> reader;  // of the tasks, once opened
  // What follows is guarded by the mutex of the scan.
  size_t sequence = 0;
  bool is_retired = false;                      // the scan is past it: nothing is kept for it any more
  std::shared_ptr<const ParquetLayout> layout;  // absent before the footer is decoded
  std::vector<ParquetLayout::Leaf> leaves;
  std::vector<RowGroupPlan> row_groups;
  std::deque<BlockRef> queue;    // not asked for yet, in the order of the scan
  std::vector<BlockRef> blocks;  // all others
};

struct ReadAhead::State : std::enable_shared_from_this<ReadAhead::State> {
  using Content = File::Content;
  using ContentRef = std::shared_ptr<Content>;
  using Layout = std::shared_ptr<const ParquetLayout>;

  State(ReadAheadPool& shared, ReadAheadOptions chosen)
      : pool(shared),
        options(std::move(chosen)),
        window{.threads = options.threads, .careful = options.careful},
        context(options.context.deadline(), stop.get_token(), options.context.request_id()),
        on_stop(options.context.stop_token(), [this] { stop.request_stop(); }) {}

  void BeginFiles();
  ContentRef Begin(const FileToScan& file);
  void Open(const FileToScan& file);
  ContentRef FindFile(uint64_t id);
  void End();
  void LeaveOut();
  void Touch(const ContentRef& content, const ByteRange& range);
  std::vector<BlockRef> Find(Content& content, const ByteRange& range);
  Result<bool> Copy(const Context& reader_context, const BlockRef& block, const ByteRange& part, std::byte* out);

  ReadAheadPool& pool;
  const ReadAheadOptions options;
  const ReadWindow window;
  std::stop_source stop;  // by the request, or because the scan is over
  const Context context;  // of the tasks
  const std::stop_callback<std::function<void()>> on_stop;

 private:
  /// `fetched` is where the part of the file begins that is there already.
  void Plan(Content& content, const Layout& layout, uint64_t fetched);
  std::vector<BlockRef> BlocksOf(const Content& content, const ParquetLayout& layout,
                                 const std::vector<ParquetLayout::Leaf>& leaves, size_t row_group, ColumnPart part,
                                 uint64_t fetched) const;
  bool IsOfTheRest(const Content& content, size_t row_group, const ByteRange& range) const;
  void Pump();
  bool Submit(const ContentRef& content, const BlockRef& block);
  void Run(const ContentRef& content, const BlockRef& block);
  Result<std::shared_ptr<std::byte[]>> Fetch(Content& content, const ByteRange& range);
  void Arrive(Block& block, Result<std::shared_ptr<std::byte[]>> bytes);
  void DecodeFooter(Content& content, const Block& tail, const std::shared_ptr<std::byte[]>& bytes);
  void Release(uint64_t bytes);
  void Drop(Block& block);
  void Retire(Content& content);

  std::mutex mutex_;
  std::condition_variable_any arrived_;
  std::deque<ContentRef> files_;                    // guarded by mutex_; in the order in which they were begun
  std::unordered_map<uint64_t, ContentRef> by_id_;  // guarded by mutex_
  size_t begun_ = 0;                                // guarded by mutex_; files
  size_t opened_ = 0;                               // guarded by mutex_; files, by the scan
  size_t row_groups_begun_ = 0;                     // guarded by mutex_; by the scan
  size_t row_groups_fetched_ = 0;                   // guarded by mutex_
  size_t rests_read_ = 0;                           // guarded by mutex_; row groups of which a row passed the filters
  uint64_t bytes_ = 0;                              // guarded by mutex_; of blocks on their way or there
  bool over_ = false;                               // guarded by mutex_
};

// Begins what the scan will ask for soon.
void ReadAhead::State::BeginFiles() {
  size_t opened = 0;
  size_t ahead = 0;
  {
    const std::lock_guard lock(mutex_);
    opened = opened_;
    ahead = window.AllowedAfter(opened_, kFilesMax) - opened_;
    // Asking for the list costs something: it is asked for half a window at a time.
    if (over_ || ahead == 0 || (!options.careful && begun_ > opened_ + kFilesMax / 2)) return;
  }
  const auto files = options.upcoming(opened, ahead);
  if (options.prefetch) options.prefetch(context, files);
  for (const auto& file : files) Begin(file);
  const std::lock_guard lock(mutex_);
  Pump();
}

ReadAhead::State::ContentRef ReadAhead::State::Begin(const FileToScan& file) {
  ContentRef content;
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = by_id_.find(file.id); known != by_id_.end()) return known->second;
    content = std::make_shared<Content>(file);
    if (over_) return content;
    content->sequence = begun_++;
    by_id_.emplace(file.id, content);
    files_.push_back(content);
  }
  if (const auto layout = pool.layouts().Find(file.duck_path)) {
    Plan(*content, layout, file.object.size_bytes);
  } else if (file.object.size_bytes > kParquetEndBytes) {
    const bool whole = file.object.size_bytes <= kWholeFileBytesMax;
    const uint64_t bytes = whole ? file.object.size_bytes : TailBytes(file.object.size_bytes);
    auto tail = std::make_shared<Block>();
    tail->range = {file.object.size_bytes - bytes, bytes};
    const std::lock_guard lock(mutex_);
    content->queue.push_back(std::move(tail));
  }
  return content;
}

void ReadAhead::State::Open(const FileToScan& file) {
  LeaveOut();
  const auto content = Begin(file);
  {
    const std::lock_guard lock(mutex_);
    opened_++;
    // A thread may still read a file that was opened this much earlier; whatever it still needs it then asks for
    // itself.
    const size_t kept = 2 * options.threads + 2;
    while (!files_.empty() && files_.front()->sequence + kept < content->sequence) {
      by_id_.erase(files_.front()->file.id);
      Retire(*files_.front());
      files_.pop_front();
    }
    Pump();
  }
  BeginFiles();
}

ReadAhead::State::ContentRef ReadAhead::State::FindFile(uint64_t id) {
  const std::lock_guard lock(mutex_);
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second;
}

void ReadAhead::State::End() {
  stop.request_stop();
  const std::lock_guard lock(mutex_);
  over_ = true;
  for (const auto& content : files_) Retire(*content);
  files_.clear();
  by_id_.clear();
  arrived_.notify_all();
}

// Decides what of the file is fetched: the row groups that its statistics do not exclude, of them first what is
// filtered.
void ReadAhead::State::Plan(Content& content, const Layout& layout, uint64_t fetched) {
  const auto leaves = layout->LeavesOf(options.columns);
  const bool has_filtered = std::any_of(leaves.begin(), leaves.end(), [](const auto& leaf) { return leaf.filtered; });
  const bool has_rest = std::any_of(leaves.begin(), leaves.end(), [](const auto& leaf) { return !leaf.filtered; });
  bool rest_pays = !has_filtered;
  if (!rest_pays) {
    const std::lock_guard lock(mutex_);
    rest_pays = rests_read_ > 0 && rests_read_ * 2 >= row_groups_begun_;
  }
  std::vector<RowGroupPlan> plans(layout->row_groups());
  std::vector<BlockRef> blocks;
  for (size_t i = 0; i < plans.size(); i++) {
    plans[i].rest_planned = rest_pays || !has_rest || layout->RowGroup(i).length <= kWholeFileBytesMax;
    if (!layout->MayMatch(i, options.predicate, *options.schema)) continue;
    const auto of_row_group = BlocksOf(content, *layout, leaves, i,
                                       plans[i].rest_planned ? ColumnPart::kAll : ColumnPart::kFiltered, fetched);
    plans[i].fetched = of_row_group.empty();
    blocks.insert(blocks.end(), of_row_group.begin(), of_row_group.end());
  }
  const std::lock_guard lock(mutex_);
  if (over_ || content.layout) return;
  content.layout = layout;
  content.leaves = leaves;
  for (const auto& plan : plans) row_groups_fetched_ += plan.fetched ? 1 : 0;
  content.row_groups = std::move(plans);
  std::move(blocks.begin(), blocks.end(), std::back_inserter(content.queue));
}

std::vector<BlockRef> ReadAhead::State::BlocksOf(const Content& content, const ParquetLayout& layout,
                                                 const std::vector<ParquetLayout::Leaf>& leaves, size_t row_group,
                                                 ColumnPart part, uint64_t fetched) const {
  const auto is_cached = [&](const ByteRange& range) { return options.is_cached(content.file, range); };
  std::vector<BlockRef> blocks;
  for (const auto& planned : PlanRowGroup(layout, leaves, row_group, part, fetched, is_cached)) {
    auto block = std::make_shared<Block>();
    block->range = planned.range;
    block->unread_bytes = planned.wanted_bytes;
    block->row_group = row_group;
    blocks.push_back(std::move(block));
  }
  return blocks;
}

// Starts requests in the order of the scan while there is memory. The mutex is held.
void ReadAhead::State::Pump() {
  uint64_t bytes_max = kBytesMax;
  for (const auto& content : files_) {
    while (!content->queue.empty()) {
      const auto block = content->queue.front();
      const bool begins = block->row_group != Block::kNoRowGroup && !content->row_groups[block->row_group].fetched;
      if (begins && row_groups_fetched_ >= window.AllowedAfter(row_groups_begun_, kFilesMax)) return;
      if (bytes_ > 0 && bytes_ + block->range.length > bytes_max) return;
      if (!Submit(content, block)) return;
      if (begins) {
        content->row_groups[block->row_group].fetched = true;
        row_groups_fetched_++;
      }
      content->queue.pop_front();
      content->blocks.push_back(block);
    }
    // What comes after a file whose columns are not known yet must leave memory for them.
    if (!content->layout) bytes_max = kBytesMax / 2;
  }
}

bool ReadAhead::State::Submit(const ContentRef& content, const BlockRef& block) {
  if (!pool.Reserve(block->range.length)) return false;
  bytes_ += block->range.length;
  block->phase = Block::Phase::kInFlight;
  if (pool.executor().Submit([self = shared_from_this(), content, block] { self->Run(content, block); }).ok()) {
    return true;
  }
  block->phase = Block::Phase::kQueued;
  Release(block->range.length);
  return false;
}

// A task of the pool. The scan waits for the block: whatever happens, it arrives.
void ReadAhead::State::Run(const ContentRef& content, const BlockRef& block) {
  auto bytes = CatchExceptions([&]() -> Result<std::shared_ptr<std::byte[]>> {
    auto fetched = TRY(Fetch(*content, block->range));
    if (block->row_group == Block::kNoRowGroup) DecodeFooter(*content, *block, fetched);
    return fetched;
  });
  const std::lock_guard lock(mutex_);
  Arrive(*block, std::move(bytes));
  Pump();
}

Result<std::shared_ptr<std::byte[]>> ReadAhead::State::Fetch(Content& content, const ByteRange& range) {
  TRY(context.Check());
  std::call_once(content.opened, [&] { content.reader = options.store->OpenKnown(context, content.file.object); });
  if (!content.reader->ok()) return content.reader->error();
  auto bytes = std::make_shared_for_overwrite<std::byte[]>(range.length);
  TRY((**content.reader)->ReadAt(context, range.offset, {bytes.get(), range.length}));
  return bytes;
}

// The mutex is held.
void ReadAhead::State::Arrive(Block& block, Result<std::shared_ptr<std::byte[]>> bytes) {
  const bool wanted = block.phase == Block::Phase::kInFlight;
  if (wanted && bytes.ok()) {
    block.phase = Block::Phase::kArrived;
    block.bytes = *std::move(bytes);
  } else {
    Release(block.range.length);
    if (wanted) {
      block.phase = Block::Phase::kFailed;
      block.error = std::move(bytes).error();
    }
  }
  arrived_.notify_all();
}

// Knows from now on where the columns are. A footer that cannot be read is left to DuckDB, which says what is wrong
// with it.
void ReadAhead::State::DecodeFooter(Content& content, const Block& tail, const std::shared_ptr<std::byte[]>& bytes) {
  const uint64_t file_bytes = content.file.object.size_bytes;
  const std::span<const std::byte> there(bytes.get(), tail.range.length);
  const auto footer_bytes = ParquetFooterBytes(there.last<kParquetEndBytes>());
  if (!footer_bytes || *footer_bytes > file_bytes - kParquetEndBytes) return;
  const uint64_t begin = file_bytes - kParquetEndBytes - *footer_bytes;
  std::vector<std::byte> footer;
  uint64_t fetched = tail.range.offset;
  if (begin < tail.range.offset) {
    const auto head = std::make_shared<Block>();
    head->range = {begin, tail.range.offset - begin};
    if (!pool.Reserve(head->range.length)) return;
    head->phase = Block::Phase::kInFlight;
    auto head_bytes = Fetch(content, head->range);
    if (head_bytes.ok()) footer.assign(head_bytes->get(), head_bytes->get() + head->range.length);
    const bool ok = head_bytes.ok();
    const std::lock_guard lock(mutex_);
    bytes_ += head->range.length;
    if (content.is_retired) head->phase = Block::Phase::kDropped;
    Arrive(*head, std::move(head_bytes));
    if (!ok || content.is_retired) return;
    content.blocks.push_back(head);
    fetched = begin;
  }
  const auto rest = there.first(there.size() - kParquetEndBytes).last(*footer_bytes - footer.size());
  footer.insert(footer.end(), rest.begin(), rest.end());
  const auto layout = ParquetLayout::Parse(footer, file_bytes);
  if (!layout.ok()) return;
  pool.layouts().Put(content.file.duck_path, *layout, (*layout)->size_bytes());
  Plan(content, *layout, fetched);
}

// The mutex is held.
void ReadAhead::State::Release(uint64_t bytes) {
  bytes_ -= bytes;
  pool.Release(bytes);
}

// The mutex is held.
void ReadAhead::State::Drop(Block& block) {
  const auto phase = std::exchange(block.phase, Block::Phase::kDropped);
  if (phase != Block::Phase::kArrived) return;  // what is on its way is released when it arrives
  block.bytes.reset();
  Release(block.range.length);
}

// The mutex is held.
void ReadAhead::State::Retire(Content& content) {
  content.is_retired = true;
  for (const auto& block : content.blocks) Drop(*block);
  content.blocks.clear();
  content.queue.clear();
}

// True when the range has nothing of the columns that are filtered.
bool ReadAhead::State::IsOfTheRest(const Content& content, size_t row_group, const ByteRange& range) const {
  return std::none_of(content.leaves.begin(), content.leaves.end(), [&](const auto& leaf) {
    return leaf.filtered && Overlaps(content.layout->Chunk(row_group, leaf.leaf), range);
  });
}

// Takes back what is queued of files that the scan does not need any more.
void ReadAhead::State::LeaveOut() {
  if (!options.is_wanted) return;
  std::deque<ContentRef> files;
  {
    const std::lock_guard lock(mutex_);
    files = files_;
  }
  std::erase_if(files, [this](const auto& content) { return options.is_wanted(content->file); });
  const std::lock_guard lock(mutex_);
  for (const auto& content : files) content->queue.clear();
}

// The scan asks for a range: what belongs to it is fetched with it, what lies behind is dropped.
void ReadAhead::State::Touch(const ContentRef& content, const ByteRange& range) {
  LeaveOut();
  std::unique_lock lock(mutex_);
  if (over_ || !content->layout) return;
  const Layout layout = content->layout;
  size_t row_group = 0;
  while (row_group < layout->row_groups() && !Contains(layout->RowGroup(row_group), range)) row_group++;
  if (row_group == layout->row_groups()) return;
  auto& plan = content->row_groups[row_group];
  if (!plan.begun) {
    plan.begun = true;
    row_groups_begun_++;
    // Row groups are given to threads in their order; one that was passed over is not read any more.
    const size_t kept = options.threads + 1;
    for (const auto& block : content->blocks) {
      if (block->row_group != Block::kNoRowGroup && block->row_group + kept < row_group) Drop(*block);
    }
  }
  if (!plan.rest_read && IsOfTheRest(*content, row_group, range)) {
    plan.rest_read = true;
    rests_read_++;
    if (!plan.rest_planned) {
      plan.rest_planned = true;
      const auto leaves = content->leaves;
      lock.unlock();
      auto blocks = BlocksOf(*content, *layout, leaves, row_group, ColumnPart::kRest, content->file.object.size_bytes);
      lock.lock();
      content->queue.insert(content->queue.begin(), blocks.begin(), blocks.end());
    }
  }
  Pump();
}

// The blocks that have parts of the range, sorted. What is queued is taken from the queue: the reader asks for it
// itself.
std::vector<BlockRef> ReadAhead::State::Find(Content& content, const ByteRange& range) {
  std::vector<BlockRef> found;
  const std::lock_guard lock(mutex_);
  std::erase_if(content.queue, [&](const auto& block) { return Overlaps(block->range, range); });
  std::erase_if(content.blocks, [](const auto& block) { return block->phase == Block::Phase::kDropped; });
  for (const auto& block : content.blocks) {
    if (Overlaps(block->range, range)) found.push_back(block);
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a->range.offset < b->range.offset; });
  return found;
}

// Waits for the block and copies `part` of it. False when it was dropped. Errors: those of its request.
Result<bool> ReadAhead::State::Copy(const Context& reader_context, const BlockRef& block, const ByteRange& part,
                                    std::byte* out) {
  std::shared_ptr<std::byte[]> bytes;
  {
    std::unique_lock lock(mutex_);
    arrived_.wait_until(lock, reader_context.stop_token(), reader_context.deadline(),
                        [&] { return block->phase != Block::Phase::kInFlight; });
    TRY(reader_context.Check());
    if (block->phase == Block::Phase::kFailed) return *block->error;
    if (block->phase != Block::Phase::kArrived) return false;
    bytes = block->bytes;
  }
  std::memcpy(out, bytes.get() + (part.offset - block->range.offset), part.length);
  const std::lock_guard lock(mutex_);
  if (block->unread_bytes == Block::kKept) return true;
  block->unread_bytes -= std::min(block->unread_bytes, part.length);
  if (block->unread_bytes == 0 && block->phase == Block::Phase::kArrived) {
    Drop(*block);
    Pump();
  }
  return true;
}

ReadAhead::ReadAhead(ReadAheadPool& pool, ReadAheadOptions options)
    : state_(std::make_shared<State>(pool, std::move(options))) {
  state_->BeginFiles();
}

ReadAhead::~ReadAhead() { state_->End(); }

void ReadAhead::Open(const FileToScan& file) { state_->Open(file); }

std::shared_ptr<ReadAhead::File> ReadAhead::Find(uint64_t id) {
  auto content = state_->FindFile(id);
  return content ? std::make_shared<File>(state_, std::move(content)) : nullptr;
}

ReadAhead::File::File(std::shared_ptr<State> scan, std::shared_ptr<Content> content)
    : scan_(std::move(scan)), content_(std::move(content)) {}

Result<void> ReadAhead::File::ReadAt(const Context& context, store::ObjectReader& reader, uint64_t offset,
                                     std::span<std::byte> out) {
  const ByteRange asked{offset, out.size()};
  const auto read = [&](const ByteRange& range) {
    return ReadInParallel(scan_->pool.executor(), context, reader, range,
                          out.subspan(range.offset - offset, range.length));
  };
  scan_->Touch(content_, asked);
  const auto blocks = scan_->Find(*content_, asked);
  std::vector<ByteRange> present;
  for (const auto& block : blocks) present.push_back(block->range);
  const ByteRange missing = Missing(asked, present);
  if (missing.length > 0) TRY(read(missing));
  for (const auto& block : blocks) {
    const ByteRange part = Common(block->range, asked);
    if (Contains(missing, part)) continue;
    if (!TRY(scan_->Copy(context, block, part, out.data() + (part.offset - offset)))) TRY(read(part));
  }
  return {};
}

}  // namespace yummy::fetch
