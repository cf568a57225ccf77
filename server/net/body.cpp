#include "server/net/body.hpp"

#include <utility>

namespace dmarcbox::net {
namespace {

/// Written to the file at once: few system calls, and little memory for a body on disk.
constexpr std::size_t kWriteSize = std::size_t{64} << 10U;

struct MemoryBody {
    std::string bytes;
    BodyBudget::Share share;
};

}  // namespace

SpooledBody::SpooledBody(std::shared_ptr<BodyBudget> budget,
                         DiskSpace& space,
                         const std::filesystem::path& folder)
    : share_(std::move(budget)), space_(space), folder_(folder) {}

bool SpooledBody::append(std::string_view bytes) {
    const std::size_t most = file_ ? kWriteSize : std::size_t{kMaxMemoryBody};
    if (memory_.size() + bytes.size() <= most && share_.grow(bytes.size())) {
        memory_.append(bytes);
        return true;
    }
    return write_out_memory() && write_out(bytes);
}

std::uint64_t SpooledBody::size() const {
    return memory_.size() + (file_ ? file_->size() : 0);
}

bool SpooledBody::write_out_memory() {
    const bool written = write_out(memory_);
    std::string().swap(memory_);
    share_.release();
    return written;
}

bool SpooledBody::write_out(std::string_view bytes) {
    if (!file_) {
        file_.emplace(folder_);
    }
    return *file_ && space_.has_room(bytes.size()) && file_->append(bytes);
}

SpooledBody::Sealed SpooledBody::seal() {
    if (file_) {
        if (!write_out_memory()) {
            return {};
        }
        const auto mapping = file_->map();
        file_.reset();
        return {mapping.bytes, mapping.keeper};
    }
    share_.hand_over();
    auto kept = std::make_shared<MemoryBody>(MemoryBody{std::move(memory_), std::move(share_)});
    const std::string_view view = kept->bytes;
    return {view, std::move(kept)};
}

}  // namespace dmarcbox::net
