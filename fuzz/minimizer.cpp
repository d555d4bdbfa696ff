// fuzz/minimizer.cpp — see minimizer.h.
#include "fuzz/minimizer.h"

namespace fuzz {

Minimizer::Minimizer(Buffer &input, Buffer &proposal) : input_(input), proposal_(proposal) {
    while (block_ * 2 < input_.size()) block_ *= 2;
}

bool Minimizer::propose() {
    if (pending_) at_ += block_; // the last proposal was not accepted: keep that block
    pending_ = false;
    while (at_ >= input_.size()) {
        if (block_ <= 1 || input_.empty()) return false;
        block_ /= 2;
        at_ = 0;
    }
    proposal_.assign(input_.bytes());
    proposal_.erase(at_, min(block_, input_.size() - at_));
    return pending_ = true;
}

void Minimizer::accept() {
    input_.assign(proposal_.bytes());
    pending_ = false;
}

} // namespace fuzz
