#pragma once
// Names of the files into which the local store writes before they get the names of objects.

#include <string>
#include <string_view>

namespace yummy::store {

/// True for the names of such files, ".….tmp". Hadoop's writers of Delta tables name theirs so, too.
bool IsTemporaryName(std::string_view name);
/// True for those that this store gives: ".<uuid>-<process id>.tmp".
bool IsOwnTemporaryName(std::string_view name);
/// The process id keeps the names of forked processes apart, whose random numbers are the same.
std::string MakeTemporaryName();

}  // namespace yummy::store
