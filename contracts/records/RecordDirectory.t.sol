// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IMemberRegistry} from "../members/IMemberRegistry.sol";
import {MemberStatus, ROLE_CUSTODIAN, ROLE_REQUESTER} from "../members/MemberTypes.sol";
import {Deployment} from "../test/Deployment.t.sol";
import {vm} from "../test/Vm.t.sol";
import {IRecordDirectory} from "./IRecordDirectory.sol";

contract RecordDirectoryTest is Deployment {
    function testFuzz_aBatchKeepsEachCommitmentUnderItsTag(uint8 count, uint256 seed) public {
        count = count == 0 ? 1 : count % 200 + 1;
        (bytes32[] memory tags, bytes32[] memory commitments, bytes memory pointers) = batch(count, seed);
        vm.prank(OPERATOR_A);
        records.register(tags, commitments, pointers);
        for (uint256 i = 0; i < count; ++i) {
            vm.assertEq(records.commitmentOf(HOSPITAL_A, tags[i]), commitments[i], "commitment");
            vm.assertEq(records.commitmentOf(HOSPITAL_B, tags[i]), 0, "another's tags are other tags");
        }
    }

    function test_eachPointerLiesInItsOwnEvent() public {
        (bytes32[] memory tags, bytes32[] memory commitments, bytes memory pointers) = batch(2, 7);
        for (uint256 i = 0; i < 2; ++i) {
            bytes memory pointer = new bytes(160);
            for (uint256 j = 0; j < 160; ++j) pointer[j] = pointers[i * 160 + j];
            vm.expectEmit(address(records));
            emit IRecordDirectory.RecordRegistered(HOSPITAL_A, tags[i], commitments[i], pointer);
        }
        vm.prank(OPERATOR_A);
        records.register(tags, commitments, pointers);
    }

    function test_aTagThatIsTakenIsSkippedAndReported() public {
        (bytes32[] memory tags, bytes32[] memory commitments, bytes memory pointers) = batch(3, 7);
        register(tags[1], commitments[1]);
        bytes32 first = commitments[1];
        commitments[1] = keccak256("another");

        vm.expectEmit(address(records));
        emit IRecordDirectory.TagTaken(HOSPITAL_A, tags[1]);
        vm.prank(OPERATOR_A);
        records.register(tags, commitments, pointers);
        vm.assertEq(records.commitmentOf(HOSPITAL_A, tags[0]), commitments[0], "before it");
        vm.assertEq(records.commitmentOf(HOSPITAL_A, tags[1]), first, "as it was");
        vm.assertEq(records.commitmentOf(HOSPITAL_A, tags[2]), commitments[2], "after it");
    }

    function test_aTagTwiceInOneBatchKeepsTheFirst() public {
        (bytes32[] memory tags, bytes32[] memory commitments, bytes memory pointers) = batch(2, 7);
        tags[1] = tags[0];
        vm.prank(OPERATOR_A);
        records.register(tags, commitments, pointers);
        vm.assertEq(records.commitmentOf(HOSPITAL_A, tags[0]), commitments[0], "first");
    }

    function test_anEmptyOrOversizedBatchIsRefused() public {
        for (uint256 count = 0; count <= 201; count += 201) {
            (bytes32[] memory tags, bytes32[] memory commitments, bytes memory pointers) = batch(count, 7);
            vm.expectRevert(abi.encodeWithSelector(IRecordDirectory.RecordCountInvalid.selector, count, 200));
            vm.prank(OPERATOR_A);
            records.register(tags, commitments, pointers);
        }
    }

    function test_aBatchHoldsTwoHundredEntries() public {
        (bytes32[] memory tags, bytes32[] memory commitments, bytes memory pointers) = batch(200, 7);
        vm.prank(OPERATOR_A);
        records.register(tags, commitments, pointers);
        vm.assertEq(records.commitmentOf(HOSPITAL_A, tags[199]), commitments[199], "the last");
    }

    function test_listsOfDifferentLengthAreRefused() public {
        (bytes32[] memory tags, , bytes memory pointers) = batch(2, 7);
        vm.expectRevert(abi.encodeWithSelector(IRecordDirectory.RecordCommitmentsMismatch.selector, 2, 1));
        vm.prank(OPERATOR_A);
        records.register(tags, new bytes32[](1), pointers);
    }

    function testFuzz_pointersOfAnotherLengthAreRefused(uint16 length) public {
        if (length == 320) return;
        (bytes32[] memory tags, bytes32[] memory commitments, ) = batch(2, 7);
        vm.expectRevert(abi.encodeWithSelector(IRecordDirectory.RecordPointersMismatch.selector, length, 320));
        vm.prank(OPERATOR_A);
        records.register(tags, commitments, new bytes(length));
    }

    function test_zeroIsNoCommitment() public {
        (bytes32[] memory tags, bytes32[] memory commitments, bytes memory pointers) = batch(3, 7);
        commitments[2] = 0;
        vm.expectRevert(abi.encodeWithSelector(IRecordDirectory.RecordCommitmentZero.selector, 2));
        vm.prank(OPERATOR_A);
        records.register(tags, commitments, pointers);
        vm.assertEq(records.commitmentOf(HOSPITAL_A, tags[0]), 0, "nothing of the batch landed");
    }

    function test_onlyALiveCustodianRegisters() public {
        (bytes32[] memory tags, bytes32[] memory commitments, bytes memory pointers) = batch(1, 7);
        vm.expectRevert(abi.encodeWithSelector(IMemberRegistry.MemberOperatorUnknown.selector, address(this)));
        records.register(tags, commitments, pointers);

        members.setRoles(HOSPITAL_A, ROLE_REQUESTER);
        vm.expectRevert(
            abi.encodeWithSelector(IMemberRegistry.MemberRoleMissing.selector, HOSPITAL_A, ROLE_CUSTODIAN)
        );
        vm.prank(OPERATOR_A);
        records.register(tags, commitments, pointers);

        members.suspend(HOSPITAL_B);
        vm.expectRevert(
            abi.encodeWithSelector(
                IMemberRegistry.MemberStatusInvalid.selector, HOSPITAL_B, MemberStatus.Suspended
            )
        );
        vm.prank(OPERATOR_B);
        records.register(tags, commitments, pointers);
    }

    function register(bytes32 tag, bytes32 commitment) private {
        bytes32[] memory tags = new bytes32[](1);
        bytes32[] memory commitments = new bytes32[](1);
        (tags[0], commitments[0]) = (tag, commitment);
        vm.prank(OPERATOR_A);
        records.register(tags, commitments, new bytes(160));
    }

    function batch(
        uint256 count,
        uint256 seed
    ) private pure returns (bytes32[] memory tags, bytes32[] memory commitments, bytes memory pointers) {
        (tags, commitments, pointers) = (new bytes32[](count), new bytes32[](count), new bytes(count * 160));
        for (uint256 i = 0; i < count; ++i) {
            tags[i] = keccak256(abi.encode("tag", seed, i));
            commitments[i] = keccak256(abi.encode("commitment", seed, i));
            pointers[i * 160] = bytes1(uint8(i + 1));
        }
    }
}

