// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MemberStatus} from "../members/MemberTypes.sol";
import {Acts} from "../test/Acts.t.sol";
import {vm} from "../test/Vm.t.sol";
import {Objection, Reading} from "./ConsentTypes.sol";
import {
    ALL_FLAGS,
    ConsentState,
    ConsentWord,
    FLAG_APPROVED,
    FLAG_LATER_JOINERS,
    FLAG_MAY_REFER,
    FLAG_NEEDS_APPROVAL,
    FLAG_SNAPSHOT_ONLY
} from "./ConsentWord.sol";
import {IConsentRegistry} from "./IConsentRegistry.sol";

contract ConsentReadingTest is Acts {
    function test_everyFlagIsOneBit() public pure {
        vm.assertEq(FLAG_SNAPSHOT_ONLY, 1, "snapshot only");
        vm.assertEq(FLAG_MAY_REFER, 2, "may be referred on");
        vm.assertEq(FLAG_NEEDS_APPROVAL, 4, "needs approval");
        vm.assertEq(FLAG_LATER_JOINERS, 8, "later members too");
        vm.assertEq(FLAG_APPROVED, 16, "approved");
        vm.assertEq(ALL_FLAGS, 15, "all that can be signed");
    }

    function test_aWordIsReadBitByBit() public pure {
        uint256 bits = (uint256(2) << 254) | (uint256(0x2a) << 248) | (uint256(0x1234) << 232) | (uint256(0x5678) << 216);
        bits |= (uint256(0xabcdef) << 192) | (uint256(0x87654321) << 160) | uint160(0x00aa11BB22cC33Dd44eE55fF66007711);
        ConsentWord word = ConsentWord.wrap(bits);
        vm.assertEq(uint256(word.stateOf()), 2, "state");
        vm.assertEq(word.flagsOf(), 0x2a, "flags");
        vm.assertEq(word.fromDayOf(), 0x1234, "from");
        vm.assertEq(word.untilDayOf(), 0x5678, "until");
        vm.assertEq(word.versionOf(), 0xabcdef, "version");
        vm.assertEq(word.minedAtOf(), 0x87654321, "mined");
        vm.assertEq(word.termsOf(), 0x00aa11BB22cC33Dd44eE55fF66007711, "terms");
    }

    function test_oneReadingHoldsAllThatADecisionNeeds() public {
        bytes32 other = keccak256("another scope");
        bytes32 group = keccak256("GP practices");
        send(nextGrant(HANDLE, SCOPE));
        send(Objection(HANDLE, other, TERMS, 6));
        members.joinGroup(group, HOSPITAL_B);
        lockHandle(HANDLE, 8);
        members.suspend(HOSPITAL_B);
        vm.warp(NOW + 12);
        vm.roll(345);

        bytes32[] memory scopes = new bytes32[](3);
        (scopes[0], scopes[1], scopes[2]) = (other, keccak256("never used"), SCOPE);
        bytes32[] memory groups = new bytes32[](2);
        (groups[0], groups[1]) = (keccak256("no member"), group);
        Reading memory reading = consents.read(HANDLE, scopes, HOSPITAL_B, groups);

        vm.assertEq(reading.blockNumber, 345, "blockNumber");
        vm.assertEq(reading.blockTime, NOW + 12, "blockTime");
        vm.assertEq(reading.custodian, HOSPITAL_A, "custodian");
        vm.assertTrue(reading.handleWord.isLocked(), "locked");
        vm.assertEq(reading.handleWord.epochOf(), 9, "epoch");
        vm.assertTrue(reading.holder.status == MemberStatus.Live, "the custodian's status");
        vm.assertTrue(reading.grantee.status == MemberStatus.Suspended, "status");
        vm.assertEq(reading.grantee.admittedAt, NOW, "admittedAt");
        vm.assertTrue(reading.words[0].stateOf() == ConsentState.Objection, "objection");
        vm.assertEq(reading.words[0].versionOf(), 7, "version");
        vm.assertEq(ConsentWord.unwrap(reading.words[1]), 0, "nothing signed");
        vm.assertTrue(reading.words[2].stateOf() == ConsentState.Permit, "permit");
        vm.assertEq(reading.joinedAt[0], 0, "not in the group");
        vm.assertEq(reading.joinedAt[1], NOW, "joined");
    }

    function test_everyGroupAskedForIsRead() public {
        bytes32[] memory groups = new bytes32[](2);
        (groups[0], groups[1]) = (keccak256("GP practices"), keccak256("clinics"));
        members.joinGroup(groups[0], HOSPITAL_B);
        vm.warp(NOW + 3);
        members.joinGroup(groups[1], HOSPITAL_B);
        Reading memory reading = consents.read(HANDLE, new bytes32[](0), HOSPITAL_B, groups);
        vm.assertEq(reading.joinedAt[0], NOW, "the first");
        vm.assertEq(reading.joinedAt[1], NOW + 3, "the second");
        vm.assertEq(reading.words.length, 0, "no scope");
    }

    function testFuzz_ofAnUnknownHandleAndMemberNothingIsRead(bytes32 handle, bytes32 grantee) public view {
        if (handle == HANDLE || grantee == HOSPITAL_A || grantee == HOSPITAL_B) return;
        Reading memory reading = consents.read(handle, new bytes32[](1), grantee, new bytes32[](1));
        vm.assertEq(reading.custodian, 0, "custodian");
        vm.assertTrue(reading.grantee.status == MemberStatus.None, "status");
        vm.assertEq(ConsentWord.unwrap(reading.words[0]), 0, "word");
        vm.assertEq(reading.joinedAt[0], 0, "joinedAt");
    }

    function test_aReadingIsBounded() public {
        consents.read(HANDLE, new bytes32[](256), HOSPITAL_B, new bytes32[](256));
        bytes memory tooLong = abi.encodeWithSelector(IConsentRegistry.ConsentListTooLong.selector, 257, 256);
        vm.expectRevert(tooLong);
        consents.read(HANDLE, new bytes32[](257), HOSPITAL_B, new bytes32[](0));
        vm.expectRevert(tooLong);
        consents.read(HANDLE, new bytes32[](0), HOSPITAL_B, new bytes32[](257));
    }
}
