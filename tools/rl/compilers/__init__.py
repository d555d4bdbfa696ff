"""raclette-cc and raclette-c++: clang for build systems that are not ours."""
