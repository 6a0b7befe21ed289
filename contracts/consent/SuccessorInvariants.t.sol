// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Acts} from "../test/Acts.t.sol";
import {vm} from "../test/Vm.t.sol";
import {ConsentRegistry} from "./ConsentRegistry.sol";
import {ConsentSuccessor} from "./ConsentSuccessor.sol";
import {Grant, Objection, Revocation, Withdrawal} from "./ConsentTypes.sol";
import {ConsentState, ConsentWord} from "./ConsentWord.sol";

/// @dev Signs for a contract and for its successor, sends to either, old acts again and for the wrong one, and adopts at
/// any time. Compares the successor before and after each step with what was signed.
contract SuccessorActor is Acts {
    ConsentRegistry public old;
    ConsentSuccessor public next;

    Grant[] private _grants;
    bool[] private _grantsForOld;
    Revocation[] private _revocations;
    bool[] private _revocationsForOld;

    /// @dev What the patient signed as grants, for either contract.
    mapping(bytes32 scope => mapping(uint24 version => mapping(uint160 terms => bool))) public signed;
    /// @dev Everything of a slot of the successor up to here, inclusive, was ended by an act sent to the successor.
    mapping(bytes32 scope => uint24) public endedUpTo;
    mapping(bytes32 scope => bool) public ended;

    bool public versionFell;
    bool public adoptingWidened;
    bool public adoptingTwiceDiffered;
    bool public foreignWidened;
    bool public predecessorWidened;

    function setUp() public override {
        if (address(next) != address(0)) return;
        super.setUp();
        old = consents;
        next = new ConsentSuccessor(members, patients, old);
    }

    function slot(uint256 index) public pure returns (bytes32) {
        return keccak256(abi.encode("slot", index % 3));
    }

    function grant(uint256 index, uint256 salt, bool forOld) external {
        consents = forOld ? old : next;
        Grant memory g = nextGrant(HANDLE, slot(index));
        g.deadline = type(uint64).max;
        g.terms = keccak256(abi.encode(salt));
        signed[g.scope][g.version][uint160(uint256(g.terms))] = true;
        _grants.push(g);
        _grantsForOld.push(forOld);
        if (salt % 3 != 0) _send(_grants.length - 1, forOld);
    }

    /// @dev An earlier one once more, to the contract that it was signed for or to the other.
    function replayGrant(uint256 which, bool toOld) external {
        if (_grants.length != 0) _send(which % _grants.length, toOld);
    }

    function revoke(uint256 index, uint8 ahead, bool forOld, bool toOld) external {
        consents = forOld ? old : next;
        bytes32 scope = slot(index);
        _revocations.push(Revocation(HANDLE, scope, consents.wordOf(HANDLE, scope).versionOf() + (ahead % 3)));
        _revocationsForOld.push(forOld);
        _revoke(_revocations.length - 1, toOld);
    }

    function replayRevocation(uint256 which, bool toOld) external {
        if (_revocations.length != 0) _revoke(which % _revocations.length, toOld);
    }

    function object(uint256 index, bool forOld, bool toOld) external {
        consents = forOld ? old : next;
        Objection memory o = Objection(HANDLE, slot(index), TERMS, consents.wordOf(HANDLE, slot(index)).versionOf());
        bytes memory signature = sign(PATIENT_KEY, objectionDigest(o));
        uint24 before = _version(o.scope);
        try (toOld ? old : next).object(o, signerOf(PATIENT_KEY), signature) {} catch {}
        if (!toOld) _noteEnd(o.scope, before, o.upToVersion);
        _noteVersion(o.scope, before);
    }

    function withdraw(uint256 index, bool forOld) external {
        consents = forOld ? old : next;
        Withdrawal memory w = nextWithdrawal(HANDLE, slot(index));
        bytes memory signature = sign(PATIENT_KEY, withdrawalDigest(w));
        uint24 before = _version(w.scope);
        try consents.withdrawObjection(w, signerOf(PATIENT_KEY), signature) {} catch {}
        _noteVersion(w.scope, before);
    }

    function adopt(uint256 index) external {
        bytes32 scope = slot(index);
        ConsentWord own = next.ownWordOf(HANDLE, scope);
        ConsentWord before = next.wordOf(HANDLE, scope);
        _adopt(scope);
        ConsentWord afterwards = next.wordOf(HANDLE, scope);
        bool same = ConsentWord.unwrap(afterwards) == ConsentWord.unwrap(before);
        // A slot that nobody had written said the same already; one that was written only narrows.
        if (ConsentWord.unwrap(own) == 0) adoptingWidened = adoptingWidened || !same;
        else if (!same) _noteNarrowing(before, afterwards);
        _noteVersion(scope, before.versionOf());
        _adopt(scope);
        if (ConsentWord.unwrap(next.wordOf(HANDLE, scope)) != ConsentWord.unwrap(afterwards)) {
            adoptingTwiceDiffered = true;
        }
    }

    function _adopt(bytes32 scope) private {
        bytes32[] memory scopes = new bytes32[](1);
        scopes[0] = scope;
        next.adopt(HANDLE, scopes);
    }

    function _noteNarrowing(ConsentWord before, ConsentWord afterwards) private {
        bool permits = afterwards.stateOf() == ConsentState.Permit;
        bool ended_ = before.stateOf() == ConsentState.Objection && afterwards.stateOf() != ConsentState.Objection;
        if (permits || ended_) adoptingWidened = true;
    }

    function _send(uint256 which, bool toOld) private {
        Grant memory g = _grants[which];
        consents = _grantsForOld[which] ? old : next;
        bytes memory signature = sign(PATIENT_KEY, grantDigest(g));
        uint24 before = _version(g.scope);
        ConsentWord own = next.ownWordOf(HANDLE, g.scope);
        try (toOld ? old : next).grant(g, signerOf(PATIENT_KEY), signature) {
            if (_grantsForOld[which] != toOld) foreignWidened = true;
        } catch {}
        if (toOld && ConsentWord.unwrap(own) != 0) {
            // What was written at the successor is out of the predecessor's reach.
            bool same = ConsentWord.unwrap(next.wordOf(HANDLE, g.scope)) == ConsentWord.unwrap(own);
            if (!same) predecessorWidened = true;
        }
        _noteVersion(g.scope, before);
    }

    /// @dev To the predecessor only what was signed for it lands; to the successor, either: never in `try`.
    function _revoke(uint256 which, bool toOld) private {
        Revocation memory r = _revocations[which];
        bool forOld = _revocationsForOld[which];
        consents = forOld ? old : next;
        bytes memory signature = sign(PATIENT_KEY, revocationDigest(r));
        uint24 before = _version(r.scope);
        if (toOld) {
            try old.revoke(r, signerOf(PATIENT_KEY), signature) {
                if (!forOld) foreignWidened = true;
            } catch {}
        } else {
            next.revoke(r, signerOf(PATIENT_KEY), signature);
            _noteEnd(r.scope, before, r.upToVersion);
        }
        _noteVersion(r.scope, before);
    }

    function _version(bytes32 scope) private view returns (uint24) {
        return next.wordOf(HANDLE, scope).versionOf();
    }

    function _noteVersion(bytes32 scope, uint24 before) private {
        if (_version(scope) < before) versionFell = true;
    }

    function _noteEnd(bytes32 scope, uint24 before, uint24 upTo) private {
        if (upTo >= before && (!ended[scope] || upTo > endedUpTo[scope])) {
            endedUpTo[scope] = upTo;
            ended[scope] = true;
        }
    }
}

