#pragma once

namespace dmarcbox::storage::test {

/// While it lives every SQLite file of the process goes through it: the Nth call fails, as on a
/// disk that is bad or full. Of a write that fails a part reaches the disk, a quarter to three, by
/// N.
class FaultVfs {
  public:
    enum class Call {
        any,  ///< read, write, sync, truncate, delete, open or map
        write,
        sync,
        truncate
    };
    enum class Mode {
        once,       ///< the Nth call only
        from_then,  ///< the Nth and all calls of any kind after it, until disarm()
        dies,       ///< the same, but of later writes nothing reaches the disk: a process that died
        power       ///< and what was written before without a sync of that file is lost too
    };
    struct Fault {
        Call call = Call::any;
        Mode mode = Mode::once;
        int write_error = 0;  ///< what a write that fails returns; others have codes of their own
    };
    FaultVfs();
    FaultVfs(const FaultVfs&) = delete;
    FaultVfs& operator=(const FaultVfs&) = delete;
    ~FaultVfs();

    void arm(long nth, const Fault& fault);
    void disarm();
    [[nodiscard]] bool fired() const;
};

}  // namespace dmarcbox::storage::test
