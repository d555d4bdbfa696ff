# Builds Debian's re2 by its own cmake, and the harness with it. Its tables are not in the source package.
make -C $SRC/re2 REBUILD_TABLES=1 re2/perl_groups.cc re2/unicode_casefold.cc re2/unicode_groups.cc
cmake -S $SRC/re2 -B $WORK -DRE2_BUILD_TESTING=OFF -DBUILD_SHARED_LIBS=OFF
make -C $WORK re2
$CXX $CXXFLAGS -std=c++17 -I$SRC/re2 $SRC/harness.cc $WORK/libre2.a $LIB_FUZZING_ENGINE -o $OUT/re2
