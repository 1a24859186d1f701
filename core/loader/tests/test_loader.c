/* SPDX-License-Identifier: Apache-2.0 */
/* Plugin files in all states in which they are found on disks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loader/loader.h"

/* Two plugin folders of one test. */
struct folders {
    char one[64];
    char two[64];
    struct sluice_error *error;
    struct loader *loader;
};

static void make_folder(char path[64])
{
    strncpy(path, "/tmp/sluice-loader-XXXXXX", 63);
    assert_non_null(mkdtemp(path));
}

static int set_up(void **state)
{
    struct folders *folders = calloc(1, sizeof *folders);
    assert_non_null(folders);
    make_folder(folders->one);
    make_folder(folders->two);
    folders->error = error_create();
    *state = folders;
    return 0;
}

static void remove_folder(const char *path)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", path);
    assert_int_equal(system(command), 0);
}

static int tear_down(void **state)
{
    struct folders *folders = *state;
    loader_destroy(folders->loader);
    error_destroy(folders->error);
    remove_folder(folders->one);
    remove_folder(folders->two);
    free(folders);
    return 0;
}

static struct text read_fixture(const char *name)
{
    struct text content = {0};
    struct sluice_error *error = error_create();
    char path[512];
    snprintf(path, sizeof path, "%s/%s.so", FIXTURES, name);
    assert_int_equal(file_read_all(path, 64u << 20, &content, error), SLUICE_OK);
    error_destroy(error);
    return content;
}

static void write_plugin(const char *folder, const char *file, const char *bytes, size_t size)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, file);
    int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, bytes, size), (ssize_t)size);
    close(descriptor);
}

static void install(const char *folder, const char *fixture, const char *file)
{
    struct text content = read_fixture(fixture);
    write_plugin(folder, file, content.data, content.size);
    text_reset(&content);
}

static enum sluice_status find(struct folders *folders, enum sluice_kind kind, const char *name,
                               const struct component **component)
{
    if (!folders->loader) {
        char path[160];
        snprintf(path, sizeof path, "%s:%s", folders->one, folders->two);
        assert_int_equal(loader_create(path, &folders->loader, folders->error), SLUICE_OK);
    }
    return loader_find(folders->loader, kind, name, component, folders->error);
}

static void assert_refused(struct folders *folders, const char *reason)
{
    const struct component *component = NULL;
    assert_int_equal(find(folders, SLUICE_KIND_SINK, "sink-good", &component), SLUICE_CONFIG);
    assert_null(component);
    assert_int_equal(error_code(folders->error), SLUICE_CODE_PLUGIN_LOAD);
    const char *message = error_message(folders->error);
    if (!strstr(message, reason)) {
        fail_msg("\"%s\" does not say \"%s\"", message, reason);
    }
    assert_non_null(strstr(message, folders->one));
}

static void a_component_is_found_by_its_own_and_by_its_short_file_name(void **state)
{
    struct folders *folders = *state;
    const struct component *component = NULL;
    install(folders->one, "good", "sluice-good.so");
    assert_int_equal(find(folders, SLUICE_KIND_SINK, "sink-good", &component), SLUICE_OK);
    assert_string_equal(component->name, "sink-good");
    assert_string_equal(component->plugin_version, "1.2.3");
    assert_int_equal(component->option_count, 1);
    assert_string_equal(component->options[0].name, "limit");
    assert_non_null(component->sink.write);
    assert_null(component->sink.tick);
    assert_int_equal(component->path[0], '/');
}

static void a_component_in_a_file_of_another_name_is_found_by_opening_all(void **state)
{
    struct folders *folders = *state;
    const struct component *component = NULL;
    install(folders->two, "good", "sluice-zoo.so");
    assert_int_equal(find(folders, SLUICE_KIND_CODEC, "good", &component), SLUICE_OK);
    assert_int_equal(component->kind, SLUICE_KIND_CODEC);
}

static void the_first_folder_of_the_path_wins(void **state)
{
    struct folders *folders = *state;
    const struct component *component = NULL;
    install(folders->one, "good", "sluice-good.so");
    install(folders->two, "good", "sluice-sink-good.so");
    assert_int_equal(find(folders, SLUICE_KIND_SINK, "sink-good", &component), SLUICE_OK);
    assert_non_null(strstr(component->path, folders->one));
}

