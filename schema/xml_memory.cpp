#include "schema/xml_memory.hpp"

#include <cstdlib>
#include <cstring>
#include <pugixml.hpp>

namespace dmarcbox::schema {
namespace {

thread_local XmlMemory* current = nullptr;

/// The size stands before each block, since pugixml does not give it back; 16 bytes keep the
/// alignment of malloc.
constexpr std::size_t kHeader = 16;
static_assert(kHeader >= sizeof(std::size_t) && kHeader % alignof(std::max_align_t) == 0);

void* allocate(std::size_t size) {
    const std::size_t all = size + kHeader;
    if (all < size || (current != nullptr && !current->take(all))) {
        return nullptr;
    }
    void* block = std::malloc(all);  // NOLINT: the hook has the interface of malloc
    if (block == nullptr) {
        if (current != nullptr) {
            current->give_back(all);
        }
        return nullptr;
    }
    std::memcpy(block, &all, sizeof(all));
    return static_cast<char*>(block) + kHeader;
}

void deallocate(void* memory) {
    if (memory == nullptr) {
        return;
    }
    void* block = static_cast<char*>(memory) - kHeader;
    std::size_t all = 0;
    std::memcpy(&all, block, sizeof(all));
    if (current != nullptr) {
        current->give_back(all);
    }
    std::free(block);  // NOLINT: the hook has the interface of free
}

/// Before any document is made: what plain malloc gave must not come back to deallocate().
bool install_hooks() {
    pugi::set_memory_management_functions(allocate, deallocate);
    return true;
}

}  // namespace

XmlMemory::XmlMemory(std::size_t bytes) : left_(bytes), outer_(current) {
    static const bool kInstalled = install_hooks();
    static_cast<void>(kInstalled);
    current = this;
}

XmlMemory::~XmlMemory() {
    current = outer_;
}

bool XmlMemory::take(std::size_t bytes) {
    if (bytes > left_) {
        return false;
    }
    left_ -= bytes;
    return true;
}

}  // namespace dmarcbox::schema
