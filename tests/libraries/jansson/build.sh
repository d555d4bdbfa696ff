cmake -S $SRC/jansson -B $WORK -DJANSSON_BUILD_DOCS=OFF -DJANSSON_WITHOUT_TESTS=ON -DJANSSON_EXAMPLES=OFF
make -C $WORK
$CC $CFLAGS -I$WORK/include -c $SRC/harness.c -o $WORK/harness.o
$CXX $CXXFLAGS $WORK/harness.o $WORK/lib/libjansson.a $LIB_FUZZING_ENGINE -o $OUT/jansson
