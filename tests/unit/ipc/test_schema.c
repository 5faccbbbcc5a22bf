/* SPDX-License-Identifier: Apache-2.0 */
/* Schemas between the C data interface, the tree and text. */
#include "base/alloc.h"
#include "cflight/builder.h"
#include "cflight/ipc.h"
#include "fixture.h"
#include "ipc/message_write.h"
#include "ipc/schema.h"
#include "test.h"

/* Types without children: format and name. */
static const char *const plain_types[][2] = {
    {"n", "null"},
    {"b", "bool"},
    {"c", "int8"},
    {"C", "uint8"},
    {"s", "int16"},
    {"S", "uint16"},
    {"i", "int32"},
    {"I", "uint32"},
    {"l", "int64"},
    {"L", "uint64"},
    {"e", "halffloat"},
    {"f", "float"},
    {"g", "double"},
    {"z", "binary"},
    {"Z", "large_binary"},
    {"vz", "binary_view"},
    {"u", "string"},
    {"U", "large_string"},
    {"vu", "string_view"},
    {"d:5,2", "decimal128(5, 2)"},
    {"d:9,-2,32", "decimal32(9, -2)"},
    {"d:18,0,64", "decimal64(18, 0)"},
    {"d:76,3,256", "decimal256(76, 3)"},
    {"w:0", "fixed_size_binary[0]"},
    {"w:42", "fixed_size_binary[42]"},
    {"tdD", "date32[day]"},
    {"tdm", "date64[ms]"},
    {"tts", "time32[s]"},
    {"ttm", "time32[ms]"},
    {"ttu", "time64[us]"},
    {"ttn", "time64[ns]"},
    {"tss:", "timestamp[s]"},
    {"tsm:UTC", "timestamp[ms, tz=UTC]"},
    {"tsu:Europe/Paris", "timestamp[us, tz=Europe/Paris]"},
    {"tsn:", "timestamp[ns]"},
    {"tDs", "duration[s]"},
    {"tDm", "duration[ms]"},
    {"tDu", "duration[us]"},
    {"tDn", "duration[ns]"},
    {"tiM", "month_interval"},
    {"tiD", "day_time_interval"},
    {"tin", "month_day_nano_interval"},
};

/* Types with one child, int32. */
static const char *const list_types[][2] = {
    {"+l", "list<item: int32>"},
    {"+L", "large_list<item: int32>"},
    {"+vl", "list_view<item: int32>"},
    {"+vL", "large_list_view<item: int32>"},
    {"+w:3", "fixed_size_list<item: int32>[3]"},
    {"+s", "struct<item: int32>"},
    {"+us:4", "sparse_union<item: int32=4>"},
    {"+ud:0", "dense_union<item: int32=0>"},
};

static void check_text(const struct ArrowSchema *field, const char *expected)
{
    char *text = NULL;
    cflight_error *error = NULL;

    CHECK_OK(cflight_schema_type_text(field, &text, &error), error);
    assert_string_equal(text, expected);
    cflight_text_free(text);
}

/* From ArrowSchema and back must give the same format. */
static void check_round_trip(struct ArrowSchema *field)
{
    struct ArrowSchema *fields[] = {field};
    struct ArrowSchema schema = t_nested_field("", "+s", fields, 1);
    struct ArrowSchema back;
    struct cfl_schema *tree = NULL;
    cflight_error *error = NULL;

    CHECK_OK(cfl_schema_from_arrow(NULL, &schema, NULL, &tree, &error), error);
    CHECK_OK(cfl_schema_to_arrow(tree, &back, &error), error);
    assert_string_equal(back.children[0]->format, field->format);
    assert_int_equal(back.children[0]->flags, field->flags);
    assert_true(cflight_schema_equal(&schema, &back, true));
    back.release(&back);
    cfl_schema_unref(tree);
}

