/* SPDX-License-Identifier: Apache-2.0 */
/* cflight_samples: writes small Arrow files to try the command with: airports, planets, elements.
 *
 * The facts are common knowledge: positions to a hundredth of a degree and heights to a metre, the
 * values of NASA's planetary fact sheet, abridged standard atomic weights. Columns are built row by
 * row (struct column) and handed to the IPC writer over the Arrow C data interface. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cflight/ipc.h"
#include "cli/system/output.h"
#include "cli/system/text.h"

enum { COLUMNS_MAX = 8, DAYS_NULL = INT32_MIN };

/* A column under construction. The Arrow structs point into it, so it must not move once finish()
 * ran. */
struct column {
    struct cli_text validity;
    struct cli_text offsets;
    struct cli_text data;
    int64_t length;
    int64_t null_count;
    struct ArrowSchema schema;
    struct ArrowArray array;
    const void *buffers[3];
    struct ArrowSchema *child_schema;
    struct ArrowArray *child_array;
};

/* Nothing is owned through the Arrow structs: column_done() frees the memory. */
static void release_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

static void release_array(struct ArrowArray *array)
{
    array->release = NULL;
}

static void start(struct column *column, const char *name, const char *format)
{
    memset(column, 0, sizeof *column);
    column->schema.name = name;
    column->schema.format = format;
    column->schema.flags = ARROW_FLAG_NULLABLE;
    column->schema.release = release_schema;
    column->array.release = release_array;
}

static void start_all(struct column *columns, size_t count, const char *const *names,
                      const char *const *formats)
{
    for (size_t i = 0; i < count; i++) {
        start(&columns[i], names[i], formats[i]);
    }
}

static void put_bit(struct cli_text *bits, int64_t index, bool is_set)
{
    if (index % 8 == 0) {
        cli_text_append_char(bits, 0);
    }
    if (is_set && !bits->failed) {
        bits->data[index / 8] = (char)(bits->data[index / 8] | 1 << (index % 8));
    }
}

static void put_validity(struct column *column, bool is_valid)
{
    put_bit(&column->validity, column->length, is_valid);
    column->length++;
    column->null_count += !is_valid;
}

static void put_fixed(struct column *column, const void *value, size_t size_bytes)
{
    put_validity(column, true);
    cli_text_append(&column->data, value, size_bytes);
}

static void put_double(struct column *column, double value)
{
    put_fixed(column, &value, sizeof value);
}

static void put_int(struct column *column, int32_t value)
{
    put_fixed(column, &value, sizeof value);
}

static void put_bool(struct column *column, bool value)
{
    put_bit(&column->data, column->length, value);
    put_validity(column, true);
}

/* Days since 1970, or DAYS_NULL. */
static void put_date(struct column *column, int32_t days)
{
    put_validity(column, days != DAYS_NULL);
    cli_text_append(&column->data, &days, sizeof days);
}

/* The first offset of a text or list column, then one for each row. */
static void put_offset(struct column *column, int64_t offset)
{
    int32_t narrow = (int32_t)offset;
    int32_t first = 0;
    if (column->offsets.len_bytes == 0) {
        cli_text_append(&column->offsets, &first, sizeof first);
    }
    cli_text_append(&column->offsets, &narrow, sizeof narrow);
}

static void put_text(struct column *column, const char *text)
{
    cli_text_append_string(&column->data, text);
    put_offset(column, (int64_t)column->data.len_bytes);
    put_validity(column, true);
}

/* Texts separated by '|', one list; NULL is a null. */
static void put_list(struct column *column, struct column *items, const char *texts)
{
    while (texts != NULL && *texts != '\0') {
        char item[32];
        size_t len_bytes = strcspn(texts, "|");
        (void)snprintf(item, sizeof item, "%.*s", (int)len_bytes, texts);
        put_text(items, item);
        texts += len_bytes + (texts[len_bytes] == '|');
    }
    put_offset(column, items->length);
    put_validity(column, texts != NULL);
}

/* Points the Arrow structs at what was collected. */
static void finish(struct column *column)
{
    bool has_offsets = column->offsets.len_bytes > 0;
    bool is_list = column->schema.format[0] == '+';
    column->buffers[0] = column->null_count == 0 ? NULL : column->validity.data;
    column->buffers[1] = has_offsets ? column->offsets.data : column->data.data;
    column->buffers[2] = column->data.data;
    column->array.length = column->length;
    column->array.null_count = column->null_count;
    column->array.buffers = column->buffers;
    column->array.n_buffers = has_offsets && !is_list ? 3 : 2;
}