static void a_file_named_for_the_component_wins_over_an_earlier_stranger(void **state)
{
    struct folders *folders = *state;
    const struct component *component = NULL;
    install(folders->one, "good", "sluice-zoo.so");
    install(folders->two, "good", "sluice-good.so");
    assert_int_equal(find(folders, SLUICE_KIND_SINK, "sink-good", &component), SLUICE_OK);
    assert_non_null(strstr(component->path, folders->two));
}

static void ignore_broken(void *user, const struct sluice_error *error)
{
    (void)error;
    ++*(int *)user;
}

static void a_scan_lists_each_component_once_and_reports_the_broken(void **state)
{
    struct folders *folders = *state;
    const struct component *component = NULL;
    int broken = 0;
    install(folders->one, "good", "sluice-good.so");
    install(folders->two, "good", "sluice-zoo.so");
    install(folders->two, "no_entry", "sluice-nothing.so");
    write_plugin(folders->two, "readme.txt", "x", 1);
    assert_int_equal(find(folders, SLUICE_KIND_SINK, "sink-good", &component), SLUICE_OK);
    loader_scan(folders->loader, ignore_broken, &broken);
    assert_int_equal(broken, 1);
    assert_int_equal(loader_count(folders->loader), 2);
    assert_ptr_equal(loader_component(folders->loader, 0), component);
    assert_string_equal(loader_component(folders->loader, 1)->name, "good");
}

static void two_spellings_of_a_path_are_one_plugin(void **state)
{
    struct folders *folders = *state;
    const struct component *component = NULL;
    const struct component *again = NULL;
    install(folders->one, "good", "sluice-good.so");
    char link[160], target[160];
    snprintf(link, sizeof link, "%s/sluice-codec-good.so", folders->two);
    snprintf(target, sizeof target, "%s/../%s/sluice-good.so", folders->one,
             strrchr(folders->one, '/') + 1);
    assert_int_equal(symlink(target, link), 0);
    assert_int_equal(find(folders, SLUICE_KIND_SINK, "sink-good", &component), SLUICE_OK);
    assert_int_equal(find(folders, SLUICE_KIND_CODEC, "good", &again), SLUICE_OK);
    assert_string_equal(component->path, again->path);
    assert_ptr_equal(again, component + 1);
}

static void an_unknown_name_gets_the_folders_and_the_nearest_name(void **state)
{
    struct folders *folders = *state;
    const struct component *component = NULL;
    install(folders->one, "good", "sluice-good.so");
    assert_int_equal(find(folders, SLUICE_KIND_SINK, "sink-goood", &component), SLUICE_CONFIG);
    assert_int_equal(error_code(folders->error), SLUICE_CODE_NOT_FOUND);
    assert_non_null(strstr(error_causes(folders->error), "did you mean `sink-good`?"));
    assert_non_null(strstr(error_causes(folders->error), folders->two));
}

static void a_name_never_becomes_a_path(void **state)
{
    struct folders *folders = *state;
    const struct component *component = NULL;
    assert_int_equal(find(folders, SLUICE_KIND_SINK, "../../etc/passwd", &component),
                     SLUICE_CONFIG);
    assert_int_equal(find(folders, SLUICE_KIND_SINK, "", &component), SLUICE_CONFIG);
    assert_int_equal(error_code(folders->error), SLUICE_CODE_NOT_FOUND);
}

static void another_major_abi_is_refused_with_both_numbers(void **state)
{
    struct folders *folders = *state;
    install(folders->one, "other_abi", "sluice-good.so");
    assert_refused(folders, "speaks ABI 2.0, this sluice speaks 1.0");
}

static void a_shared_object_without_entry_point_is_no_plugin(void **state)
{
    struct folders *folders = *state;
    install(folders->one, "no_entry", "sluice-good.so");
    assert_refused(folders, "does not export the function sluice_plugin_describe");
}

static void an_undefined_function_is_found_at_load_and_named(void **state)
{
    struct folders *folders = *state;
    install(folders->one, "undefined_function", "sluice-good.so");
    assert_refused(folders, "needs the symbol function_that_nobody_defines,");
}

