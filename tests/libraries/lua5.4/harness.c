// Runs the input as a chunk of Lua in a state that was made, with its libraries, before the first case.
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

static lua_State *state;

static void too_long(lua_State *running, lua_Debug *unused) { (void)unused, luaL_error(running, "too long"); }

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    state = luaL_newstate();
    if (!state) abort();
    luaL_openlibs(state);
    lua_pushnil(state);
    lua_setglobal(state, "os"); /* os.exit would end the target */
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    lua_sethook(state, too_long, LUA_MASKCOUNT, 10000);
    if (luaL_loadbufferx(state, (const char *)data, size, "input", "t") == LUA_OK) lua_pcall(state, 0, 0, 0);
    return 0;
}