static void add_items(struct column *list, struct column *items)
{
    finish(items);
    list->child_schema = &items->schema;
    list->child_array = &items->array;
    list->schema.children = &list->child_schema;
    list->schema.n_children = 1;
    list->array.children = &list->child_array;
    list->array.n_children = 1;
}

static void add_dictionary(struct column *codes, struct column *values)
{
    finish(values);
    codes->schema.dictionary = &values->schema;
    codes->array.dictionary = &values->array;
}

static void column_done(struct column *column)
{
    cli_text_done(&column->validity);
    cli_text_done(&column->offsets);
    cli_text_done(&column->data);
}

static cflight_status write_batch(const char *directory, const char *name,
                                  const struct ArrowSchema *schema, const struct ArrowArray *batch,
                                  cflight_error **reterr)
{
    struct cli_text path = CLI_TEXT_INIT;
    struct cli_output *output = NULL;
    cflight_ipc_writer *writer = NULL;
    cli_text_append_format(&path, "%s/%s.arrow", directory, name);
    cflight_status status = cli_output_open(&output, cli_text_terminated(&path), reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_ipc_writer_new(CFLIGHT_IPC_FORMAT_FILE, schema, cli_output_write, output,
                                        NULL, &writer, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_ipc_writer_write(writer, batch, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_ipc_writer_close(writer, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cli_output_close(output, reterr);
    }
    cflight_ipc_writer_free(writer);
    cli_output_free(output);
    cli_text_done(&path);
    return status;
}

/* Writes the columns as one batch, and frees them. */
static cflight_status write_file(const char *directory, const char *name, struct column *columns,
                                 int64_t count, cflight_error **reterr)
{
    struct ArrowSchema *fields[COLUMNS_MAX];
    struct ArrowArray *arrays[COLUMNS_MAX];
    const void *no_validity[] = {NULL};
    cflight_status status = CFLIGHT_OK;
    for (int64_t i = 0; i < count; i++) {
        finish(&columns[i]);
        fields[i] = &columns[i].schema;
        arrays[i] = &columns[i].array;
        if (columns[i].data.failed || columns[i].offsets.failed || columns[i].validity.failed) {
            status = CFLIGHT_RESOURCE_EXHAUSTED;
        }
    }
    struct ArrowSchema schema = {.format = "+s",
                                 .name = "",
                                 .n_children = count,
                                 .children = fields,
                                 .release = release_schema};
    struct ArrowArray batch = {.length = columns[0].length,
                               .n_buffers = 1,
                               .buffers = no_validity,
                               .n_children = count,
                               .children = arrays,
                               .release = release_array};
    status = status == CFLIGHT_OK ? write_batch(directory, name, &schema, &batch, reterr)
                                  : cflight_error_set_message(reterr, status, "out of memory");
    for (int64_t i = 0; i < count; i++) {
        column_done(&columns[i]);
    }
    return status;
}

/* --- airports --- */

static const struct {
    const char *code;
    const char *name;
    const char *city;
    const char *country;
    double latitude;
    double longitude;
    int32_t elevation_m;
} airports[] = {
    {"AMS", "Schiphol", "Amsterdam", "Netherlands", 52.31, 4.76, -3},
    {"ATL", "Hartsfield-Jackson", "Atlanta", "United States", 33.64, -84.43, 313},
    {"BKK", "Suvarnabhumi", "Bangkok", "Thailand", 13.68, 100.75, 2},
    {"BOG", "El Dorado", "Bogotá", "Colombia", 4.70, -74.15, 2548},
    {"CDG", "Charles de Gaulle", "Paris", "France", 49.01, 2.55, 119},
    {"CPT", "Cape Town International", "Cape Town", "South Africa", -33.96, 18.60, 46},
    {"DEL", "Indira Gandhi", "Delhi", "India", 28.57, 77.10, 237},
    {"DEN", "Denver International", "Denver", "United States", 39.86, -104.67, 1655},
    {"FRA", "Frankfurt am Main", "Frankfurt", "Germany", 50.03, 8.57, 111},
    {"GRU", "Guarulhos", "São Paulo", "Brazil", -23.44, -46.47, 750},
    {"HEL", "Helsinki-Vantaa", "Helsinki", "Finland", 60.32, 24.96, 55},
    {"JFK", "John F. Kennedy", "New York", "United States", 40.64, -73.78, 4},
    {"JNB", "O. R. Tambo", "Johannesburg", "South Africa", -26.14, 28.25, 1694},
    {"KEF", "Keflavík", "Reykjavík", "Iceland", 63.99, -22.61, 52},
    {"LHR", "Heathrow", "London", "United Kingdom", 51.47, -0.46, 25},
    {"MAD", "Adolfo Suárez Madrid-Barajas", "Madrid", "Spain", 40.47, -3.56, 609},
    {"MEX", "Benito Juárez", "Mexico City", "Mexico", 19.44, -99.07, 2230},
    {"SIN", "Changi", "Singapore", "Singapore", 1.35, 103.99, 7},
    {"SYD", "Kingsford Smith", "Sydney", "Australia", -33.95, 151.18, 6},
    {"ZRH", "Zürich", "Zürich", "Switzerland", 47.46, 8.55, 432},
};

static cflight_status write_airports(const char *directory, cflight_error **reterr)
{
    enum { COUNT = 7 };
    static const char *const names[COUNT] = {"code",     "name",      "city",       "country",
                                             "latitude", "longitude", "elevation_m"};
    static const char *const formats[COUNT] = {"u", "u", "u", "u", "g", "g", "i"};
    struct column columns[COUNT];
    start_all(columns, COUNT, names, formats);
    for (size_t i = 0; i < sizeof airports / sizeof airports[0]; i++) {
        put_text(&columns[0], airports[i].code);
        put_text(&columns[1], airports[i].name);
        put_text(&columns[2], airports[i].city);
        put_text(&columns[3], airports[i].country);
        put_double(&columns[4], airports[i].latitude);
        put_double(&columns[5], airports[i].longitude);
        put_int(&columns[6], airports[i].elevation_m);
    }
    return write_file(directory, "airports", columns, COUNT, reterr);
}

/* --- planets --- */

enum { TERRESTRIAL = 0, GAS_GIANT = 1, ICE_GIANT = 2 };

static const struct {
    const char *name;
    int8_t kind;
    int32_t diameter_km;
    double mass_10_24_kg;
    double year_days;
    bool has_rings;
    int32_t discovered_days; /* since 1970 */
    const char *large_moons; /* NULL: there are none at all */
} planets[] = {
    {"Mercury", TERRESTRIAL, 4879, 0.330, 88.0, false, DAYS_NULL, NULL},
    {"Venus", TERRESTRIAL, 12104, 4.87, 224.7, false, DAYS_NULL, NULL},
    {"Earth", TERRESTRIAL, 12756, 5.97, 365.2, false, DAYS_NULL, "Moon"},
    {"Mars", TERRESTRIAL, 6792, 0.642, 687.0, false, DAYS_NULL, "Phobos|Deimos"},
    {"Jupiter", GAS_GIANT, 142984, 1898, 4331, true, DAYS_NULL, "Io|Europa|Ganymede|Callisto"},
    {"Saturn", GAS_GIANT, 120536, 568, 10747, true, DAYS_NULL, "Titan|Rhea|Iapetus|Dione|Tethys"},
    {"Uranus", ICE_GIANT, 51118, 86.8, 30589, true, -68959, "Titania|Oberon|Umbriel|Ariel|Miranda"},
    {"Neptune", ICE_GIANT, 49528, 102, 59800, true, -45025, "Triton|Proteus"},
};

static cflight_status write_planets(const char *directory, cflight_error **reterr)
{
    enum { COUNT = 8 };
    static const char *const names[COUNT] = {"name",          "kind",       "diameter_km",
                                             "mass_10_24_kg", "year_days",  "has_rings",
                                             "discovered",    "large_moons"};
    static const char *const formats[COUNT] = {"u", "c", "i", "g", "g", "b", "tdD", "+l"};
    struct column columns[COUNT];
    struct column kinds;
    struct column moons;
    start_all(columns, COUNT, names, formats);
    start(&kinds, "", "u");
    start(&moons, "item", "u");
    put_text(&kinds, "terrestrial");
    put_text(&kinds, "gas giant");
    put_text(&kinds, "ice giant");
    for (size_t i = 0; i < sizeof planets / sizeof planets[0]; i++) {
        put_text(&columns[0], planets[i].name);
        put_fixed(&columns[1], &planets[i].kind, sizeof planets[i].kind);
        put_int(&columns[2], planets[i].diameter_km);
        put_double(&columns[3], planets[i].mass_10_24_kg);
        put_double(&columns[4], planets[i].year_days);
        put_bool(&columns[5], planets[i].has_rings);
        put_date(&columns[6], planets[i].discovered_days);
        put_list(&columns[7], &moons, planets[i].large_moons);
    }
    add_dictionary(&columns[1], &kinds);
    add_items(&columns[7], &moons);
    cflight_status status = write_file(directory, "planets", columns, COUNT, reterr);
    column_done(&kinds);
    column_done(&moons);
    return status;
}

/* --- elements --- */

static const struct {
    int32_t number;
    const char *symbol;
    const char *name;
    double weight;
    char phase; /* solid, liquid or gas at room temperature */
    bool is_metal;
} elements[] = {
    {1, "H", "hydrogen", 1.008, 'g', false},     {2, "He", "helium", 4.0026, 'g', false},
    {3, "Li", "lithium", 6.94, 's', true},       {4, "Be", "beryllium", 9.0122, 's', true},
    {5, "B", "boron", 10.81, 's', false},        {6, "C", "carbon", 12.011, 's', false},
    {7, "N", "nitrogen", 14.007, 'g', false},    {8, "O", "oxygen", 15.999, 'g', false},
    {9, "F", "fluorine", 18.998, 'g', false},    {10, "Ne", "neon", 20.180, 'g', false},
    {11, "Na", "sodium", 22.990, 's', true},     {12, "Mg", "magnesium", 24.305, 's', true},
    {13, "Al", "aluminium", 26.982, 's', true},  {14, "Si", "silicon", 28.085, 's', false},
    {15, "P", "phosphorus", 30.974, 's', false}, {16, "S", "sulfur", 32.06, 's', false},
    {17, "Cl", "chlorine", 35.45, 'g', false},   {18, "Ar", "argon", 39.95, 'g', false},
    {19, "K", "potassium", 39.098, 's', true},   {20, "Ca", "calcium", 40.078, 's', true},
    {26, "Fe", "iron", 55.845, 's', true},       {29, "Cu", "copper", 63.546, 's', true},
    {35, "Br", "bromine", 79.904, 'l', false},   {47, "Ag", "silver", 107.87, 's', true},
    {50, "Sn", "tin", 118.71, 's', true},        {79, "Au", "gold", 196.97, 's', true},
    {80, "Hg", "mercury", 200.59, 'l', true},    {82, "Pb", "lead", 207.2, 's', true},
    {92, "U", "uranium", 238.03, 's', true},
};

static const char *phase_name(char phase)
{
    return phase == 'g' ? "gas" : phase == 'l' ? "liquid" : "solid";
}

static cflight_status write_elements(const char *directory, cflight_error **reterr)
{
    enum { COUNT = 6 };
    static const char *const names[COUNT] = {"number", "symbol", "name",
                                             "weight", "phase",  "is_metal"};
    static const char *const formats[COUNT] = {"i", "u", "u", "g", "u", "b"};
    struct column columns[COUNT];
    start_all(columns, COUNT, names, formats);
    for (size_t i = 0; i < sizeof elements / sizeof elements[0]; i++) {
        put_int(&columns[0], elements[i].number);
        put_text(&columns[1], elements[i].symbol);
        put_text(&columns[2], elements[i].name);
        put_double(&columns[3], elements[i].weight);
        put_text(&columns[4], phase_name(elements[i].phase));
        put_bool(&columns[5], elements[i].is_metal);
    }
    return write_file(directory, "elements", columns, COUNT, reterr);
}

int main(int argc, char **argv)
{
    cflight_error *error = NULL;
    if (argc != 2) {
        (void)fprintf(stderr, "usage: cflight_samples DIRECTORY\n");
        return 2;
    }
    (void)mkdir(argv[1], 0777);
    cflight_status status = write_airports(argv[1], &error);
    if (status == CFLIGHT_OK) {
        status = write_planets(argv[1], &error);
    }
    if (status == CFLIGHT_OK) {
        status = write_elements(argv[1], &error);
    }
    if (status != CFLIGHT_OK) {
        (void)fprintf(stderr, "cflight_samples: %s\n", cflight_error_message(error));
    }
    cflight_error_free(error);
    return status == CFLIGHT_OK ? 0 : 1;
}