static void a_missing_library_is_named(void **state)
{
    struct folders *folders = *state;
    install(folders->one, "missing_library", "sluice-good.so");
    assert_refused(folders, "needs the library libsluice-gone.so.1,");
}

static void files_that_are_no_shared_objects_say_so(void **state)
{
    static const struct {
        const char *bytes;
        const char *reason;
    } cases[] = {
        {"", "is empty"},
        {"\x7f"
         "E",
         "no ELF file"},
        {"int main(void) { return 0; }\n", "no ELF file"},
        {"\x7f"
         "ELF",
         "cut off"},
        {"\x7f"
         "ELF\x02\x01\x01 rest",
         "cut off"},
        {"\x7f"
         "ELF\x01\x01\x01         ",
         "32 bits"},
        {"\x7f"
         "ELF\x02\x02\x01         ",
         "other byte order"},
    };
    struct folders *folders = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_plugin(folders->one, "sluice-good.so", cases[i].bytes, strlen(cases[i].bytes));
        assert_refused(folders, cases[i].reason);
        loader_destroy(folders->loader);
        folders->loader = NULL;
    }
}

static void a_folder_in_place_of_a_plugin_is_refused(void **state)
{
    struct folders *folders = *state;
    char path[160];
    snprintf(path, sizeof path, "%s/sluice-good.so", folders->one);
    assert_int_equal(mkdir(path, 0755), 0);
    assert_refused(folders, "is a folder");
}

static void a_dead_link_is_refused(void **state)
{
    struct folders *folders = *state;
    char path[160];
    snprintf(path, sizeof path, "%s/sluice-good.so", folders->one);
    assert_int_equal(symlink("/nowhere/at/all.so", path), 0);
    assert_refused(folders, "cannot be read: No such file");
}

static void a_plugin_for_another_machine_is_refused_with_both_names(void **state)
{
    struct folders *folders = *state;
    struct text content = read_fixture("good");
    Elf64_Ehdr *header = (Elf64_Ehdr *)(void *)content.data;
    header->e_machine = header->e_machine == EM_S390 ? EM_AARCH64 : EM_S390;
    write_plugin(folders->one, "sluice-good.so", content.data, content.size);
    text_reset(&content);
    assert_refused(folders, "built for another machine (s390");
}

static void an_executable_and_an_object_file_are_refused(void **state)
{
    static const struct {
        Elf64_Half type;
        const char *reason;
    } cases[] = {{ET_REL, "is an object file"}, {ET_EXEC, "is not a shared object"}};
    struct folders *folders = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct text content = read_fixture("good");
        ((Elf64_Ehdr *)(void *)content.data)->e_type = cases[i].type;
        write_plugin(folders->one, "sluice-good.so", content.data, content.size);
        text_reset(&content);
        assert_refused(folders, cases[i].reason);
        loader_destroy(folders->loader);
        folders->loader = NULL;
    }
}

/* Wherever a copy broke off: a sentence, never a crash in the dynamic loader. */
static void a_file_cut_off_anywhere_is_refused(void **state)
{
    struct folders *folders = *state;
    struct text content = read_fixture("good");
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)(const void *)content.data;
    const Elf64_Phdr *segments = (const Elf64_Phdr *)(const void *)(content.data + header->e_phoff);
    size_t mapped = 0;
    for (size_t i = 0; i < header->e_phnum; i++) {
        size_t end = (size_t)(segments[i].p_offset + segments[i].p_filesz);
        mapped = end > mapped ? end : mapped;
    }
    for (size_t size = 16; size < mapped; size += 1 + mapped / 50) {
        write_plugin(folders->one, "sluice-good.so", content.data, size);
        assert_refused(folders, "is cut off");
        loader_destroy(folders->loader);
        folders->loader = NULL;
    }
    text_reset(&content);
}

/* Headers in order, but pages that were never written. The dynamic loader checks some of it itself
 * and ends the process with 127 and its own words; the rest would be a crash. */
