cd $SRC/tinyxml2
$CXX $CXXFLAGS -c tinyxml2.cpp -o tinyxml2.o
ar rcs libtinyxml2.a tinyxml2.o
zip -qj $OUT/tinyxml2_seed_corpus.zip resources/utf8test.xml resources/xmltest-*.xml
$CXX $CXXFLAGS -I. $SRC/harness.cc libtinyxml2.a $LIB_FUZZING_ENGINE -o $OUT/tinyxml2
