// tests/unit/svm/enable_test.cpp — switching SVM on, and the one line that says why it cannot be.
#include "svm/enable.h"

#include "svm/asid.h"
#include "tests/unit/svm/world.h"

namespace {

using namespace sim;
using cpu::Msr;

class EnableTest : public testing::Test {
  protected:
    EnableTest() {
        reset_cpus();
        cpu::write_msr(Msr::efer, 0xD00);
    }
    static std::string chain(rstate::Result<void> failed) {
        std::string text;
        const rstate::Error error = failed.take_error();
        rstate::print_error(
            {[](void *to, Text line) {
                 static_cast<std::string *>(to)->append(line.data(), line.size()).append("\n");
             },
             &text},
            error);
        rstate::handled(rstate::Error(std::move(const_cast<rstate::Error &>(error))));
        return text;
    }
};

TEST_F(EnableTest, SetsSvmeAndTheHostSaveAreaAndKeepsTheRestOfEfer) {
    ASSERT_TRUE(svm::enable(plain_features(), Phys(0x5000)).ok());
    EXPECT_EQ(cpu::read_msr(Msr::efer), 0x1D00u);
    EXPECT_EQ(cpu::read_msr(Msr::vm_hsave_pa), 0x5000u);
    svm::disable();
    EXPECT_EQ(cpu::read_msr(Msr::efer), 0xD00u);
    EXPECT_EQ(cpu::read_msr(Msr::vm_hsave_pa), 0u);
}

TEST_F(EnableTest, AProcessorWithoutSvmIsRefusedBeforeAnyMsrIsTouched) {
    cpu::Features features = plain_features();
    features.svm = false;
    cpu::write_msr(Msr::vm_cr, ~0ul);
    EXPECT_TRUE(fails_with(svm::enable(features, Phys(0x5000)), svm::not_supported));
    EXPECT_EQ(cpu::read_msr(Msr::efer), 0xD00u);
}

TEST_F(EnableTest, FirmwareThatDisabledSvmIsNamed) {
    cpu::write_msr(Msr::vm_cr, 1 << 4);
    EXPECT_TRUE(fails_with(svm::enable(plain_features(), Phys(0x5000)), svm::disabled_by_firmware));
    cpu::write_msr(Msr::vm_cr, 1 << 4 | 1 << 3);
    const std::string text = chain(svm::enable(plain_features(), Phys(0x5000)));
    EXPECT_NE(text.find("svm.disabled_by_firmware"), std::string::npos) << text;
    EXPECT_NE(text.find("locked"), std::string::npos) << text;
    EXPECT_EQ(cpu::read_msr(Msr::efer), 0xD00u);
}

TEST_F(EnableTest, ALockThatLeavesSvmOnIsNoObstacle) {
    cpu::write_msr(Msr::vm_cr, 1 << 3);
    EXPECT_TRUE(svm::enable(plain_features(), Phys(0x5000)).ok());
}

TEST_F(EnableTest, NestedPagingAndAnAsidAreRequired) {
    cpu::Features features = plain_features();
    features.nested_paging = false;
    EXPECT_TRUE(fails_with(svm::check_support(features), svm::no_nested_paging));
    features = plain_features();
    features.asid_count = 1;
    EXPECT_TRUE(fails_with(svm::check_support(features), svm::not_supported));
}

TEST_F(EnableTest, ACoreThatCannotStartTakesNoMachine) {
    SimMemory memory(16);
    cpu::Features features = plain_features();
    features.svm = false;
    svm::Core core(features, {Phys(0x1000)});
    EXPECT_TRUE(fails_with(core.start(memory, memory), svm::not_supported));
    EXPECT_EQ(memory.used(), 0u);
}

TEST_F(EnableTest, StartingACoreFailsCleanlyAtEveryStep) {
    for (u64 step = 0;; ++step) {
        ASSERT_LT(step, 20u);
        SimMemory memory(16);
        svm::Core core(plain_features(), {Phys(0x1000)});
        memory.fail_after(step);
        auto started = core.start(memory, memory);
        const bool failed = memory.failed();
        ASSERT_EQ(started.ok(), !failed);
        if (started.ok()) break;
        handled(std::move(started));
        EXPECT_EQ(memory.used(), 0u) << "step " << step;
    }
}

TEST_F(EnableTest, TheHostsHiddenStateIsSavedOnce) {
    SimMemory memory(16);
    svm::Core core(plain_features(), {Phys(0x1000)});
    ASSERT_TRUE(core.start(memory, memory).ok());
    EXPECT_EQ(sim::cpu().saved_vmcb, core.host_vmcb());
    EXPECT_NE(Phys(cpu::read_msr(Msr::vm_hsave_pa)), core.host_vmcb());
}

TEST(AsidAllocator, EachIsAllocatedOnceAndZeroNever) {
    svm::AsidAllocator asids(16);
    u64 seen = 0;
    for (u32 i = 0; i < 15; ++i) {
        const svm::Asid asid = asids.allocate().take();
        EXPECT_NE(asid.number, 0u);
        EXPECT_LT(asid.number, 16u);
        EXPECT_EQ(seen & 1ul << asid.number, 0u);
        seen |= 1ul << asid.number;
    }
    EXPECT_TRUE(fails_with(asids.allocate(), svm::out_of_asids));
    asids.free({7});
    EXPECT_EQ(asids.allocate().take().number, 7u);
    EXPECT_EQ(asids.in_use(), 15u);
}

TEST(AsidsDeathTest, GivingBackTwiceIsOurBug) {
    svm::AsidAllocator asids(16);
    const svm::Asid asid = asids.allocate().take();
    asids.free(asid);
    EXPECT_DEATH(asids.free(asid), "freed once");
}

} // namespace
