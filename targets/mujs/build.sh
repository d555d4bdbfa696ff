# Builds Debian's mujs by its own Makefile, and the harness with it.
cd $SRC/mujs
make CC="$CC" HAVE_READLINE=no XCFLAGS="$CFLAGS" build=sanitize build/sanitize/libmujs.a
$CC $CFLAGS -I. -c $SRC/harness.c -o harness.o
$CXX $CXXFLAGS harness.o build/sanitize/libmujs.a -lm $LIB_FUZZING_ENGINE -o $OUT/mujs
