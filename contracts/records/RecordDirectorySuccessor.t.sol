// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ILine} from "../governance/ILine.sol";
import {Deployment} from "../test/Deployment.t.sol";
import {vm} from "../test/Vm.t.sol";
import {IRecordDirectory} from "./IRecordDirectory.sol";
import {IRecordDirectorySuccessor} from "./IRecordDirectorySuccessor.sol";
import {RecordDirectory} from "./RecordDirectory.sol";
import {RecordDirectorySuccessor} from "./RecordDirectorySuccessor.sol";

/// @title Registering at a directory or at its successor
abstract contract TwoDirectories is Deployment {
    RecordDirectory internal old;
    RecordDirectorySuccessor internal next;

    function setUp() public virtual override {
        super.setUp();
        old = records;
        next = new RecordDirectorySuccessor(members, old);
    }

    function register(RecordDirectory target, address operator, bytes32 tag, bytes32 commitment) internal {
        bytes32[] memory commitments = one(commitment);
        vm.prank(operator);
        target.register(one(tag), commitments, new bytes(160));
    }

    function one(bytes32 item) internal pure returns (bytes32[] memory list) {
        list = new bytes32[](1);
        list[0] = item;
    }
}

contract RecordDirectorySuccessorTest is TwoDirectories {
    bytes32 private constant TAG = keccak256("a tag");
    bytes32 private constant FIRST = keccak256("the first commitment");
    bytes32 private constant SECOND = keccak256("another commitment");

    function testFuzz_aTagThatIsNotHereIsLookedUpThere(bytes32 tag, bytes32 commitment) public {
        if (commitment == 0) return;
        vm.assertEq(next.commitmentOf(HOSPITAL_A, tag), 0, "none");
        register(old, OPERATOR_A, tag, commitment);
        vm.assertEq(next.commitmentOf(HOSPITAL_A, tag), commitment, "the predecessor's");
        vm.assertEq(next.commitmentOf(HOSPITAL_B, tag), 0, "another's tags are other tags");
        vm.assertEq(next.ownCommitmentOf(HOSPITAL_A, tag), 0, "nothing is written");
    }

    function test_aTagThatIsTakenThereIsSkippedAndReportedHere() public {
        register(old, OPERATOR_A, TAG, FIRST);
        vm.expectEmit(address(next));
        emit IRecordDirectory.TagTaken(HOSPITAL_A, TAG);
        register(next, OPERATOR_A, TAG, SECOND);
        vm.assertEq(next.commitmentOf(HOSPITAL_A, TAG), FIRST, "as it was");
        vm.assertEq(next.ownCommitmentOf(HOSPITAL_A, TAG), 0, "nothing is written");
    }

    function test_whatIsRegisteredHereIsNotChangedThere() public {
        vm.expectEmit(address(next));
        emit IRecordDirectory.RecordRegistered(HOSPITAL_A, TAG, FIRST, new bytes(160));
        register(next, OPERATOR_A, TAG, FIRST);
        register(old, OPERATOR_A, TAG, SECOND);
        next.adopt(HOSPITAL_A, one(TAG));
        vm.assertEq(next.commitmentOf(HOSPITAL_A, TAG), FIRST, "here");
        vm.assertEq(old.commitmentOf(HOSPITAL_A, TAG), SECOND, "there");
    }

    function test_anybodyAdoptsACommitmentAsItIsAndOnce() public {
        register(old, OPERATOR_A, TAG, FIRST);
        vm.expectEmit(address(next));
        emit IRecordDirectorySuccessor.RecordAdopted(HOSPITAL_A, TAG, FIRST);
        next.adopt(HOSPITAL_A, one(TAG));
        vm.snapshotGasLastCall("records", "adopting one tag");
        vm.assertEq(next.ownCommitmentOf(HOSPITAL_A, TAG), FIRST, "written");
        vm.recordLogs();
        next.adopt(HOSPITAL_A, one(TAG));
        next.adopt(HOSPITAL_B, one(TAG));
        vm.assertEq(vm.getRecordedLogs().length, 0, "once, and nothing that is not there");
        vm.assertEq(next.ownCommitmentOf(HOSPITAL_B, TAG), 0, "another's tag");
    }

    function test_manyTagsAreAdoptedAtOnce() public {
        bytes32[] memory tags = new bytes32[](200);
        bytes32[] memory commitments = new bytes32[](200);
        for (uint256 i = 0; i < 200; ++i) {
            (tags[i], commitments[i]) = (keccak256(abi.encode("tag", i)), keccak256(abi.encode("commitment", i)));
        }
        vm.prank(OPERATOR_A);
        old.register(tags, commitments, new bytes(200 * 160));
        next.adopt(HOSPITAL_A, tags);
        vm.snapshotGasLastCall("records", "adopting 200 tags");
        for (uint256 i = 0; i < 200; ++i) {
            vm.assertEq(next.ownCommitmentOf(HOSPITAL_A, tags[i]), commitments[i], "commitment");
        }
    }

    function test_adoptingIsBounded() public {
        for (uint256 count = 0; count <= 201; count += 201) {
            vm.expectRevert(abi.encodeWithSelector(IRecordDirectory.RecordCountInvalid.selector, count, 200));
            next.adopt(HOSPITAL_A, new bytes32[](count));
        }
    }

    function test_aLineIsLookedThroughToItsBeginning() public {
        register(old, OPERATOR_A, TAG, FIRST);
        RecordDirectorySuccessor third = new RecordDirectorySuccessor(members, next);
        vm.assertEq(third.commitmentOf(HOSPITAL_A, TAG), FIRST, "through both");
        address[] memory line = third.predecessors();
        vm.assertTrue(line.length == 2 && line[0] == address(next) && line[1] == address(old), "the line");
        vm.assertTrue(next.predecessors().length == 1 && next.predecessors()[0] == address(old), "the second");
    }

    function test_aPredecessorIsAContract() public {
        vm.expectRevert(abi.encodeWithSelector(ILine.PredecessorMissing.selector, address(0xE0A)));
        new RecordDirectorySuccessor(members, RecordDirectory(address(0xE0A)));
    }
}