static void a_file_with_holes_never_ends_in_a_bare_signal(void **state)
{
    struct folders *folders = *state;
    const struct component *component = NULL;
    const size_t hole = 1024;
    struct text content = read_fixture("good");
    for (size_t start = hole; start + hole < content.size; start += hole) {
        char *damaged = malloc(content.size);
        memcpy(damaged, content.data, content.size);
        memset(damaged + start, 0, hole);
        write_plugin(folders->one, "sluice-good.so", damaged, content.size);
        free(damaged);
        pid_t child = fork();
        if (child == 0) {
            close(STDERR_FILENO);
            _exit(find(folders, SLUICE_KIND_SINK, "sink-good", &component) == SLUICE_OK ? 0 : 78);
        }
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
    }
    text_reset(&content);
}

static void a_file_that_everybody_may_write_is_refused_with_the_cure(void **state)
{
    struct folders *folders = *state;
    char path[160];
    install(folders->one, "good", "sluice-good.so");
    snprintf(path, sizeof path, "%s/sluice-good.so", folders->one);
    assert_int_equal(chmod(path, 0666), 0);
    assert_refused(folders, "everybody may write to it: chmod o-w");
}

static void a_folder_in_which_everybody_may_replace_files_is_refused(void **state)
{
    struct folders *folders = *state;
    install(folders->one, "good", "sluice-good.so");
    assert_int_equal(chmod(folders->one, 0777), 0);
    assert_refused(folders, "everybody may replace files in the folder");
    loader_destroy(folders->loader);
    folders->loader = NULL;

    const struct component *component = NULL;
    assert_int_equal(chmod(folders->one, 01777), 0);
    assert_int_equal(find(folders, SLUICE_KIND_SINK, "sink-good", &component), SLUICE_OK);
}

static void a_strangers_file_in_a_sticky_folder_is_refused(void **state)
{
    struct folders *folders = *state;
    char path[160];
    install(folders->one, "good", "sluice-good.so");
    if (geteuid() != 0) { /* who cannot make a stranger's file sees that an own one is taken */
        const struct component *component = NULL;
        assert_int_equal(chmod(folders->one, 01777), 0);
        assert_int_equal(find(folders, SLUICE_KIND_SINK, "sink-good", &component), SLUICE_OK);
        return;
    }
    snprintf(path, sizeof path, "%s/sluice-good.so", folders->one);
    assert_int_equal(chmod(folders->one, 01777), 0);
    assert_int_equal(chown(path, 12345, 12345), 0);
    assert_refused(folders, "belongs to another user (uid 12345)");
}

static void a_broken_file_named_for_the_component_hides_a_later_good_one(void **state)
{
    struct folders *folders = *state;
    write_plugin(folders->one, "sluice-good.so", "", 0);
    install(folders->two, "good", "sluice-sink-good.so");
    assert_refused(folders, "is empty");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(a_component_is_found_by_its_own_and_by_its_short_file_name),
        CASE(a_component_in_a_file_of_another_name_is_found_by_opening_all),
        CASE(the_first_folder_of_the_path_wins),
        CASE(a_file_named_for_the_component_wins_over_an_earlier_stranger),
        CASE(a_scan_lists_each_component_once_and_reports_the_broken),
        CASE(two_spellings_of_a_path_are_one_plugin),
        CASE(an_unknown_name_gets_the_folders_and_the_nearest_name),
        CASE(a_name_never_becomes_a_path),
        CASE(another_major_abi_is_refused_with_both_numbers),
        CASE(a_shared_object_without_entry_point_is_no_plugin),
        CASE(an_undefined_function_is_found_at_load_and_named),
        CASE(a_missing_library_is_named),
        CASE(files_that_are_no_shared_objects_say_so),
        CASE(a_folder_in_place_of_a_plugin_is_refused),
        CASE(a_dead_link_is_refused),
        CASE(a_plugin_for_another_machine_is_refused_with_both_names),
        CASE(an_executable_and_an_object_file_are_refused),
        CASE(a_file_cut_off_anywhere_is_refused),
        CASE(a_file_with_holes_never_ends_in_a_bare_signal),
        CASE(a_file_that_everybody_may_write_is_refused_with_the_cure),
        CASE(a_folder_in_which_everybody_may_replace_files_is_refused),
        CASE(a_strangers_file_in_a_sticky_folder_is_refused),
        CASE(a_broken_file_named_for_the_component_hides_a_later_good_one),
    };
#undef CASE
    return cmocka_run_group_tests(tests, NULL, NULL);
}
