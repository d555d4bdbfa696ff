// kernel/instances.cpp — the templates that every case runs, instantiated for the kernel's own memory.
#include "kernel/world.h"

template class vm::GuestMemory<kernel::Windows, kernel::Frames>;
template class svm::Machine<kernel::Windows, kernel::Frames>;
template class guest::Process<kernel::Machine>;
