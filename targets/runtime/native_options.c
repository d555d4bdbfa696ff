// targets/runtime/native_options.c — AddressSanitizer's options in ordinary programs of raclette-cc: what a
// configure script probes and a build runs may leak. Not weak: the sanitizer's own definition is, and comes
// first.
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "detect_leaks=0"; }
