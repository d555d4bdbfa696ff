cd $SRC/c-ares
./configure --disable-shared --enable-static --disable-tests
make -C src/lib
zip -qj $OUT/c-ares_seed_corpus.zip test/fuzzinput/*
$CXX $CXXFLAGS -Iinclude $SRC/harness.cc src/lib/.libs/libcares.a $LIB_FUZZING_ENGINE -o $OUT/c-ares
