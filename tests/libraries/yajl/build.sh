cmake -S $SRC/yajl -B $WORK
make -C $WORK yajl_s
zip -qj $OUT/yajl_seed_corpus.zip $SRC/yajl/test/parsing/cases/*.json
$CXX $CXXFLAGS -I$(echo $WORK/yajl-*/include) $SRC/harness.cc $WORK/yajl-*/lib/libyajl_s.a $LIB_FUZZING_ENGINE -o $OUT/yajl
