// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ILine} from "../governance/ILine.sol";
import {Deployment} from "../test/Deployment.t.sol";
import {vm} from "../test/Vm.t.sol";
import {AccessLog} from "./AccessLog.sol";
import {AccessLogSuccessor} from "./AccessLogSuccessor.sol";
import {IAccessLog} from "./IAccessLog.sol";

contract AccessLogSuccessorTest is Deployment {
    bytes32 private constant ROOT = keccak256("a root");
    bytes32 private constant OTHER = keccak256("another root");

    AccessLog private old;
    AccessLogSuccessor private next;

    function setUp() public override {
        super.setUp();
        old = accessLog;
        next = new AccessLogSuccessor(members, old);
    }

    function testFuzz_theFirstWindowHereFollowsTheLastThere(uint8 windows, uint8 length) public {
        windows = windows % 5 + 1;
        for (uint64 number = 1; number <= windows; ++number) {
            anchor(old, number, uint64(block.timestamp), keccak256(abi.encode(number)));
            vm.warp(block.timestamp + 1 + length);
        }
        (uint64 last, uint64 until) = next.lastWindow(HOSPITAL_A);
        vm.assertEq(last, windows, "number taken over");
        vm.assertEq(next.takenOver(HOSPITAL_A), windows, "not begun");
        vm.expectEmit(address(next));
        emit IAccessLog.WindowAnchored(HOSPITAL_A, last + 1, until, until + 1, ROOT);
        anchor(next, last + 1, until + 1, ROOT);
        (uint64 number_, uint64 until_) = next.lastWindow(HOSPITAL_A);
        vm.assertTrue(number_ == windows + 1 && until_ == until + 1, "goes on here");
        vm.assertEq(next.takenOver(HOSPITAL_A), windows, "taken over");
        anchor(next, windows + 2, until + 2, OTHER);
        vm.assertEq(next.takenOver(HOSPITAL_A), windows, "for good");
        vm.assertEq(next.rootOf(HOSPITAL_A, windows + 2), OTHER, "the second here");
        vm.assertTrue(!next.hasForked(HOSPITAL_A), "one line");
    }

    function test_aWindowHereNeitherLeavesANumberOutNorReachesBackNorTakesOneTwice() public {
        anchor(old, 1, uint64(NOW), ROOT);
        vm.expectRevert(
            abi.encodeWithSelector(IAccessLog.AccessLogNumberMismatch.selector, HOSPITAL_A, 1, 2)
        );
        anchor(next, 1, uint64(NOW) + 1, ROOT);
        vm.expectRevert(
            abi.encodeWithSelector(IAccessLog.AccessLogNumberMismatch.selector, HOSPITAL_A, 3, 2)
        );
        anchor(next, 3, uint64(NOW) + 1, ROOT);
        vm.expectRevert(
            abi.encodeWithSelector(IAccessLog.AccessLogWindowInverted.selector, HOSPITAL_A, NOW, NOW)
        );
        anchor(next, 2, uint64(NOW), ROOT);
        vm.assertEq(next.takenOver(HOSPITAL_A), 1, "nothing has begun");
        vm.expectRevert(abi.encodeWithSelector(IAccessLog.AccessLogRootZero.selector, HOSPITAL_A, 2));
        anchor(next, 2, uint64(NOW) + 1, 0);
        // Until it has, the predecessor goes on.
        anchor(old, 2, uint64(NOW) + 1, OTHER);
        vm.assertEq(next.rootOf(HOSPITAL_A, 2), OTHER, "followed");
    }

    function test_anEarlierWindowIsProvenHereAsWell() public {
        bytes32 leaf = keccak256("a leaf");
        bytes32[] memory none = new bytes32[](0);
        anchor(old, 1, uint64(NOW), leaf);
        vm.assertTrue(next.holds(HOSPITAL_A, 1, leaf, none), "before");
        anchor(next, 2, uint64(NOW) + 1, ROOT);
        vm.snapshotGasLastCall("access", "window, first at a successor");
        vm.assertTrue(next.holds(HOSPITAL_A, 1, leaf, none), "afterwards");
        vm.assertTrue(!next.holds(HOSPITAL_A, 2, leaf, none), "in its own window");
        vm.assertTrue(next.holds(HOSPITAL_A, 2, ROOT, none), "and a later one");
        vm.assertEq(next.rootOf(HOSPITAL_A, 0), 0, "none is numbered zero");
    }

    function test_aWindowAnchoredThereAfterwardsCountsForNothingHereAndIsSeen() public {
        anchor(old, 1, uint64(NOW), ROOT);
        anchor(next, 2, uint64(NOW) + 1, ROOT);
        vm.assertTrue(!next.hasForked(HOSPITAL_A), "not yet");
        anchor(old, 2, uint64(NOW) + 2, OTHER);
        anchor(old, 3, uint64(NOW) + 3, OTHER);
        vm.assertTrue(next.hasForked(HOSPITAL_A), "seen");
        vm.assertEq(next.rootOf(HOSPITAL_A, 2), ROOT, "its own");
        vm.assertEq(next.rootOf(HOSPITAL_A, 3), 0, "nothing from there");
        (uint64 number, uint64 until) = next.lastWindow(HOSPITAL_A);
        vm.assertTrue(number == 2 && until == NOW + 1, "the last");
        anchor(next, 3, uint64(NOW) + 2, ROOT);
        vm.assertEq(next.rootOf(HOSPITAL_A, 3), ROOT, "goes on");
        vm.assertTrue(!next.hasForked(HOSPITAL_B), "another member");
    }

    function test_aMemberWithoutWindowsBeginsWithTheFirst() public {
        (uint64 number, uint64 until) = next.lastWindow(HOSPITAL_A);
        vm.assertTrue(number == 0 && until == 0, "none");
        anchor(next, 1, uint64(NOW), ROOT);
        anchor(old, 1, uint64(NOW), OTHER);
        vm.assertEq(next.rootOf(HOSPITAL_A, 1), ROOT, "its own");
        vm.assertTrue(next.hasForked(HOSPITAL_A), "forked");
        vm.assertTrue(next.takenOver(HOSPITAL_B) == 0 && next.takenOver(HOSPITAL_A) == 0, "nothing");
    }

    function test_aLineIsLookedThroughToItsBeginning() public {
        anchor(old, 1, uint64(NOW), ROOT);
        anchor(next, 2, uint64(NOW) + 1, OTHER);
        AccessLogSuccessor third = new AccessLogSuccessor(members, next);
        anchor(third, 3, uint64(NOW) + 2, ROOT);
        vm.assertEq(third.rootOf(HOSPITAL_A, 1), ROOT, "the first");
        vm.assertEq(third.rootOf(HOSPITAL_A, 2), OTHER, "the second");
        vm.assertTrue(third.predecessors().length == 2, "the line");
        vm.expectRevert(abi.encodeWithSelector(ILine.PredecessorMissing.selector, address(0xE0A)));
        new AccessLogSuccessor(members, AccessLog(address(0xE0A)));
    }

    function anchor(AccessLog target, uint64 number, uint64 until, bytes32 root) private {
        vm.prank(OPERATOR_A);
        target.anchor(number, until, root);
    }
}