/* Goal: every format string is understood and comes back. Method: tables of formats and names. */
TEST(schema, every_type_has_a_text_and_comes_back)
{
    for (size_t i = 0; i < sizeof plain_types / sizeof plain_types[0]; i++) {
        struct ArrowSchema field = t_field("a", plain_types[i][0]);
        check_text(&field, plain_types[i][1]);
        check_round_trip(&field);
    }
    for (size_t i = 0; i < sizeof list_types / sizeof list_types[0]; i++) {
        struct ArrowSchema item = t_field("item", "i");
        struct ArrowSchema *items[] = {&item};
        struct ArrowSchema field = t_nested_field("a", list_types[i][0], items, 1);
        check_text(&field, list_types[i][1]);
        check_round_trip(&field);
    }
}

/* Goal: types with more structure: map, run-end encoding, dictionary, fields that cannot be null.
 * Method: one of each, with every index type. */
TEST(schema, maps_run_ends_and_dictionaries)
{
    struct ArrowSchema key = t_field("key", "u");
    struct ArrowSchema value = t_field("value", "c");
    struct ArrowSchema *pair[] = {&key, &value};
    struct ArrowSchema entries = t_nested_field("entries", "+s", pair, 2);
    struct ArrowSchema *entry[] = {&entries};
    struct ArrowSchema map = t_nested_field("a", "+m", entry, 1);
    map.flags |= ARROW_FLAG_MAP_KEYS_SORTED;
    check_text(&map, "map<string, int8, keys_sorted>");
    check_round_trip(&map);
    value.name = "v";
    entries.name = "e";
    check_text(&map, "map<string, int8 ('v'), keys_sorted ('e')>");

    struct ArrowSchema ends = t_field("run_ends", "s");
    struct ArrowSchema *runs_children[] = {&ends, &key};
    struct ArrowSchema runs = t_nested_field("a", "+r", runs_children, 2);
    check_text(&runs, "run_end_encoded<run_ends: int16, values: string>");
    check_round_trip(&runs);

    for (const char *format = "cCsSiIlL"; *format != '\0'; format++) {
        const char index_format[] = {*format, '\0'};
        struct ArrowSchema indices = t_field("a", index_format);
        indices.dictionary = &map;
        indices.flags = ARROW_FLAG_DICTIONARY_ORDERED;
        check_round_trip(&indices);
    }
    struct ArrowSchema indices = t_field("a", "C");
    indices.dictionary = &key;
    check_text(&indices, "dictionary<values=string, indices=uint8, ordered=0>");
    key.flags = 0;
    struct ArrowSchema record = t_nested_field("a", "+s", pair, 1);
    check_text(&record, "struct<key: string not null>");
}

/* Goal: what is no format is refused. Method: strings that are nearly right. */
TEST(schema, unknown_formats_are_refused)
{
    const char *const formats[] = {
        "",           "x",      "cc",     "v",         "vx",    "d",      "d:",
        "d:5",        "d:5,",   "d:5,2,", "d:5,2,100", "d:0,0", "d:39,0", "d:10,0,32",
        "d:77,0,256", "d:5,2x", "w:",     "w:-1",      "w:x",   "w:1x",   "w:99999999999",
        "+",          "+x",     "+w:",    "+w:-1",     "+ud",   "+ud:0",  "+us:a",
        "+l",         "+m",     "+r",     "td",        "tdx",   "tt",     "ttx",
        "ts",         "tsx:",   "tss",    "tDx",       "ti",    "tix",    "d: 5,2",
        "d:+5,2",
    };
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        struct ArrowSchema field = t_field("bad", formats[i]);
        struct ArrowSchema *fields[] = {&field};
        struct ArrowSchema schema = t_nested_field("", "+s", fields, 1);
        struct cfl_schema *tree = NULL;
        cflight_error *error = NULL;
        if (cfl_schema_from_arrow(NULL, &schema, NULL, &tree, &error) != CFLIGHT_INVALID_ARGUMENT) {
            fail_msg("\"%s\" was not refused", formats[i]);
        }
        assert_non_null(strstr(cflight_error_message(error), "\"bad\""));
        cflight_error_free(error);
    }
}

