/*
 * material: what is read from files, and what is said when it cannot be.
 */
#include "common/tls/material.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static char folder[] = "/tmp/tandem-material-XXXXXX";
static struct material material;
static struct options options;
static char why[512];

/* FOLDER/NAME; as long as the program. */
static const char *path_of(const char *name)
{
    static char paths[8][128];
    static size_t count;
    ck_assert_uint_lt(count, COUNT(paths));
    snprintf(paths[count], sizeof paths[count], "%s/%s", folder, name);
    return paths[count++];
}

static const char *write_file(const char *name, const char *text)
{
    const char *path = path_of(name);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
    return path;
}

static void make_folder(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    options = (struct options){.tls_certs = {{write_file("a.pem", "cert a")}, 1},
                               .tls_keys = {{write_file("a.key", "key a")}, 1}};
    material.used = 0;
}

static void remove_folder(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static void check_next(size_t *at, enum material_kind kind, const char *file, const char *bytes)
{
    struct material_item item;
    ck_assert(material_next(&material, at, &item));
    ck_assert_int_eq(item.kind, kind);
    ck_assert_str_eq(item.name, file);
    ck_assert_uint_eq(item.length, strlen(bytes));
    ck_assert_int_eq(memcmp(item.bytes, bytes, item.length), 0);
}

START_TEST(test_all_kinds_in_order)
{
    size_t at = 0;
    struct material_item item;
    options.tls_certs.all[1] = write_file("b.pem", "cert b");
    options.tls_keys.all[1] = write_file("b.key", "key b");
    options.tls_certs.count = options.tls_keys.count = 2;
    options.tls_ocsp = (struct texts){{write_file("a.ocsp", "staple")}, 1};
    options.tls_client_ca = write_file("ca.pem", "ca");
    ck_assert_msg(material_read(&material, &options, why, sizeof why), "%s", why);
    check_next(&at, MATERIAL_CERT, options.tls_certs.all[0], "cert a");
    check_next(&at, MATERIAL_KEY, options.tls_keys.all[0], "key a");
    check_next(&at, MATERIAL_CERT, options.tls_certs.all[1], "cert b");
    check_next(&at, MATERIAL_KEY, options.tls_keys.all[1], "key b");
    check_next(&at, MATERIAL_OCSP, options.tls_ocsp.all[0], "staple");
    check_next(&at, MATERIAL_CLIENT_CA, options.tls_client_ca, "ca");
    ck_assert(!material_next(&material, &at, &item));
}
END_TEST

static const char *missing(void)
{
    return path_of("nowhere.key");
}

static const char *empty(void)
{
    return write_file("empty.key", "");
}

static const char *a_folder(void)
{
    const char *path = path_of("folder.key");
    ck_assert_int_eq(mkdir(path, 0700), 0);
    return path;
}

static const char *pipe_of_a_name(void)
{
    const char *path = path_of("pipe.key");
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    return path;
}

static const char *below_a_file(void)
{
    return path_of("a.pem/x.key");
}

static const char *too_large(void)
{
    const char *path = write_file("large.key", "");
    ck_assert_int_eq(truncate(path, MATERIAL_ROOM), 0);
    return path;
}

static const struct {
    const char *(*make)(void);
    const char *wants[2];
} bad[] = {{missing, {"nowhere.key cannot be read: No such file", "put the file there"}},
           {empty, {"empty.key is empty", "put into it"}},
           {a_folder, {"folder.key is a folder", "give a file"}},
           {pipe_of_a_name, {"pipe.key is no regular file", "give a file"}},
           {below_a_file, {"x.key cannot be read: Not a directory", "correct the path"}},
           {too_large, {"large.key is too large", "1024 KiB"}}};

/* Nothing is left of the file that was read before. */
static void check_empty(void)
{
    ck_assert_uint_eq(material.used, 0);
    for (size_t i = 0; i < 4096; i++)
        ck_assert_int_eq(material.items[i], 0);
}

START_TEST(test_bad_files)
{
    options.tls_keys.all[0] = bad[_i].make();
    ck_assert(!material_read(&material, &options, why, sizeof why));
    ck_assert_int_eq(strncmp(why, "--tls-key /", 11), 0);
    for (int i = 0; i < COUNT(bad[_i].wants); i++)
        ck_assert_msg(strstr(why, bad[_i].wants[i]), "\"%s\" has no \"%s\"", why, bad[_i].wants[i]);
    check_empty();
}
END_TEST

START_TEST(test_unreadable)
{
    if (geteuid() == 0 && seteuid(65534) != 0)
        return;
    chmod(folder, 0755);
    options.tls_keys.all[0] = "/etc/shadow";
    options.tls_certs.all[0] = "/etc/passwd";
    ck_assert(!material_read(&material, &options, why, sizeof why));
    ck_assert_ptr_nonnull(
        strstr(why, "--tls-key /etc/shadow cannot be read: Permission denied: let "));
    ck_assert_int_eq(seteuid(getuid()), 0);
}
END_TEST

START_TEST(test_full)
{
    static char bytes[MATERIAL_ROOM];
    ck_assert(!material_add(&material, MATERIAL_KEY, "x", bytes, sizeof bytes));
    ck_assert(material_add(&material, MATERIAL_KEY, "x", bytes, sizeof bytes - 100));
    ck_assert(!material_add(&material, MATERIAL_KEY, "x", bytes, 100));
    ck_assert(!material_add(&material, MATERIAL_KEY,
                            "a name that is longer than what is left: it "
                            "would stand beyond the end of the block, and "
                            "so would its bytes",
                            bytes, 1));
    size_t at = 0, count = 0;
    struct material_item item;
    while (material_next(&material, &at, &item))
        count++;
    ck_assert_uint_eq(count, 1);
}
END_TEST

/* Whatever has been written over it: all that is pointed at lies within. */
START_TEST(test_scribbled_over)
{
    static struct material wild;
    srand(1);
    for (int round = 0; round < 2000; round++) {
        wild.used = round % 3 == 0 ? UINT32_MAX : 200;
        for (size_t i = 0; i < 200; i++)
            wild.items[i] = (char)(rand() % 4 == 0 ? rand() : 0);
        struct material_item item;
        for (size_t at = 0; material_next(&wild, &at, &item);) {
            ck_assert(item.name >= wild.items);
            ck_assert(item.bytes > item.name + strlen(item.name));
            ck_assert_uint_le((size_t)(item.bytes - wild.items) + item.length, MATERIAL_ROOM);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("material");
    TCase *all = tcase_create("material");
    tcase_add_checked_fixture(all, make_folder, remove_folder);
    tcase_add_test(all, test_all_kinds_in_order);
    tcase_add_loop_test(all, test_bad_files, 0, COUNT(bad));
    tcase_add_test(all, test_unreadable);
    tcase_add_test(all, test_full);
    tcase_add_test(all, test_scribbled_over);
    suite_add_tcase(suite, all);
    return unit_run(suite);
}
