// The SQLITE_TRANSIENT macro is a cast that Swift cannot import.
#pragma once
#include <sqlite3.h>
static inline sqlite3_destructor_type menwei_sqlite_transient(void) { return SQLITE_TRANSIENT; }