/* Goal: children and dictionaries that a type cannot have are refused. Method: one defect at a
 * time. */
TEST(schema, wrong_children_are_refused)
{
    struct ArrowSchema leaf = t_field("leaf", "i");
    struct ArrowSchema text = t_field("text", "u");
    struct ArrowSchema released = t_field("released", "i");
    struct ArrowSchema *leaves[] = {&leaf, &leaf, &text};
    struct ArrowSchema *missing[] = {NULL};
    struct ArrowSchema *gone[] = {&released};
    released.release = NULL;
    struct ArrowSchema bad[] = {
        t_nested_field("a", "i", leaves, 1),        t_nested_field("a", "+l", leaves, 2),
        t_nested_field("a", "+l", leaves, 0),       t_nested_field("a", "+w:2", leaves, 2),
        t_nested_field("a", "+m", leaves, 1),       t_nested_field("a", "+r", leaves, 1),
        t_nested_field("a", "+r", &leaves[2], 1),   t_nested_field("a", "+us:0", leaves, 2),
        t_nested_field("a", "+ud:1,1", leaves, 2),  t_nested_field("a", "+ud:1,128", leaves, 2),
        t_nested_field("a", "+ud:-1,1", leaves, 2), t_nested_field("a", "+s", missing, 1),
        t_nested_field("a", "+s", gone, 1),         t_nested_field("a", "+s", NULL, 1),
        t_nested_field("a", "+s", leaves, -1),      t_nested_field("a", "u", NULL, 0),
        t_nested_field("a", "i", NULL, 0),
    };
    struct ArrowSchema encoded = t_field("encoded", "i");
    encoded.dictionary = &text;
    bad[15].dictionary = &leaf;
    bad[16].dictionary = &encoded;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct ArrowSchema *fields[] = {&bad[i]};
        struct ArrowSchema schema = t_nested_field("", "+s", fields, 1);
        struct cfl_schema *tree = NULL;
        if (cfl_schema_from_arrow(NULL, &schema, NULL, &tree, NULL) != CFLIGHT_INVALID_ARGUMENT) {
            fail_msg("defect %zu was not refused", i);
        }
    }
    struct cfl_schema *tree = NULL;
    CHECK_STATUS(cfl_schema_from_arrow(NULL, &leaf, NULL, &tree, NULL), CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(cfl_schema_from_arrow(NULL, NULL, NULL, &tree, NULL), CFLIGHT_INVALID_ARGUMENT);
}

static cflight_status import_with(const struct ArrowSchema *schema, uint32_t depth_max,
                                  uint32_t fields_max)
{
    struct cfl_limits limits = cfl_limits_default;
    struct cfl_schema *tree = NULL;
    limits.schema_depth_max = depth_max;
    limits.schema_fields_max = fields_max;
    cflight_status status = cfl_schema_from_arrow(NULL, schema, &limits, &tree, NULL);
    cfl_schema_unref(tree);
    return status;
}

