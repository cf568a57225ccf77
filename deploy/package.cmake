# The Debian package: cmake --build --preset release --target deb  -> build/release/dmarcbox_VERSION_ARCH.deb
#
# Needs scdoc and dpkg-dev (deploy/packages.sh, purpose package). Everything the package holds is installed by rules of
# this file, so `cmake --install build/release --prefix DIR` gives the same tree without Debian's metadata.
include(GNUInstallDirs)
set(DMARCBOX_PACKAGE_RELEASE 1 CACHE STRING "Debian revision of the package")
set(deploy "${PROJECT_SOURCE_DIR}/deploy")
set(made "${PROJECT_BINARY_DIR}/package")

find_program(SCDOC scdoc)
find_program(PYTHON3 python3)
find_program(GZIP_PROGRAM gzip)

# Manual pages: the text from deploy/man, the commands from the program's own help, the keys from dmarcbox.toml.
if(SCDOC AND PYTHON3)
  add_custom_command(
    OUTPUT "${made}/dmarcbox.1.gz" "${made}/dmarcbox.toml.5.gz"
    COMMAND "${PYTHON3}" "${deploy}/man/make_pages.py" --program "$<TARGET_FILE:dmarcbox>" --scdoc "${SCDOC}"
            --output "${made}"
    DEPENDS dmarcbox "${deploy}/man/make_pages.py" "${deploy}/man/dmarcbox.1.scd" "${deploy}/man/dmarcbox.toml.5.scd"
            "${deploy}/dmarcbox.toml"
    COMMENT "Manual pages" VERBATIM)
  foreach(shell bash zsh fish)
    add_custom_command(
      OUTPUT "${made}/completion.${shell}"
      COMMAND "$<TARGET_FILE:dmarcbox>" completion ${shell} > "${made}/completion.${shell}"
      DEPENDS dmarcbox COMMENT "Completion for ${shell}" VERBATIM)
    list(APPEND completions "${made}/completion.${shell}")
  endforeach()
  foreach(pair changelog.gz=${PROJECT_SOURCE_DIR}/CHANGELOG.md changelog.Debian.gz=${made}/changelog.Debian)
    string(REGEX MATCH "^([^=]*)=(.*)$" unused "${pair}")
    add_custom_command(
      OUTPUT "${made}/${CMAKE_MATCH_1}"
      COMMAND "${GZIP_PROGRAM}" -9nc "${CMAKE_MATCH_2}" > "${made}/${CMAKE_MATCH_1}"
      DEPENDS "${CMAKE_MATCH_2}" VERBATIM)
  endforeach()
  set(maintainer "dmarcbox maintainers <maintainers@dmarcbox.invalid>")
  configure_file("${deploy}/debian/changelog.in" "${made}/changelog.Debian" @ONLY)
  set(with_all "")
  if(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo") # so that target `package` and `cmake --install` find them made
    set(with_all ALL)
  endif()
  add_custom_target(package_files ${with_all} DEPENDS
    "${made}/dmarcbox.1.gz" "${made}/dmarcbox.toml.5.gz" ${completions} "${made}/changelog.gz"
    "${made}/changelog.Debian.gz")

  set(files OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
  install(FILES "${made}/dmarcbox.1.gz" DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 PERMISSIONS ${files})
  install(FILES "${made}/dmarcbox.toml.5.gz" DESTINATION ${CMAKE_INSTALL_MANDIR}/man5 PERMISSIONS ${files})
  install(FILES "${made}/completion.bash" DESTINATION share/bash-completion/completions RENAME dmarcbox)
  install(FILES "${made}/completion.zsh" DESTINATION share/zsh/vendor-completions RENAME _dmarcbox)
  install(FILES "${made}/completion.fish" DESTINATION share/fish/vendor_completions.d RENAME dmarcbox.fish)
  install(FILES "${made}/changelog.gz" "${made}/changelog.Debian.gz" "${deploy}/debian/copyright" "${deploy}/README.md"
    DESTINATION share/doc/dmarcbox)
  install(DIRECTORY "${deploy}/prometheus" "${deploy}/grafana" "${deploy}/certbot" "${deploy}/container"
    DESTINATION share/doc/dmarcbox/examples USE_SOURCE_PERMISSIONS)
  install(FILES "${deploy}/systemd/dmarcbox.service" DESTINATION lib/systemd/system)
  install(FILES "${deploy}/systemd/sysusers.conf" DESTINATION lib/sysusers.d RENAME dmarcbox.conf)
  install(FILES "${deploy}/systemd/tmpfiles.conf" DESTINATION lib/tmpfiles.d RENAME dmarcbox.conf)
  install(FILES "${deploy}/dmarcbox.toml" DESTINATION /etc/dmarcbox)
  install(DIRECTORY DESTINATION /etc/dmarcbox/conf.d)
  install(PROGRAMS "${deploy}/container/healthcheck" DESTINATION libexec/dmarcbox)
  install(FILES "${deploy}/debian/lintian-overrides" DESTINATION share/lintian/overrides RENAME dmarcbox)
endif()

target_link_options(dmarcbox PRIVATE $<$<CONFIG:RelWithDebInfo>:LINKER:-z,relro,-z,now>)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME dmarcbox)
set(CPACK_PACKAGE_VENDOR "dmarcbox")
set(CPACK_PACKAGE_VERSION "${PROJECT_VERSION}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_PACKAGE_RELEASE "${DMARCBOX_PACKAGE_RELEASE}")
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "dmarcbox maintainers <maintainers@dmarcbox.invalid>")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION mail)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "publicsuffix, systemd | systemd-standalone-sysusers")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "sqlite3, ca-certificates")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "mailbox for DMARC and SMTP TLS reports, kept in SQLite")
set(CPACK_PACKAGE_DESCRIPTION "dmarcbox receives the reports that mail servers send to the addresses in a
domain's DMARC and TLSRPT records (rua=, ruf=). It speaks SMTP and LMTP itself,
reads aggregate, failure and TLS reports in every form seen in the wild, and
keeps them in one SQLite file, which the sqlite3 shell can query.

Its commands say who sends mail as a domain, which of it is its owner's, and
whether the domain can move to p=quarantine or p=reject.")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
file(WRITE "${made}/conffiles" "/etc/dmarcbox/dmarcbox.toml\n")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA "${made}/conffiles"
  "${deploy}/debian/postinst" "${deploy}/debian/prerm" "${deploy}/debian/postrm")
include(CPack)

if(TARGET package_files)
  add_custom_target(deb
    COMMAND "${CMAKE_CPACK_COMMAND}" -G DEB --config "${PROJECT_BINARY_DIR}/CPackConfig.cmake" -B "${PROJECT_BINARY_DIR}"
    DEPENDS dmarcbox package_files
    WORKING_DIRECTORY "${PROJECT_BINARY_DIR}" COMMENT "Debian package" VERBATIM USES_TERMINAL)
else()
  add_custom_target(deb
    COMMAND "${CMAKE_COMMAND}" -E echo "The package needs scdoc and python3: see deploy/packages.sh"
    COMMAND "${CMAKE_COMMAND}" -E false)
endif()