/// @dev Two members anchor their next windows at either log, each time with a root of its own; what the successor says of a
/// window first is remembered.
contract AccessSuccessorActor is Deployment {
    AccessLog public old;
    AccessLogSuccessor public next;

    mapping(bytes32 member => mapping(uint64 number => bytes32 root)) public first;
    mapping(bytes32 member => uint64) public lastNumber;
    mapping(bytes32 member => uint64) public lastEnd;
    bool public gapOrOverlap;
    bool public lastFell;
    uint256 private _roots;

    /// @dev Once: the fuzzer calls it, too.
    function setUp() public override {
        if (address(next) != address(0)) return;
        super.setUp();
        old = accessLog;
        next = new AccessLogSuccessor(members, old);
    }

    function anchor(bool here, bool atA, uint8 length) external {
        bytes32 member = atA ? HOSPITAL_A : HOSPITAL_B;
        AccessLog log = here ? next : old;
        (uint64 number, uint64 end) = log.lastWindow(member);
        uint64 until = end + 1 + length;
        if (until > block.timestamp) vm.warp(until);
        vm.prank(atA ? OPERATOR_A : OPERATOR_B);
        log.anchor(number + 1, until, keccak256(abi.encode(++_roots)));
        _note(member);
        // What the event of a window here says that it covers begins where the one before it ended.
        (uint64 last, uint64 lastUntil) = next.lastWindow(member);
        if (here && (last != number + 1 || lastUntil != until)) gapOrOverlap = true;
    }

    function rootOf(bytes32 member, uint64 number) external view returns (bytes32) {
        return next.rootOf(member, number);
    }

    function member_(bool a) external pure returns (bytes32) {
        return a ? HOSPITAL_A : HOSPITAL_B;
    }

    function _note(bytes32 member) private {
        (uint64 number, uint64 until) = next.lastWindow(member);
        if (number < lastNumber[member] || until < lastEnd[member]) lastFell = true;
        if (number > lastNumber[member] + 1) gapOrOverlap = true;
        if (first[member][number] == 0) first[member][number] = next.rootOf(member, number);
        (lastNumber[member], lastEnd[member]) = (number, until);
    }
}

contract AccessSuccessorInvariantsTest {
    AccessSuccessorActor private _actor;

    function setUp() public {
        _actor = new AccessSuccessorActor();
        _actor.setUp();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_actor);
    }

    function invariant_windowsOfALineLeaveNoGapAndDoNotOverlap() external view {
        vm.assertTrue(!_actor.gapOrOverlap(), "gap or overlap");
        vm.assertTrue(!_actor.lastFell(), "the last window fell");
    }

    function invariant_aRootOfALineIsNeverReplaced() external view {
        for (uint256 i = 0; i < 2; ++i) {
            bytes32 member = _actor.member_(i == 0);
            for (uint64 number = 1; number <= _actor.lastNumber(member); ++number) {
                vm.assertEq(_actor.rootOf(member, number), _actor.first(member, number), "as it was first");
            }
        }
    }
}
