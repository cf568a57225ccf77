#pragma once

namespace dmarcbox::storage::test {

/// While it lives every SQLite file of the process goes through it: the Nth read, write, sync,
/// truncate, delete or open fails, as on a disk that is bad or full.
class FaultVfs {
  public:
    enum class Mode {
        once,      ///< the Nth call only
        from_then  ///< the Nth and all after it, until disarm()
    };
    FaultVfs();
    FaultVfs(const FaultVfs&) = delete;
    FaultVfs& operator=(const FaultVfs&) = delete;
    ~FaultVfs();

    void arm(long nth, Mode mode, int write_error);
    void disarm();
    [[nodiscard]] bool fired() const;
};

}  // namespace dmarcbox::storage::test
