#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "server/housekeeping.hpp"
#include "server/intake.hpp"
#include "server/metrics.hpp"
#include "server/net/body_budget.hpp"
#include "server/net/disk_space.hpp"
#include "storage/writer.hpp"

namespace dmarcbox {

/// What /metrics, /healthz and /readyz say. Looks at the service when it is asked. Network thread.
class Monitor {
  public:
    struct Sources {
        const storage::Writer& writer;
        storage::Writer::Options writer_limits;
        const Intake& intake;
        Intake::Options intake_limits;
        const net::BodyBudget& budget;
        net::DiskSpace& space;
        const Housekeeping& housekeeping;
        std::filesystem::path database;
        std::function<std::size_t()> sessions;
    };
    Monitor(Metrics& metrics, Sources sources);

    /// What the store said of a message: the last word counts for readiness.
    void saw(const storage::Verdict& verdict);
    /// The last message could not be stored, and nothing since was.
    [[nodiscard]] bool doubts_store() const { return !store_error_.empty(); }
    /// How a write tried since then went; empty: well.
    void tried_store(std::string error) { store_error_ = std::move(error); }
    void shut_down() { stopping_ = true; }

    [[nodiscard]] std::string metrics_text();
    /// Why no mail is taken now; empty: ready.
    [[nodiscard]] std::string not_ready();

  private:
    Metrics& metrics_;
    Sources sources_;
    std::string store_error_;
    bool stopping_ = false;
};

}  // namespace dmarcbox
