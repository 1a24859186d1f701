/* SPDX-License-Identifier: Apache-2.0 */
/* ELF headers of a plugin file against those of the running program. */
#include "loader/elf_header.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
    unsigned machine;
    const char *name;
} machines[] = {
    {EM_X86_64, "x86-64"}, {EM_AARCH64, "aarch64"}, {EM_386, "i386"},
    {EM_ARM, "arm"},       {EM_RISCV, "riscv"},     {EM_PPC64, "ppc64"},
    {EM_S390, "s390"},     {EM_MIPS, "mips"},       {EM_LOONGARCH, "loongarch"},
};

/* An ELF file that is being looked at. */
struct elf_file {
    const char *path;
    int descriptor;
    uint64_t size;
    ElfW(Ehdr) header; /* ElfW: the running program's own class */
};

static const char *machine_name(unsigned machine, char number[32])
{
    for (size_t i = 0; i < sizeof machines / sizeof *machines; i++) {
        if (machines[i].machine == machine) {
            return machines[i].name;
        }
    }
    snprintf(number, 32, "machine %u", machine);
    return number;
}

static bool read_at(const struct elf_file *file, void *bytes, size_t size, uint64_t offset)
{
    return offset <= file->size && size <= file->size - offset &&
           pread(file->descriptor, bytes, size, (off_t)offset) == (ssize_t)size;
}

static bool open_elf(const char *path, struct elf_file *file)
{
    struct stat status;
    *file = (struct elf_file){.path = path, .descriptor = open(path, O_RDONLY | O_CLOEXEC)};
    if (file->descriptor < 0 || fstat(file->descriptor, &status) != 0) {
        return false;
    }
    file->size = (uint64_t)status.st_size;
    return true;
}

static void close_elf(struct elf_file *file)
{
    if (file->descriptor >= 0) {
        close(file->descriptor);
    }
}

static enum sluice_status refuse(const struct elf_file *file, struct sluice_error *error,
                                 const char *why)
{
    return error_set(error, SLUICE_CONFIG, SLUICE_CODE_PLUGIN_LOAD, "plugin %s %s", file->path,
                     why);
}

static enum sluice_status refuse_cut_off(const struct elf_file *file, struct sluice_error *error)
{
    return refuse(file, error, "is cut off: it is shorter than its headers say; copy it again");
}

static enum sluice_status refuse_machine(const struct elf_file *file, unsigned machine,
                                         unsigned own_machine, struct sluice_error *error)
{
    char number[32];
    char own_number[32];
    return error_set(error, SLUICE_CONFIG, SLUICE_CODE_PLUGIN_LOAD,
                     "plugin %s was built for another machine (%s; this sluice runs on %s)",
                     file->path, machine_name(machine, number),
                     machine_name(own_machine, own_number));
}

/* Every segment must lie inside the file: the dynamic loader maps it without asking. */
static enum sluice_status check_segments(const struct elf_file *file, struct sluice_error *error)
{
    bool has_dynamic = false;
    if (file->header.e_phentsize != sizeof(ElfW(Phdr))) {
        return refuse(file, error, "is damaged: its program headers have a wrong size");
    }
    for (unsigned i = 0; i < file->header.e_phnum; i++) {
        ElfW(Phdr) segment;
        uint64_t offset = file->header.e_phoff + (uint64_t)i * sizeof segment;
        if (!read_at(file, &segment, sizeof segment, offset)) {
            return refuse_cut_off(file, error);
        }
        if (segment.p_offset > file->size || segment.p_filesz > file->size - segment.p_offset) {
            return refuse_cut_off(file, error);
        }
        has_dynamic = has_dynamic || segment.p_type == PT_DYNAMIC;
    }
    return has_dynamic ? SLUICE_OK : refuse(file, error, "is not a dynamic shared object");
}

static enum sluice_status check_headers(struct elf_file *file, const ElfW(Ehdr) * own,
                                        struct sluice_error *error)
{
    unsigned char identity[EI_NIDENT] = {0};
    size_t known = file->size < sizeof identity ? (size_t)file->size : sizeof identity;
    if (known == 0) {
        return refuse(file, error, "is empty");
    }
    if (!read_at(file, identity, known, 0) || known < SELFMAG ||
        memcmp(identity, ELFMAG, SELFMAG) != 0) {
        return refuse(file, error, "is not a shared object (no ELF file)");
    }
    if (known < sizeof identity) {
        return refuse_cut_off(file, error);
    }
    if (identity[EI_CLASS] != own->e_ident[EI_CLASS]) {
        return refuse(file, error,
                      identity[EI_CLASS] == ELFCLASS32
                          ? "was built for another machine (32 bits; this sluice has 64)"
                          : "was built for another machine (64 bits; this sluice has 32)");
    }
    if (identity[EI_DATA] != own->e_ident[EI_DATA]) {
        return refuse(file, error, "was built for another machine (other byte order)");
    }
    if (!read_at(file, &file->header, sizeof file->header, 0)) {
        return refuse_cut_off(file, error);
    }
    if (file->header.e_machine != own->e_machine) {
        return refuse_machine(file, file->header.e_machine, own->e_machine, error);
    }
    if (file->header.e_type != ET_DYN) {
        return refuse(file, error,
                      file->header.e_type == ET_REL
                          ? "is an object file, not a shared object: link it with cc -shared"
                          : "is not a shared object: link it with cc -shared");
    }
    return check_segments(file, error);
}

enum sluice_status elf_header_check(const char *path, struct sluice_error *error)
{
    struct elf_file own;
    ElfW(Ehdr) own_header;
    bool is_known =
        open_elf("/proc/self/exe", &own) && read_at(&own, &own_header, sizeof own_header, 0);
    close_elf(&own);
    if (!is_known) {
        return SLUICE_OK; /* nothing to compare with: the dynamic loader has the last word */
    }
    struct elf_file file;
    enum sluice_status status = SLUICE_OK;
    if (!open_elf(path, &file)) {
        status = error_set(error, SLUICE_CONFIG, SLUICE_CODE_PLUGIN_LOAD,
                           "plugin %s cannot be read: %s", path, strerror(errno));
    } else {
        status = check_headers(&file, &own_header, error);
    }
    close_elf(&file);
    return status;
}
