# Builds Debian's sqlite3 by its own configure, and the harness with it.
cd $SRC/sqlite3
./configure --disable-shared --disable-tcl --disable-readline --disable-load-extension
make sqlite3.c
$CC $CFLAGS -DSQLITE_THREADSAFE=0 -DSQLITE_OMIT_LOAD_EXTENSION -DSQLITE_ENABLE_JSON1 -c sqlite3.c -o sqlite3.o
$CC $CFLAGS -I. -c $SRC/harness.c -o harness.o
$CXX $CXXFLAGS harness.o sqlite3.o $LIB_FUZZING_ENGINE -o $OUT/sqlite3
