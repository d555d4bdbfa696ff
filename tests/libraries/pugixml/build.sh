cd $SRC/pugixml
$CXX $CXXFLAGS -c src/pugixml.cpp -o pugixml.o
ar rcs libpugixml.a pugixml.o
zip -qj $OUT/pugixml_seed_corpus.zip tests/data_fuzz_xpath/*
$CXX $CXXFLAGS -Isrc $SRC/harness.cc libpugixml.a $LIB_FUZZING_ENGINE -o $OUT/pugixml
