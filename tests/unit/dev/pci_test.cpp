// tests/unit/dev/pci_test.cpp — bus masters that firmware left running, on several buses.
#include "dev/pci.h"

#include <map>

#include "tests/sim/cpu.h"
#include "tests/sim/test.h"

namespace {

struct Function {
    u32 base_class, command;
    bool multi = false;
};

// Configuration space behind ports CF8h and CFCh.
struct Bus : testing::Test {
    Bus() {
        sim::reset_cpus();
        sim::on_port_read([this](u16 port, u32) { return port == 0xCFC ? read() : ~0u; });
        sim::on_port_write([this](u16 port, u32 width, u32 value) {
            if (port == 0xCF8) selected = value;
            if (port == 0xCFC) write(width, value);
        });
    }
    ~Bus() override { sim::reset_cpus(); }

    static u32 at(u32 bus, u32 device, u32 function) {
        return 1u << 31 | bus << 16 | device << 11 | function << 8;
    }
    u32 read() {
        const auto found = functions.find(selected & ~0xFFu);
        if (found == functions.end()) return ~0u;
        switch (selected & 0xFF) {
        case 0x00:
            return 0x12341022;
        case 0x04:
            return 0x28100000 | found->second.command; // status bits that writing clears
        case 0x08:
            return found->second.base_class << 24;
        default:
            return found->second.multi ? 1u << 23 : 0;
        }
    }
    void write(u32 width, u32 value) {
        EXPECT_EQ(width, 2u) << "four bytes would clear status bits";
        EXPECT_EQ(selected & 0xFF, 4u);
        functions.at(selected & ~0xFFu).command = value;
    }

    u32 selected = 0;
    std::map<u32, Function> functions;
};

TEST_F(Bus, EveryFunctionOnEveryBusLosesItsBusMasterBitAlone) {
    functions[at(0, 2, 0)] = {0x02, 7};           // a network card
    functions[at(0x20, 31, 0)] = {0x01, 6, true}; // of another root
    functions[at(0x20, 31, 5)] = {0x0C, 0x406};
    functions[at(255, 0, 0)] = {0x08, 4};
    functions[at(1, 1, 0)] = {0x02, 3}; // is stopped already
    EXPECT_EQ(dev::stop_bus_masters(), 4u);
    EXPECT_EQ(functions[at(0, 2, 0)].command, 3u);
    EXPECT_EQ(functions[at(0x20, 31, 0)].command, 2u);
    EXPECT_EQ(functions[at(0x20, 31, 5)].command, 0x402u);
    EXPECT_EQ(functions[at(255, 0, 0)].command, 0u);
    EXPECT_EQ(dev::stop_bus_masters(), 0u);
}

TEST_F(Bus, BridgesAndDisplaysStayAsTheyAre) {
    functions[at(0, 1, 0)] = {0x06, 7};
    functions[at(1, 0, 0)] = {0x03, 7};
    EXPECT_EQ(dev::stop_bus_masters(), 0u);
    EXPECT_EQ(functions[at(0, 1, 0)].command, 7u);
    EXPECT_EQ(functions[at(1, 0, 0)].command, 7u);
}

TEST_F(Bus, AFunctionOfADeviceThatHasOneIsNotAskedFor) {
    functions[at(0, 3, 0)] = {0x02, 4};
    functions[at(0, 3, 1)] = {0x02, 4}; // some devices answer to every number
    EXPECT_EQ(dev::stop_bus_masters(), 1u);
}

TEST_F(Bus, AMachineWithoutPciHasNothingToStop) { EXPECT_EQ(dev::stop_bus_masters(), 0u); }

} // namespace
