# Builds Debian's expat by its own configure, and the harness with it. As an OSS-Fuzz project: $SRC, $OUT, $CC, $CFLAGS.
cd $SRC/expat/expat
./buildconf.sh
./configure --disable-shared --without-docbook --without-examples --without-tests --without-xmlwf
make -C lib
$CC $CFLAGS -Ilib -c $SRC/harness.c -o harness.o
$CXX $CXXFLAGS harness.o lib/.libs/libexpat.a $LIB_FUZZING_ENGINE -o $OUT/expat
