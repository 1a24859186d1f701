# Debian packages, by scripts/package: a component of the installation each. Plugins that need no library but
# small ones are in `sluice` itself; those of a large client library have a package of their own.
set(SLUICE_PACKAGE_RELEASE 1 CACHE STRING "Revision of the packages: VERSION-REVISION")
set(SLUICE_MAINTAINER "sluice maintainers <maintainers@sluice.invalid>" CACHE STRING
    "Maintainer of the packages, as NAME <ADDRESS>")
set(SLUICE_PACKAGES program kafka s3 search development)
set(SLUICE_PACKAGE_program sluice)
set(SLUICE_PACKAGE_kafka sluice-plugin-kafka)
set(SLUICE_PACKAGE_s3 sluice-plugin-s3)
set(SLUICE_PACKAGE_search sluice-plugin-es)
set(SLUICE_PACKAGE_development sluice-dev)
