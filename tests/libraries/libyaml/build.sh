cmake -S $SRC/libyaml -B $WORK -DBUILD_TESTING=OFF -DBUILD_SHARED_LIBS=OFF
make -C $WORK
zip -qj $OUT/libyaml_seed_corpus.zip $SRC/libyaml/examples/*.yaml
$CXX $CXXFLAGS -I$SRC/libyaml/include $SRC/harness.cc $WORK/libyaml.a $LIB_FUZZING_ENGINE -o $OUT/libyaml
