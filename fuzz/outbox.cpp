// fuzz/outbox.cpp — see outbox.h.
#include "fuzz/outbox.h"

namespace fuzz {

Output ByteQueue::begin() {
    draft_ = written_.load();
    cut_ = false;
    return {&append_to, this};
}

void ByteQueue::append_to(void *self, Text text) {
    ByteQueue &queue = *static_cast<ByteQueue *>(self);
    const u64 size = queue.room_.size();
    if (queue.cut_ || text.size() > size - (queue.draft_ - queue.read_.load(Order::acquire))) {
        queue.cut_ = true;
        return;
    }
    const u64 start = queue.draft_ & (size - 1), whole = min(text.size(), size - start);
    if (whole != 0) __builtin_memcpy(queue.room_.data() + start, text.data(), whole);
    if (whole < text.size()) __builtin_memcpy(queue.room_.data(), text.data() + whole, text.size() - whole);
    queue.draft_ += text.size();
}

bool ByteQueue::commit() {
    append_to(this, {"", 1});
    if (cut_) return false;
    written_.store(draft_, Order::release);
    return true;
}

Bytes ByteQueue::peek() const {
    const u64 from = read_.load(), to = written_.load(Order::acquire), size = room_.size();
    const u64 start = from & (size - 1);
    return {room_.data() + start, min(to - from, size - start)};
}

ByteQueue *Merger::choose(Span<Outbox *const> outboxes) {
    for (Outbox *const outbox : outboxes)
        if (!outbox->urgent.empty()) return &outbox->urgent;
    for (Outbox *const outbox : outboxes)
        if (!outbox->statistics.empty()) return &outbox->statistics;
    for (usize i = 0; i < outboxes.size(); ++i) {
        turn_ = turn_ + 1 < outboxes.size() ? turn_ + 1 : 0;
        if (!outboxes[turn_]->ordinary.empty()) return &outboxes[turn_]->ordinary;
    }
    return nullptr;
}

Bytes Merger::next(Span<Outbox *const> outboxes, usize limit) {
    for (;;) {
        if (current_ == nullptr) current_ = choose(outboxes);
        if (current_ == nullptr) return {};
        const Bytes bytes = current_->peek();
        CHECK(!bytes.empty(), "a message is visible up to its end");
        offered_ = 0;
        while (offered_ < min(bytes.size(), limit) && bytes[offered_] != 0) ++offered_;
        if (offered_ != 0 || limit == 0) return bytes.first(offered_);
        current_->drop(1); // the message's end
        current_ = nullptr;
    }
}

void Merger::sent(usize count) {
    CHECK(count <= offered_, "only offered bytes are sent", count, offered_);
    if (count != 0) current_->drop(count);
    offered_ = 0;
}

} // namespace fuzz
