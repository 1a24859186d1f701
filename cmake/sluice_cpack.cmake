# What CPack makes of the components; see sluice_packages.cmake.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME sluice)
set(CPACK_PACKAGE_VENDOR sluice)
set(CPACK_COMPONENTS_ALL ${SLUICE_PACKAGES})
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
# Programs and plugins are stripped, their symbols in NAME-dbgsym.
set(CPACK_BUILD_SOURCE_DIRS ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
set(CPACK_DEBIAN_DEBUGINFO_PACKAGE ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_THREADS 2)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE ${SLUICE_PACKAGE_RELEASE})
set(CPACK_DEBIAN_PACKAGE_MAINTAINER ${SLUICE_MAINTAINER})
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)

set(same "sluice (= ${PROJECT_VERSION}-${SLUICE_PACKAGE_RELEASE})")
set(about "sluice moves data from sources through transforms to sinks, as pipeline
files say: exactly once where the sink can promise it, with checkpoints
across all steps and a dead letter for what does not fit.
.")

# package(COMPONENT SECTION SUMMARY TEXT)
macro(package component section summary text)
  string(TOUPPER ${component} upper)
  set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${SLUICE_PACKAGE_${component}})
  set(CPACK_DEBIAN_${upper}_PACKAGE_SECTION ${section})
  set(CPACK_DEBIAN_${upper}_DESCRIPTION "${summary}\n${about}\n${text}")
endmacro()

package(program utils "plugin-based ETL: the program and its plugins for files"
"This package has the program, a systemd unit, and the plugins that need no
client library: files, CSV, JSON, parsing, selecting, sessions and
aggregation.")
set(CPACK_DEBIAN_PROGRAM_PACKAGE_DEPENDS "systemd | systemd-standalone-sysusers | systemd-sysusers, tzdata")
set(CPACK_DEBIAN_PROGRAM_PACKAGE_RECOMMENDS
    "${SLUICE_PACKAGE_kafka}, ${SLUICE_PACKAGE_s3}, ${SLUICE_PACKAGE_search}")
set(CPACK_DEBIAN_PROGRAM_PACKAGE_CONTROL_EXTRA
    ${PROJECT_SOURCE_DIR}/deploy/debian/postinst ${PROJECT_SOURCE_DIR}/deploy/debian/prerm
    ${PROJECT_SOURCE_DIR}/deploy/debian/postrm)

package(kafka utils "plugin-based ETL: Kafka"
"This package has the source and the sink for Kafka.")
set(CPACK_DEBIAN_KAFKA_PACKAGE_DEPENDS "${same}")

package(s3 utils "plugin-based ETL: S3 and folders of objects"
"This package has the source and the sink for S3 buckets and local folders of
objects, and the store that keeps checkpoints in a bucket.")
set(CPACK_DEBIAN_S3_PACKAGE_DEPENDS "${same}, ca-certificates")

package(search utils "plugin-based ETL: Elasticsearch and OpenSearch"
"This package has the sink for Elasticsearch and OpenSearch.")
set(CPACK_DEBIAN_SEARCH_PACKAGE_DEPENDS "${same}, ca-certificates")

package(development devel "plugin-based ETL: headers for plugins"
"This package has the headers that a plugin is built against, a description
for pkg-config, and a source, a transform and a sink to start from.")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SHLIBDEPS OFF)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_RECOMMENDS "${same}, pkg-config")

include(CPack)
