cmake -S $SRC/cmark -B $WORK -DCMARK_TESTS=OFF -DCMARK_SHARED=OFF
make -C $WORK cmark_static
zip -qj $OUT/cmark_seed_corpus.zip $SRC/cmark/test/afl_test_cases/*
$CC $CFLAGS -I$SRC/cmark/src -I$WORK/src -c $SRC/harness.c -o $WORK/harness.o
$CXX $CXXFLAGS $WORK/harness.o $WORK/src/libcmark.a $LIB_FUZZING_ENGINE -o $OUT/cmark