contract SuccessorInvariantsTest {
    SuccessorActor private _actor;

    function setUp() public {
        _actor = new SuccessorActor();
        _actor.setUp();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_actor);
    }

    function invariant_aSuccessorWidensNothing() external view {
        vm.assertTrue(!_actor.adoptingWidened(), "adopting widened");
        vm.assertTrue(!_actor.foreignWidened(), "signed for another contract");
        vm.assertTrue(!_actor.predecessorWidened(), "the predecessor changed what is the successor's");
        for (uint256 i = 0; i < 3; ++i) {
            bytes32 scope = _actor.slot(i);
            ConsentWord word = _actor.next().wordOf(keccak256("a handle"), scope);
            if (word.stateOf() == ConsentState.Permit) {
                vm.assertTrue(_actor.signed(scope, word.versionOf(), word.termsOf()), "terms that nobody signed");
            }
        }
    }

    function invariant_adoptingTwiceChangesNothing() external view {
        vm.assertTrue(!_actor.adoptingTwiceDiffered(), "differs");
    }

    function invariant_aRevocationForEitherLeavesNoPermitUpToItsVersion() external view {
        for (uint256 i = 0; i < 3; ++i) {
            bytes32 scope = _actor.slot(i);
            ConsentWord word = _actor.next().wordOf(keccak256("a handle"), scope);
            if (word.stateOf() == ConsentState.Permit && _actor.ended(scope)) {
                vm.assertTrue(word.versionOf() > _actor.endedUpTo(scope), "a revoked version permits");
            }
        }
    }

    function invariant_versionsAtTheSuccessorOnlyRise() external view {
        vm.assertTrue(!_actor.versionFell(), "a version fell");
    }
}
