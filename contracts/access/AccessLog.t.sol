// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Deployment} from "../test/Deployment.t.sol";
import {vm} from "../test/Vm.t.sol";
import {IAccessLog} from "./IAccessLog.sol";

contract AccessLogTest is Deployment {
    bytes32 private constant ROOT = keccak256("a root");

    function testFuzz_windowsFollowEachOtherWithoutAGap(uint8 windows, uint8 step) public {
        windows = windows % 10 + 1;
        uint64 from = 0;
        for (uint64 number = 1; number <= windows; ++number) {
            uint64 until = uint64(block.timestamp);
            bytes32 root = keccak256(abi.encode(number));
            vm.expectEmit(address(accessLog));
            emit IAccessLog.WindowAnchored(HOSPITAL_A, number, from, until, root);
            anchor(number, until, root);
            from = until;
            vm.warp(uint256(until) + 1 + step);
            vm.assertEq(accessLog.rootOf(HOSPITAL_A, number), root, "root");
        }
        (uint64 last, uint64 end) = accessLog.lastWindow(HOSPITAL_A);
        vm.assertEq(last, windows, "last number");
        vm.assertEq(end, from, "last end");
    }

    function test_eachMemberHasItsOwnWindows() public {
        anchor(1, uint64(NOW), ROOT);
        vm.prank(OPERATOR_B);
        accessLog.anchor(1, uint64(NOW) - 5, keccak256("B"));
        (uint64 number, uint64 until) = accessLog.lastWindow(HOSPITAL_A);
        vm.assertEq(number, 1, "number");
        vm.assertEq(until, NOW, "until");
        vm.assertEq(accessLog.rootOf(HOSPITAL_A, 1), ROOT, "root");
    }

    function test_aSuspendedMemberStillAddsEvidenceAndARemovedOneDoesNot() public {
        members.suspend(HOSPITAL_A);
        anchor(1, uint64(NOW), ROOT);
        members.remove(HOSPITAL_A);
        vm.expectRevert(abi.encodeWithSelector(IAccessLog.AccessLogOperatorUnknown.selector, OPERATOR_A));
        anchor(2, uint64(NOW) + 1, ROOT);
    }

    function testFuzz_windowsAreNumberedOneAfterTheOther(uint64 number) public {
        anchor(1, uint64(NOW), ROOT);
        if (number == 2) return;
        vm.expectRevert(
            abi.encodeWithSelector(IAccessLog.AccessLogNumberMismatch.selector, HOSPITAL_A, number, 2)
        );
        anchor(number, uint64(NOW) + 1, ROOT);
    }

    function testFuzz_aWindowEndsAfterTheLast(uint64 until) public {
        anchor(1, uint64(NOW), ROOT);
        until %= uint64(NOW + 1);
        vm.expectRevert(
            abi.encodeWithSelector(IAccessLog.AccessLogWindowInverted.selector, HOSPITAL_A, NOW, until)
        );
        anchor(2, until, ROOT);
    }

    function test_aWindowIsNotEmpty() public {
        anchor(1, uint64(NOW), ROOT);
        vm.expectRevert(
            abi.encodeWithSelector(IAccessLog.AccessLogWindowInverted.selector, HOSPITAL_A, NOW, NOW)
        );
        anchor(2, uint64(NOW), ROOT);
        anchor(2, uint64(NOW) + 1, ROOT);
    }

    function test_aWindowEndsAtMostAMinuteAhead() public {
        uint64 latest = uint64(NOW) + 60;
        vm.expectRevert(
            abi.encodeWithSelector(IAccessLog.AccessLogWindowAhead.selector, HOSPITAL_A, latest + 1, latest)
        );
        anchor(1, latest + 1, ROOT);
        anchor(1, latest, ROOT);
    }

    function testFuzz_oneEntryIsProvenAgainstItsWindow(bytes32 entry, bytes32 other) public {
        if (entry == other) return;
        bytes32 leaf = keccak256(abi.encode(keccak256(abi.encode(entry))));
        bytes32[] memory proof = new bytes32[](1);
        proof[0] = keccak256(abi.encode(keccak256(abi.encode(other))));
        bytes memory both = leaf < proof[0] ? abi.encode(leaf, proof[0]) : abi.encode(proof[0], leaf);
        vm.prank(OPERATOR_A);
        accessLog.anchor(1, uint64(NOW), keccak256(both));
        vm.assertTrue(accessLog.holds(HOSPITAL_A, 1, leaf, proof), "held");
        vm.assertTrue(!accessLog.holds(HOSPITAL_A, 1, keccak256("another"), proof), "another entry");
        vm.assertTrue(!accessLog.holds(HOSPITAL_A, 2, leaf, proof), "another window");
        vm.assertTrue(!accessLog.holds(HOSPITAL_B, 1, leaf, proof), "another member");
    }

    function test_zeroIsNoRoot() public {
        vm.expectRevert(abi.encodeWithSelector(IAccessLog.AccessLogRootZero.selector, HOSPITAL_A, 1));
        anchor(1, uint64(NOW), 0);
    }

    function anchor(uint64 number, uint64 until, bytes32 root) private {
        vm.prank(OPERATOR_A);
        accessLog.anchor(number, until, root);
    }
}
