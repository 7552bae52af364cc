/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "milter/socketmap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Reads a copy of exactly that size, so that a sanitizer sees who reads beyond it. */
static enum socketmap_found read_exactly(struct socketmap_request *request, char **copy,
                                         const char *octets, size_t count)
{
    *copy = malloc(count > 0 ? count : 1);
    assert_non_null(*copy);
    memcpy(*copy, octets, count);
    return socketmap_read(request, *copy, count);
}

static enum socketmap_found found_in(const char *octets, size_t count)
{
    struct socketmap_request request;
    char *copy;
    enum socketmap_found found = read_exactly(&request, &copy, octets, count);

    free(copy);
    return found;
}

#define TEXT(literal) literal, sizeof(literal) - 1

static const struct well_formed {
    const char *octets;
    size_t count;
    const char *map;
    size_t map_length;
    const char *key;
    size_t key_length;
} well_formed[] = {
    {TEXT("21:return a@shop.example,"), TEXT("return"), TEXT("a@shop.example")},
    {TEXT("3:m k,"), TEXT("m"), TEXT("k")},
    {TEXT("7:m k k k,"), TEXT("m"), TEXT("k k k")},
    {TEXT("4:m  k,"), TEXT("m"), TEXT(" k")},
    {TEXT("6:m a\0b\xff,"), TEXT("m"), TEXT("a\0b\xff")},
    {TEXT("5:m 3:,,"), TEXT("m"), TEXT("3:,")},
    {TEXT("10:m 12345678,"), TEXT("m"), TEXT("12345678")},
    {TEXT("2:m ,"), TEXT("m"), TEXT("")},
    {TEXT("3:map,"), TEXT("map"), TEXT("")},
    {TEXT("2: k,"), TEXT(""), TEXT("k")},
    {TEXT("1: ,"), TEXT(""), TEXT("")},
    {TEXT("3:m\0n,"), TEXT("m\0n"), TEXT("")},
};

static void check_request(const struct well_formed *row, const char *octets, size_t count)
{
    struct socketmap_request request;
    char *copy;

    assert_int_equal(read_exactly(&request, &copy, octets, count), SOCKETMAP_WHOLE);
    assert_int_equal(request.size, row->count);
    assert_int_equal(request.map_length, row->map_length);
    assert_memory_equal(request.map, row->map, row->map_length);
    assert_int_equal(request.key_length, row->key_length);
    assert_memory_equal(request.key, row->key, row->key_length);
    free(copy);
}

static void requests_are_map_and_key(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof well_formed / sizeof *well_formed; i++)
        check_request(&well_formed[i], well_formed[i].octets, well_formed[i].count);
}

static void every_beginning_of_a_request_is_incomplete(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof well_formed / sizeof *well_formed; i++) {
        for (size_t count = 0; count < well_formed[i].count; count++) {
            if (found_in(well_formed[i].octets, count) != SOCKETMAP_INCOMPLETE)
                fail_msg("request %zu: the first %zu octets are complete or malformed", i, count);
        }
    }
}

static void what_follows_a_request_is_left(void **state)
{
    (void)state;
    char both[100];

    for (size_t i = 0; i < sizeof well_formed / sizeof *well_formed; i++) {
        memcpy(both, well_formed[i].octets, well_formed[i].count);
        memcpy(both + well_formed[i].count, "garbage", 7);
        check_request(&well_formed[i], both, well_formed[i].count + 7);
    }
}

static void malformed_is_known_at_once(void **state)
{
    (void)state;
    static const struct {
        const char *octets;
        size_t count;
    } rows[] = {
        {TEXT(":")},
        {TEXT(",")},
        {TEXT(" 3:m k,")},
        {TEXT("\n")},
        {TEXT("\0")},
        {TEXT("x")},
        {TEXT("GET / HTTP/1.0\r\n")},
        {TEXT("-1:")},
        {TEXT("+3:m k,")},
        {TEXT("3m")},
        {TEXT("3 ")},
        {TEXT("3;m k,")},
        {TEXT("0x3:m k,")},
        /* empty, and zeros that lead */
        {TEXT("0:,")},
        {TEXT("0")},
        {TEXT("03:m k,")},
        {TEXT("00")},
        /* no comma where the length says that it is */
        {TEXT("3:m k;")},
        {TEXT("2:m k,")},
        {TEXT("4:m k,x")},
        {TEXT("3:m k\0")},
        /* too long: known by the digits */
        {TEXT("10001")},
        {TEXT("99999")},
        {TEXT("100000")},
        {TEXT("18446744073709551617:")},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (found_in(rows[i].octets, rows[i].count) != SOCKETMAP_MALFORMED)
            fail_msg("not malformed: row %zu, %s", i, rows[i].octets);
    }
}

static void the_longest_request(void **state)
{
    (void)state;
    enum { HEADER = sizeof "10000:" - 1 };
    static char octets[SOCKETMAP_WHOLE_MAX];
    struct socketmap_request request;

    memcpy(octets, "10000:m ", HEADER + 2);
    memset(octets + HEADER + 2, 'k', SOCKETMAP_REQUEST_MAX - 2);
    octets[SOCKETMAP_WHOLE_MAX - 1] = ',';
    assert_int_equal(found_in(octets, sizeof octets - 1), SOCKETMAP_INCOMPLETE);
    assert_int_equal(socketmap_read(&request, octets, sizeof octets), SOCKETMAP_WHOLE);
    assert_int_equal(request.size, SOCKETMAP_WHOLE_MAX);
    assert_int_equal(request.key_length, SOCKETMAP_REQUEST_MAX - 2);
}

static void replies_are_netstrings(void **state)
{
    (void)state;
    static const struct {
        struct socketmap_reply reply;
        const char *written;
    } rows[] = {
        {{SOCKETMAP_OK, "a@shop.example"}, "17:OK a@shop.example,"},
        {{SOCKETMAP_OK, ""}, "3:OK ,"},
        {{SOCKETMAP_NOTFOUND, ""}, "9:NOTFOUND ,"},
        {{SOCKETMAP_NOTFOUND, "is left out"}, "9:NOTFOUND ,"},
        {{SOCKETMAP_TEMP, "no store"}, "13:TEMP no store,"},
    };
    char out[SOCKETMAP_WRITTEN_SIZE];

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(socketmap_write(out, &rows[i].reply), strlen(rows[i].written));
        assert_string_equal(out, rows[i].written);
    }
}

static void the_longest_reply(void **state)
{
    (void)state;
    static const char begin[] = "1029:TEMP ";
    struct socketmap_reply reply = {.status = SOCKETMAP_TEMP};
    char *out = malloc(SOCKETMAP_WRITTEN_SIZE);
    size_t length;

    assert_non_null(out);
    memset(reply.text, 'x', SOCKETMAP_REPLY_MAX);
    length = socketmap_write(out, &reply);
    assert_int_equal(length, strlen(begin) + SOCKETMAP_REPLY_MAX + 1);
    assert_memory_equal(out, begin, strlen(begin));
    assert_string_equal(out + length - 2, "x,");
    free(out);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_map_and_key),
        cmocka_unit_test(every_beginning_of_a_request_is_incomplete),
        cmocka_unit_test(what_follows_a_request_is_left),
        cmocka_unit_test(malformed_is_known_at_once),
        cmocka_unit_test(the_longest_request),
        cmocka_unit_test(replies_are_netstrings),
        cmocka_unit_test(the_longest_reply),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
