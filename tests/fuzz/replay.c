/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The main of a fuzz target without libFuzzer: feeds it each file that is named, and each file of
 * each directory that is named. A corpus that is not found is a failure, not an empty success.
 */
#include <dirent.h>
#include <err.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum {
    INPUT_MAX = 1 << 20 /* octets; what is longer is no seed of ours */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void replay_file(const char *path, unsigned *count)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(INPUT_MAX);
    uint8_t *exact;
    size_t size;

    if (file == NULL || data == NULL)
        err(EXIT_FAILURE, "%s", path);
    size = fread(data, 1, INPUT_MAX, file);
    if (ferror(file) || fgetc(file) != EOF)
        errx(EXIT_FAILURE, "%s: cannot be read, or is too long", path);
    fclose(file);
    exact = realloc(data, size > 0 ? size : 1); /* for the sanitizer to see where it ends */
    if (exact == NULL)
        err(EXIT_FAILURE, "%s", path);
    (void)LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    ++*count;
}

static bool is_directory(const char *path)
{
    struct stat status;

    if (stat(path, &status) != 0)
        err(EXIT_FAILURE, "%s", path);
    return S_ISDIR(status.st_mode);
}

static void replay_directory(const char *path, unsigned *count)
{
    char name[PATH_MAX];
    DIR *directory = opendir(path);
    const struct dirent *entry;

    if (directory == NULL)
        err(EXIT_FAILURE, "%s", path);
    while ((entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        if (snprintf(name, sizeof name, "%s/%s", path, entry->d_name) >= (int)sizeof name)
            errx(EXIT_FAILURE, "%s/%s: too long a name", path, entry->d_name);
        if (!is_directory(name))
            replay_file(name, count);
    }
    closedir(directory);
}

int main(int argc, char **argv)
{
    unsigned count = 0;

    for (int i = 1; i < argc; i++) {
        if (is_directory(argv[i]))
            replay_directory(argv[i], &count);
        else
            replay_file(argv[i], &count);
    }
    printf("%s: %u inputs replayed\n", argv[0], count);
    return count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
