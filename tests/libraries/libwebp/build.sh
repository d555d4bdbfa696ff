off() { printf -- '-DWEBP_BUILD_%s=OFF ' "$@"; }
cmake -S $SRC/libwebp -B $WORK $(off ANIM_UTILS CWEBP DWEBP GIF2WEBP IMG2WEBP VWEBP WEBPINFO WEBPMUX EXTRAS)
make -C $WORK webp
$CXX $CXXFLAGS -I$SRC/libwebp/src $SRC/harness.cc $WORK/libwebp.a -lpthread $LIB_FUZZING_ENGINE -o $OUT/libwebp
