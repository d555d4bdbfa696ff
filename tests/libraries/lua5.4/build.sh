cd $SRC/lua5.4/src
echo '#define DEB_HOST_MULTIARCH "x86_64-linux-gnu"' > lua5.4-deb-multiarch.h
for file in l*.c; do
    case $file in lua.c | luac.c) ;; *) $CC $CFLAGS -DLUA_USE_POSIX -c $file ;; esac
done
ar rcs liblua.a *.o
$CC $CFLAGS -I. -c $SRC/harness.c -o $WORK/harness.o
$CXX $CXXFLAGS $WORK/harness.o liblua.a -lm $LIB_FUZZING_ENGINE -o $OUT/lua5.4
