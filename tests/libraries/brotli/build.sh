cmake -S $SRC/brotli -B $WORK -DBUILD_TESTING=OFF
make -C $WORK brotlidec-static
zip -qj $OUT/brotli_seed_corpus.zip $SRC/brotli/tests/testdata/*.compressed
$CXX $CXXFLAGS -I$SRC/brotli/c/include $SRC/harness.cc $WORK/libbrotlidec-static.a $WORK/libbrotlicommon-static.a \
    $LIB_FUZZING_ENGINE -o $OUT/brotli