/// @dev Two custodians register few tags again and again; the first commitment of each is remembered.
contract RecordActor is Deployment {
    mapping(bytes32 custodian => mapping(bytes32 tag => bytes32)) public first;

    /// @dev Once: the fuzzer calls it, too.
    function setUp() public override {
        if (address(records) == address(0)) super.setUp();
    }

    function tagOf(uint256 index) public pure returns (bytes32) {
        return keccak256(abi.encode("tag", index % 4));
    }

    function register(bool atA, uint256 index, uint8 count, bytes32 commitment) external {
        count = count % 3 + 1;
        bytes32[] memory tags = new bytes32[](count);
        bytes32[] memory commitments = new bytes32[](count);
        bytes32 custodian = atA ? HOSPITAL_A : HOSPITAL_B;
        for (uint256 i = 0; i < count; ++i) {
            tags[i] = tagOf(index % 4 + i);
            commitments[i] = keccak256(abi.encode(commitment, i));
            if (first[custodian][tags[i]] == 0) first[custodian][tags[i]] = commitments[i];
        }
        vm.prank(atA ? OPERATOR_A : OPERATOR_B);
        records.register(tags, commitments, new bytes(uint256(count) * 160));
    }

    function commitmentOf(bytes32 custodian, bytes32 tag) external view returns (bytes32) {
        return records.commitmentOf(custodian, tag);
    }

    function custodians() external pure returns (bytes32, bytes32) {
        return (HOSPITAL_A, HOSPITAL_B);
    }
}

contract RecordInvariantsTest {
    RecordActor private _actor;

    function setUp() public {
        _actor = new RecordActor();
        _actor.setUp();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_actor);
    }

    function invariant_aTagIsNeverOverwritten() external view {
        (bytes32 a, bytes32 b) = _actor.custodians();
        for (uint256 i = 0; i < 4; ++i) {
            bytes32 tag = _actor.tagOf(i);
            vm.assertEq(_actor.commitmentOf(a, tag), _actor.first(a, tag), "at A");
            vm.assertEq(_actor.commitmentOf(b, tag), _actor.first(b, tag), "at B");
        }
    }
}