/// @dev Two custodians register few tags at either directory, and anybody adopts; what the successor says first of a tag is
/// remembered.
contract RecordSuccessorActor is TwoDirectories {
    mapping(bytes32 custodian => mapping(bytes32 tag => bytes32)) public first;
    bool public adoptingChanged;

    /// @dev Once: the fuzzer calls it, too.
    function setUp() public override {
        if (address(next) == address(0)) super.setUp();
    }

    function tagOf(uint256 index) public pure returns (bytes32) {
        return keccak256(abi.encode("tag", index % 4));
    }

    function register(bool here, bool atA, uint256 index, bytes32 commitment) external {
        if (commitment == 0) return;
        register(here ? next : old, atA ? OPERATOR_A : OPERATOR_B, tagOf(index), commitment);
        _note();
    }

    function adopt(bool ofA, uint256 index) external {
        bytes32 custodian = ofA ? HOSPITAL_A : HOSPITAL_B;
        bytes32 before = next.commitmentOf(custodian, tagOf(index));
        next.adopt(custodian, one(tagOf(index)));
        if (next.commitmentOf(custodian, tagOf(index)) != before) adoptingChanged = true;
        if (next.ownCommitmentOf(custodian, tagOf(index)) != before) adoptingChanged = true;
    }

    function commitmentOf(bytes32 custodian, bytes32 tag) external view returns (bytes32) {
        return next.commitmentOf(custodian, tag);
    }

    function custodians() external pure returns (bytes32[2] memory) {
        return [HOSPITAL_A, HOSPITAL_B];
    }

    function _note() private {
        for (uint256 i = 0; i < 4; ++i) {
            _note(HOSPITAL_A, tagOf(i));
            _note(HOSPITAL_B, tagOf(i));
        }
    }

    function _note(bytes32 custodian, bytes32 tag) private {
        if (first[custodian][tag] == 0) first[custodian][tag] = next.commitmentOf(custodian, tag);
    }
}

contract RecordSuccessorInvariantsTest {
    RecordSuccessorActor private _actor;

    function setUp() public {
        _actor = new RecordSuccessorActor();
        _actor.setUp();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_actor);
    }

    function invariant_aTagOfALineIsNeverOverwritten() external view {
        bytes32[2] memory custodians = _actor.custodians();
        for (uint256 i = 0; i < 8; ++i) {
            (bytes32 custodian, bytes32 tag) = (custodians[i % 2], _actor.tagOf(i / 2));
            vm.assertEq(_actor.commitmentOf(custodian, tag), _actor.first(custodian, tag), "as it was first");
        }
    }

    function invariant_adoptingATagChangesNoCommitment() external view {
        vm.assertTrue(!_actor.adoptingChanged(), "changed");
    }
}
