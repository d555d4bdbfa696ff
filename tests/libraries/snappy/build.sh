cmake -S $SRC/snappy -B $WORK -DSNAPPY_BUILD_TESTS=OFF -DSNAPPY_BUILD_BENCHMARKS=OFF
make -C $WORK snappy
$CXX $CXXFLAGS -I$SRC/snappy -I$WORK $SRC/harness.cc $WORK/libsnappy.a $LIB_FUZZING_ENGINE -o $OUT/snappy
