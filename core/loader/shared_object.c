/* SPDX-License-Identifier: Apache-2.0 */
/* libltdl opens the plugins, but says "file not found" for every failure and binds functions only
 * when they are called. So each file is probed with dlopen and RTLD_NOW first: it gives the true
 * reason, and a function that nobody defines shows up now rather than in the middle of a run. */
#include "loader/shared_object.h"

#include <dlfcn.h>
#include <ltdl.h>
#include <string.h>

#include "loader/elf_header.h"

enum sluice_status shared_object_begin(struct sluice_error *error)
{
    if (lt_dlinit() != 0) {
        return error_set(error, SLUICE_FATAL, SLUICE_CODE_INTERNAL,
                         "the plugin loader could not be started: %s", lt_dlerror());
    }
    return SLUICE_OK;
}

/* Puts the dynamic loader's reason into the user's terms. It begins with the path of whoever
 * failed: the plugin itself, or a library that it needs. */
static enum sluice_status explain(const char *path, const char *reason, struct sluice_error *error)
{
    static const char undefined[] = "undefined symbol: ";
    static const char unopened[] = ": cannot open shared object file";
    const char *symbol = strstr(reason, undefined);
    const char *missing = strstr(reason, unopened);
    if (symbol) {
        symbol += sizeof undefined - 1;
        return error_set(error, SLUICE_CONFIG, SLUICE_CODE_PLUGIN_LOAD,
                         "plugin %s needs the symbol %.*s, which nothing that it is linked with "
                         "defines: build it with -Wl,--no-undefined to see such at once",
                         path, (int)strcspn(symbol, ", ("), symbol);
    }
    if (missing) {
        return error_set(error, SLUICE_CONFIG, SLUICE_CODE_PLUGIN_LOAD,
                         "plugin %s needs the library %.*s, which is not installed or not where "
                         "the dynamic loader looks (see ldd %s)",
                         path, (int)(missing - reason), reason, path);
    }
    if (strstr(reason, "version `")) {
        return error_set(error, SLUICE_CONFIG, SLUICE_CODE_PLUGIN_LOAD,
                         "plugin %s was built against newer system libraries than are installed "
                         "here: %s",
                         path, reason);
    }
    return error_set(error, SLUICE_CONFIG, SLUICE_CODE_PLUGIN_LOAD,
                     "plugin %s could not be loaded: %s", path, reason);
}

/* A handle that keeps the file mapped, with all its functions bound and its entry point seen. */
static enum sluice_status probe(const char *path, void **handle, struct sluice_error *error)
{
    *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!*handle) {
        const char *reason = dlerror();
        return explain(path, reason ? reason : "no reason given", error);
    }
    if (!dlsym(*handle, SLUICE_PLUGIN_SYMBOL)) {
        dlclose(*handle);
        *handle = NULL;
        return error_set(error, SLUICE_CONFIG, SLUICE_CODE_PLUGIN_LOAD,
                         "plugin %s is a shared object, but no sluice plugin: it does not export "
                         "the function %s",
                         path, SLUICE_PLUGIN_SYMBOL);
    }
    return SLUICE_OK;
}

/* Local: plugins do not see each other's symbols. Resident: threads and exit handlers of their
 * libraries outlive us. */
static lt_dlhandle open_resident(const char *path)
{
    lt_dladvise advise = NULL;
    lt_dlhandle handle = NULL;
    if (lt_dladvise_init(&advise) == 0 && lt_dladvise_local(&advise) == 0 &&
        lt_dladvise_resident(&advise) == 0) {
        handle = lt_dlopenadvise(path, advise);
    }
    if (advise) {
        lt_dladvise_destroy(&advise);
    }
    return handle;
}

enum sluice_status shared_object_open(const char *path, sluice_plugin_describe_function *describe,
                                      struct sluice_error *error)
{
    *describe = NULL;
    enum sluice_status status = elf_header_check(path, error);
    if (status != SLUICE_OK) {
        return status;
    }
    void *probed = NULL;
    status = probe(path, &probed, error);
    if (status != SLUICE_OK) {
        return status;
    }
    lt_dlhandle handle = open_resident(path);
    void *symbol = handle ? lt_dlsym(handle, SLUICE_PLUGIN_SYMBOL) : NULL;
    if (symbol) {
        /* ISO C has no cast from object to function pointers; POSIX has them alike. */
        memcpy(describe, &symbol, sizeof symbol);
    } else {
        const char *reason = lt_dlerror();
        status = error_set(error, SLUICE_CONFIG, SLUICE_CODE_PLUGIN_LOAD,
                           "plugin %s could not be loaded: %s", path,
                           reason ? reason : "no reason given");
    }
    dlclose(probed);
    return status;
}
