make -C $SRC/lz4/lib liblz4.a
$CXX $CXXFLAGS -I$SRC/lz4/lib $SRC/harness.cc $SRC/lz4/lib/liblz4.a $LIB_FUZZING_ENGINE -o $OUT/lz4
