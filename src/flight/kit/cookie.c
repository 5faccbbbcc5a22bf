/* SPDX-License-Identifier: Apache-2.0 */
/* The text of cookies (RFC 6265 sections 4.1 and 5.2, with the decoding that Flight's C++ client
 * does).
 *
 * A value is split at semicolons; the first part is name=value, the others are attributes. Name and
 * value are trimmed, percent-decoded and freed from one pair of quotes. A decoded text that could
 * not stand in a header, or would end the pair, is used as it was sent. Thread class: free. */
#include "flight/kit/cookie.h"

#include "base/ascii.h"
#include "base/clock.h"

enum { DATE_BYTES_MAX = 64, MAX_AGE_DIGITS = 18 };

/* Cuts the text before `separator` off the front of *rest; the whole rest when there is none. */
static struct cflight_bytes cut(struct cflight_bytes *rest, char separator, bool *ret_found)
{
    const uint8_t *found =
        rest->len_bytes == 0 ? NULL : memchr(rest->data, separator, rest->len_bytes);
    struct cflight_bytes front = *rest;
    *ret_found = found != NULL;
    if (found == NULL) {
        *rest = cflight_bytes_make(NULL, 0);
        return front;
    }
    front.len_bytes = (size_t)(found - rest->data);
    rest->data += front.len_bytes + 1;
    rest->len_bytes -= front.len_bytes + 1;
    return front;
}

/* What may stand in a name or a value of the `cookie` header without ending it. */
static bool is_safe(struct cflight_bytes text, bool is_name)
{
    for (size_t i = 0; i < text.len_bytes; i++) {
        uint8_t byte = text.data[i];
        if (byte < 0x20 || byte >= 0x7F || byte == ';' ||
            (is_name && (byte == '=' || byte == ' '))) {
            return false;
        }
    }
    return !is_name || text.len_bytes > 0;
}

/* Percent-decodes into `scratch`, which has room; bad escapes stay as they are. */
static struct cflight_bytes decode(struct cflight_bytes text, struct cfl_buf *scratch)
{
    uint8_t *target = scratch->data + scratch->len_bytes;
    size_t len_bytes = cfl_percent_decode(text, target);
    cfl_buf_add_len(scratch, len_bytes);
    return cflight_bytes_make(target, len_bytes);
}

static struct cflight_bytes unquote(struct cflight_bytes text)
{
    if (text.len_bytes >= 2 && text.data[0] == '"' && text.data[text.len_bytes - 1] == '"') {
        text.data++;
        text.len_bytes -= 2;
    }
    return text;
}

/* More than zero: that many seconds. Anything else: already expired. */
static int64_t expiry_of_max_age(struct cflight_bytes text, int64_t now_ns)
{
    int64_t seconds = 0;
    int64_t duration_ns = 0;
    for (size_t i = 0; i < text.len_bytes; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return now_ns;
        }
        if (i < MAX_AGE_DIGITS) {
            seconds = seconds * 10 + (text.data[i] - '0');
        }
    }
    if (seconds == 0) {
        return now_ns;
    }
    if (__builtin_mul_overflow(seconds, CFL_NS_PER_S, &duration_ns)) {
        return CFL_TIME_NEVER;
    }
    return cfl_deadline_after_ns(now_ns, duration_ns);
}

static int64_t expiry_of_date(struct cflight_bytes text, int64_t now_ns)
{
    int64_t unix_s = 0;
    int64_t expires_ns = 0;
    if (!cfl_http_date_parse(text, &unix_s)) {
        return now_ns;
    }
    if (__builtin_mul_overflow(unix_s, CFL_NS_PER_S, &expires_ns)) {
        return CFL_TIME_NEVER; /* a date before 1970 is not that far away */
    }
    return expires_ns;
}

static int64_t expiry_of_attributes(struct cflight_bytes attributes, int64_t now_ns)
{
    static const char MAX_AGE[] = "max-age";
    static const char EXPIRES[] = "expires";
    int64_t expires_ns = CFL_TIME_NEVER;
    bool found = false;
    while (attributes.len_bytes > 0) {
        struct cflight_bytes value = cut(&attributes, ';', &found);
        struct cflight_bytes name = cfl_ascii_trim(cut(&value, '=', &found));
        value = unquote(cfl_ascii_trim(value));
        if (cfl_ascii_is(name, MAX_AGE)) {
            return expiry_of_max_age(value, now_ns);
        }
        if (cfl_ascii_is(name, EXPIRES)) {
            expires_ns = expiry_of_date(value, now_ns);
        }
    }
    return expires_ns;
}

