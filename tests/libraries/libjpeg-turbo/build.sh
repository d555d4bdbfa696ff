cmake -S $SRC/libjpeg-turbo -B $WORK -DENABLE_SHARED=OFF -DWITH_SIMD=OFF
make -C $WORK turbojpeg-static
$CXX $CXXFLAGS -I$SRC/libjpeg-turbo $SRC/harness.cc $WORK/libturbojpeg.a $LIB_FUZZING_ENGINE -o $OUT/libjpeg-turbo
