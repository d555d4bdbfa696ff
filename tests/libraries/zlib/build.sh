cd $SRC/zlib
./configure --static
make libz.a
$CXX $CXXFLAGS -I. $SRC/harness.cc libz.a $LIB_FUZZING_ENGINE -o $OUT/zlib