bool cfl_cookie_parse(struct cflight_bytes set_cookie, int64_t now_ns, struct cfl_buf *scratch,
                      struct cfl_cookie *ret_cookie)
{
    bool has_attributes = false;
    bool has_value = false;
    struct cflight_bytes raw_value = cut(&set_cookie, ';', &has_attributes);
    struct cflight_bytes raw_name = cfl_ascii_trim(cut(&raw_value, '=', &has_value));
    raw_value = cfl_ascii_trim(raw_value);
    cfl_buf_clear(scratch);
    /* Decoding never lengthens, so with this room the views into the buffer stay where they are. */
    if (!has_value ||
        cfl_buf_space(scratch, raw_name.len_bytes + raw_value.len_bytes + 1) == NULL) {
        return false;
    }
    struct cfl_cookie cookie = {decode(raw_name, scratch), decode(raw_value, scratch),
                                CFL_TIME_NEVER};
    if (!is_safe(cookie.name, true)) {
        cookie.name = raw_name;
    }
    if (!is_safe(cookie.value, false)) {
        cookie.value = raw_value;
    }
    cookie.value = unquote(cookie.value);
    if (!is_safe(cookie.name, true) || !is_safe(cookie.value, false)) {
        return false;
    }
    cookie.expires_ns = expiry_of_attributes(set_cookie, now_ns);
    *ret_cookie = cookie;
    return true;
}

bool cfl_cookie_find(struct cflight_bytes cookie_header, const char *name,
                     struct cflight_bytes *ret_value)
{
    bool found = false;
    while (cookie_header.len_bytes > 0) {
        struct cflight_bytes value = cut(&cookie_header, ';', &found);
        struct cflight_bytes key = cfl_ascii_trim(cut(&value, '=', &found));
        if (found && cfl_ascii_is(key, name)) {
            *ret_value = unquote(cfl_ascii_trim(value));
            return true;
        }
    }
    return false;
}

/* Reads up to four digits. */
static bool read_number(const char **at, int *ret_number)
{
    int number = 0;
    int digit_count = 0;
    while (**at >= '0' && **at <= '9' && digit_count < 4) {
        number = number * 10 + (**at - '0');
        (*at)++;
        digit_count++;
    }
    *ret_number = number;
    return digit_count > 0;
}

static bool read_month(const char **at, int *ret_month)
{
    static const char MONTHS[] = "janfebmaraprmayjunjulaugsepoctnovdec";
    for (int month = 0; month < 12; month++) {
        bool same = true;
        for (int i = 0; i < 3 && same; i++) {
            same = (*at)[i] != '\0' &&
                   cfl_ascii_lower((uint8_t)(*at)[i]) == (uint8_t)MONTHS[3 * month + i];
        }
        if (same) {
            *at += 3;
            *ret_month = month + 1;
            return true;
        }
    }
    return false;
}

static bool read_char(const char **at, char wanted)
{
    bool same = **at == wanted || (wanted == ' ' && **at == '-');
    *at += same;
    return same;
}

/* Days from 1970-01-01 to a date of the Gregorian calendar. Years begin in March here, so that the
 * leap day is a year's last; 400 years are 146,097 days. */
static int64_t days_from_date(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = year / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468;
}

bool cfl_http_date_parse(struct cflight_bytes text, int64_t *ret_unix_s)
{
    char copy[DATE_BYTES_MAX];
    if (text.len_bytes >= sizeof copy) {
        return false;
    }
    memset(copy, 0, sizeof copy);
    if (text.len_bytes > 0) {
        memcpy(copy, text.data, text.len_bytes);
    }
    int day = 0;
    int month = 0;
    int year = 0;
    int hour = 0;
    int minute = 0;
    int second = 0;
    const char *at = strchr(copy, ',');
    if (at == NULL) {
        return false;
    }
    at++;
    bool ok = read_char(&at, ' ') && read_number(&at, &day) && read_char(&at, ' ') &&
              read_month(&at, &month) && read_char(&at, ' ') && read_number(&at, &year) &&
              read_char(&at, ' ') && read_number(&at, &hour) && read_char(&at, ':') &&
              read_number(&at, &minute) && read_char(&at, ':') && read_number(&at, &second) &&
              read_char(&at, ' ') && strcmp(at, "GMT") == 0;
    if (!ok || day < 1 || day > 31 || year < 1601 || hour > 23 || minute > 59 || second > 60) {
        return false;
    }
    *ret_unix_s = days_from_date(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    return true;
}
