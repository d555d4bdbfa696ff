// Runs the input as a script in an interpreter that was made, and has run a script, before the first case.
#include <mujs.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static js_State *interpreter;
static char script[4097];

static void quiet(js_State *state, const char *message) { (void)state, (void)message; }

static const char prelude[] =
    "var list = [3, 1, 2].map(function (x) { return x * x; }).sort(), words = 'a-b-c'.split('-');"
    "var shape = JSON.parse('{\"sides\":[1,2,3],\"name\":\"s\"}'), when = new Date(0), re = /(a+)(b|c)*/g;"
    "function Point(x, y) { this.x = x; this.y = y; } Point.prototype.sum = function () { return this.x + "
    "this.y; };"
    "re.exec('aabc'); String(new Point(1, 2).sum()) + when.toISOString() + JSON.stringify(shape);";

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    interpreter = js_newstate(NULL, NULL, JS_STRICT);
    if (!interpreter) abort();
    js_setreport(interpreter, quiet);
    if (js_dostring(interpreter, prelude)) abort();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size >= sizeof script) return 0;
    memcpy(script, data, size);
    script[size] = 0;
    js_dostring(interpreter, script);
    return 0;
}
