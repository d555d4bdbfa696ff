cd $SRC/cjson
$CC $CFLAGS -c cJSON.c -o cJSON.o
$CC $CFLAGS -c cJSON_Utils.c -o cJSON_Utils.o
ar rcs libcjson.a cJSON.o cJSON_Utils.o
zip -qj $OUT/cjson_seed_corpus.zip tests/inputs/test*
$CXX $CXXFLAGS -I. $SRC/harness.cc libcjson.a $LIB_FUZZING_ENGINE -o $OUT/cjson
