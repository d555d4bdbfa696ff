cd $SRC/bzip2
make CC="$CC" CFLAGS="$CFLAGS -D_FILE_OFFSET_BITS=64" libbz2.a
$CXX $CXXFLAGS -I. $SRC/harness.cc libbz2.a $LIB_FUZZING_ENGINE -o $OUT/bzip2
