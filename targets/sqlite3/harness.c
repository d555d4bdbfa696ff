// Runs SQL on a database in a file of /tmp, which was made and filled before the first case.
#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

static sqlite3 *database;
static int steps;

static int too_many(void *unused) { return unused == NULL && ++steps > 200; }

static const char made[] =
    "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c REAL, d TEXT DEFAULT CURRENT_TIMESTAMP);"
    "CREATE INDEX i ON t(b, c);"
    "INSERT INTO t(b, c) VALUES('one', 1.5), ('two', 2.5), ('three', julianday('now'));";

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    if (sqlite3_open("/tmp/fuzz.db", &database) != SQLITE_OK) abort();
    if (sqlite3_exec(database, made, NULL, NULL, NULL) != SQLITE_OK) abort();
    sqlite3_limit(database, SQLITE_LIMIT_LENGTH, 1 << 20);
    sqlite3_limit(database, SQLITE_LIMIT_VDBE_OP, 10000);
    sqlite3_progress_handler(database, 100, too_many, NULL);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *sql = sqlite3_mprintf("%.*s", (int)size, (const char *)data);
    steps = 0;
    sqlite3_exec(database, sql, NULL, NULL, NULL);
    sqlite3_free(sql);
    return 0;
}
