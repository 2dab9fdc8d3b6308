#pragma once
// Names of the files into which the local store writes before they get the names of objects.

#include <string>
#include <string_view>

namespace yummy::store {

/// True for the names of such files, ".….tmp". Hadoop's writers of Delta tables use such names as well.
bool IsTemporaryName(std::string_view name);
/// True for names that this store gives: ".<uuid>-<process id>.tmp".
bool IsOwnTemporaryName(std::string_view name);
/// The name for a new file. Forked processes draw the same random numbers, so the process id keeps their names apart.
std::string MakeTemporaryName();

}  // namespace yummy::store
