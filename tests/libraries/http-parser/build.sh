make -C $SRC/http-parser CC="$CC" CFLAGS="$CFLAGS" package
$CXX $CXXFLAGS -I$SRC/http-parser $SRC/harness.cc $SRC/http-parser/libhttp_parser.a $LIB_FUZZING_ENGINE \
    -o $OUT/http-parser
