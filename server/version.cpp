#include "server/version.hpp"

#include <archive.h>
#include <openssl/crypto.h>
#include <sqlite3.h>
#include <unicode/uvernum.h>
#include <zlib.h>

#include <boost/version.hpp>

namespace dmarcbox {

std::string_view version() {
    return DMARCBOX_VERSION;
}

std::string_view commit() {
    return DMARCBOX_COMMIT;
}

std::string_view sqlite_version() {
    return sqlite3_libversion();
}

std::string_view openssl_version() {
    return OpenSSL_version(OPENSSL_VERSION_STRING);
}

std::string version_text() {
    const std::string boost =
        std::to_string(BOOST_VERSION / 100000) + "." + std::to_string(BOOST_VERSION / 100 % 1000);
    return "dmarcbox " + std::string(version()) + "\ncommit " + std::string(commit()) +
           ", compiler " __VERSION__ "\nSQLite " + sqlite3_libversion() + ", " +
           OpenSSL_version(OPENSSL_VERSION) + ", Boost " + boost + ", zlib " + zlibVersion() +
           ", ICU " U_ICU_VERSION ", " + archive_version_string() + "\n";
}

}  // namespace dmarcbox
