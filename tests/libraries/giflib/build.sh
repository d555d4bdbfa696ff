make -C $SRC/giflib CC="$CC" OFLAGS="$CFLAGS" libgif.a
zip -qj $OUT/giflib_seed_corpus.zip $SRC/giflib/pic/*.gif
$CXX $CXXFLAGS -I$SRC/giflib $SRC/harness.cc $SRC/giflib/libgif.a $LIB_FUZZING_ENGINE -o $OUT/giflib
