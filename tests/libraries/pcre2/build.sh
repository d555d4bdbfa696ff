cd $SRC/pcre2
./configure --disable-shared --disable-pcre2grep-libz
make libpcre2-8.la
$CXX $CXXFLAGS -Isrc $SRC/harness.cc .libs/libpcre2-8.a $LIB_FUZZING_ENGINE -o $OUT/pcre2
