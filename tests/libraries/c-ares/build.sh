cmake -S $SRC/c-ares -B $WORK -DCARES_STATIC=ON -DCARES_SHARED=OFF -DCARES_BUILD_TOOLS=OFF
make -C $WORK
zip -qj $OUT/c-ares_seed_corpus.zip $SRC/c-ares/test/fuzzinput/*
$CXX $CXXFLAGS -I$SRC/c-ares/include -I$WORK $SRC/harness.cc $WORK/lib/libcares.a $LIB_FUZZING_ENGINE -o $OUT/c-ares
