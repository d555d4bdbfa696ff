// fuzz/minimizer.cpp — see triage.h.
#include "fuzz/minimizer.h"

#include "base/hash.h"

namespace fuzz {

namespace {} // namespace

void write_function(const Output &out, u64 pc, const rstate::Resolver *resolver) {
    TextBuffer<160> name;
    if (resolver != nullptr && resolver->resolve(resolver->context, pc, name.output())) {
        Text text = name.text();
        out(text.sub(0, text.find('+')));
    } else {
        print(out, "{x}", pc);
    }
}

void Shrinker::begin() {
    for (block_ = 1; block_ * 2 < input_.size();) block_ *= 2;
    at_ = 0;
}

bool Shrinker::propose() {
    if (pending_) at_ += block_; // the last one did not serve: keep that block
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

void Shrinker::accept() {
    input_.assign(proposal_.bytes());
    pending_ = false;
}

} // namespace fuzz