/* Goal: depth and number of fields are bounded. Method: at the limit and one less, for both. */
TEST(schema, depth_and_field_limits)
{
    struct t_layouts all;
    uint32_t field_count = T_COLUMN_COUNT;
    t_layouts_init(&all);
    for (size_t i = 0; i < T_COLUMN_COUNT; i++) {
        field_count += (uint32_t)all.fields[i].n_children;
    }
    CHECK_STATUS(import_with(&all.schema, 2, field_count), CFLIGHT_OK);
    CHECK_STATUS(import_with(&all.schema, 1, field_count), CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(import_with(&all.schema, 2, field_count - 1), CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(import_with(&all.schema, 0, 0), CFLIGHT_INVALID_ARGUMENT);
    all.schema.n_children = INT64_MAX;
    CHECK_STATUS(import_with(&all.schema, 64, UINT32_MAX), CFLIGHT_INVALID_ARGUMENT);
}

/* Goal: dictionary ids count depth first, outer before inner.
 * Method: a dictionary of structs that hold another, then a third. */
TEST(schema, dictionary_ids_count_depth_first)
{
    struct ArrowSchema words = t_field("", "u");
    struct ArrowSchema inner = t_field("inner", "c");
    struct ArrowSchema *inners[] = {&inner};
    struct ArrowSchema record = t_nested_field("", "+s", inners, 1);
    struct ArrowSchema outer = t_field("outer", "c");
    struct ArrowSchema last = t_field("last", "c");
    struct ArrowSchema *fields[] = {&outer, &last};
    struct ArrowSchema schema = t_nested_field("", "+s", fields, 2);
    struct cfl_schema *tree = NULL;
    cflight_error *error = NULL;
    inner.dictionary = &words;
    outer.dictionary = &record;
    last.dictionary = &words;

    CHECK_OK(cfl_schema_from_arrow(NULL, &schema, NULL, &tree, &error), error);
    const struct cfl_field *root = cfl_schema_root(tree);
    assert_int_equal(root->children[0].dictionary_id, 0);
    assert_int_equal(root->children[0].children[0].dictionary_id, 1);
    assert_int_equal(root->children[1].dictionary_id, 2);
    cfl_schema_unref(tree);
}

/* Goal: a consumer may move a child out of what is handed out. Method: move, release the parent,
 * use. */
TEST(schema, children_can_be_moved_out)
{
    struct t_layouts all;
    struct ArrowSchema copy;
    cflight_error *error = NULL;
    t_layouts_init(&all);

    CHECK_OK(cflight_schema_copy(&all.schema, &copy, &error), error);
    struct ArrowSchema moved = *copy.children[T_DICTIONARY];
    copy.children[T_DICTIONARY]->release = NULL;
    copy.release(&copy);
    assert_null(copy.release);
    assert_string_equal(moved.format, "c");
    assert_string_equal(moved.dictionary->format, "u");
    moved.release(&moved);
}

/* Goal: a copy that cannot be made is refused. Method: missing, released and too deep sources. */
TEST(schema, copies_of_bad_schemas_are_refused)
{
    struct ArrowSchema levels[70];
    struct ArrowSchema *pointers[70];
    struct ArrowSchema copy;
    struct ArrowSchema released = t_field("a", "i");
    released.release = NULL;

    for (size_t i = 0; i < 70; i++) {
        pointers[i] = &levels[i];
        levels[i] = i + 1 < 70 ? t_nested_field("a", "+l", &pointers[i + 1], 1) : t_field("a", "i");
    }
    CHECK_STATUS(cflight_schema_copy(&levels[0], &copy, NULL), CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(cflight_schema_copy(NULL, &copy, NULL), CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(cflight_schema_copy(&released, &copy, NULL), CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(cflight_schema_copy(&levels[69], NULL, NULL), CFLIGHT_INVALID_ARGUMENT);
    assert_false(cflight_schema_equal(&released, &released, false));
    assert_false(cflight_schema_equal(NULL, NULL, false));
    char *text = NULL;
    CHECK_STATUS(cflight_schema_type_text(&released, &text, NULL), CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(cflight_schema_type_text(&levels[69], NULL, NULL), CFLIGHT_INVALID_ARGUMENT);
    cflight_text_free(NULL);
}

enum { EXTENSION_PAIRS_MAX = 2 };

/* A schema of one list whose items have this metadata. */
static void make_list_of(const struct cflight_metadata *pairs, size_t pair_count,
                         struct ArrowSchema *ret_schema)
{
    struct ArrowSchema plain = t_field("item", "w:16");
    struct ArrowSchema item;
    cflight_error *error = NULL;
    CHECK_OK(cflight_schema_set_metadata(&plain, pairs, pair_count, &item, &error), error);
    struct ArrowSchema *items[] = {&item};
    struct ArrowSchema list = t_nested_field("a", "+l", items, 1);
    struct ArrowSchema *lists[] = {&list};
    struct ArrowSchema schema = t_nested_field("", "+s", lists, 1);
    CHECK_OK(cflight_schema_copy(&schema, ret_schema, &error), error);
    item.release(&item);
}

/* Goal: an extension type is a type, not metadata that may be left out; other metadata is no type.
 * Method: each pair of a table of metadata whose rows have another type, but for those that say so.
 */
TEST(schema, extension_types_are_compared)
{
    static const struct {
        const char *texts[2 * EXTENSION_PAIRS_MAX];
        int type;
    } rows[] = {
        {{"k", "v"}, 0},
        {{"ARROW:extension:metadata", "x"}, 0}, /* of no type */
        {{"ARROW:extension:name", "arrow.uuid"}, 1},
        {{"ARROW:extension:metadata", "", "ARROW:extension:name", "arrow.uuid"}, 1},
        {{"k", "v", "ARROW:extension:name", "arrow.uuid"}, 1},
        {{"ARROW:extension:name", "arrow.uuid", "ARROW:extension:metadata", "x"}, 2},
        {{"ARROW:extension:name", "arrow.uuid", "ARROW:extension:metadata", "y"}, 3},
        {{"ARROW:extension:name", "arrow.uui"}, 4},
        {{"ARROW:extension:name", ""}, 5},
    };
    enum { ROWS = sizeof rows / sizeof rows[0] };
    struct ArrowSchema schemas[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        struct cflight_metadata pairs[EXTENSION_PAIRS_MAX];
        size_t count = 0;
        for (; count < EXTENSION_PAIRS_MAX && rows[i].texts[2 * count] != NULL; count++) {
            pairs[count].key = cflight_bytes_from_text(rows[i].texts[2 * count]);
            pairs[count].value = cflight_bytes_from_text(rows[i].texts[2 * count + 1]);
        }
        make_list_of(pairs, count, &schemas[i]);
    }
    for (size_t i = 0; i < (size_t)ROWS * ROWS; i++) {
        size_t a = i / ROWS;
        size_t b = i % ROWS;
        if (cflight_schema_equal(&schemas[a], &schemas[b], false) !=
            (rows[a].type == rows[b].type)) {
            fail_msg("rows %zu and %zu", a, b);
        }
        assert_int_equal(cflight_schema_equal(&schemas[a], &schemas[b], true), a == b);
    }
    for (size_t i = 0; i < ROWS; i++) {
        schemas[i].release(&schemas[i]);
    }
}

/* Goal: no allocation failure crashes or leaks. Method: import, export and serialise a schema of
 * all layouts with metadata, failing each allocation in turn. */
TEST(schema, every_allocation_failure_is_reported)
{
    static const int32_t metadata[] = {1, 4, 0x64636261, 4, 0x68676665};
    struct t_layouts all;
    t_layouts_init(&all);
    all.schema.metadata = (const char *)metadata;
    all.fields[T_INT64].metadata = (const char *)metadata;
    all.fields[T_INT64].format = "tsu:UTC";

    T_EACH_ALLOC_FAILURE(alloc) {
        struct cfl_schema *tree = NULL;
        struct ArrowSchema back = {0};
        struct cfl_buf message;
        cfl_buf_init(&message, &alloc->allocator);
        cflight_status status =
            cfl_schema_from_arrow(&alloc->allocator, &all.schema, NULL, &tree, NULL);
        if (status == CFLIGHT_OK) {
            status = cfl_schema_to_message(tree, CFL_METADATA_V5, &message, NULL);
        }
        if (status == CFLIGHT_OK) {
            status = cfl_schema_to_arrow(tree, &back, NULL);
        }
        if (back.release != NULL) {
            back.release(&back);
        }
        cfl_buf_done(&message);
        cfl_schema_unref(tree);
        CHECK_STATUS(status, alloc->did_fail ? CFLIGHT_RESOURCE_EXHAUSTED : CFLIGHT_OK);
    }
}
