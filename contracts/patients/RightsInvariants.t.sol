// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Grant, Objection, Renewal, Revocation} from "../consent/ConsentTypes.sol";
import {ConsentState, ConsentWord} from "../consent/ConsentWord.sol";
import {MemberStatus} from "../members/MemberTypes.sol";
import {Acts} from "../test/Acts.t.sol";
import {vm} from "../test/Vm.t.sol";
import {HandleWord, RecoveryState} from "./HandleWord.sol";
import {Delegation} from "./PatientTypes.sol";
import {Rights, SignerKind} from "./Rights.sol";

/// @dev Two keys that recover the handle from each other, a delegate, a stranger, the council and time act in any order.
/// After each step the actor compares what it did with what the words became; the invariants read what it found.
contract RightsActor is Acts {
    uint256 private constant HELPER_KEY = 0x4E19E2;
    uint256 private constant SECOND_KEY = 0x4E3;
    bytes32 private constant GROUP = keccak256("a group");
    uint16 private constant LONGEST = 40;
    uint8 private constant FLAGS = 2 | 8;
    uint64 private constant EVER = type(uint64).max;

    struct Held {
        Grant g;
        uint256 key;
    }

    Held[] private _held;
    Revocation[] private _revocations;
    ConsentWord[3] private _words;
    HandleWord private _handle;

    bool public widenedBySomethingElse;
    bool public widenedByCouncil;
    bool public widenedByRecovery;
    bool public widenedWhileRecovering;
    bool public revivedBySecondRecovery;
    bool public landedAfterLock;
    bool public touchedAboveN;
    bool public leftPermitUpToN;
    bool public replayChanged;
    bool public delegateBeyondBounds;
    bool public delegateAfterEnd;
    bool public strangerDidSomething;
    bool public handleFell;
    bool public vetoTwice;
    bool public renewalChangedTerms;
    uint256 public widenings;

    uint256 private _owner;
    bool private _vetoed;
    bool private _appointed;

    function setUp() public override {
        if (address(consents) != address(0)) return;
        super.setUp();
        _owner = PATIENT_KEY;
    }

    function other() public view returns (uint256) {
        return _owner == PATIENT_KEY ? SECOND_KEY : PATIENT_KEY;
    }

    function ownerIsAlone() external view returns (bool) {
        return patients.isOwner(HANDLE, signerHashOf(_owner)) && !patients.isOwner(HANDLE, signerHashOf(other()))
            && !patients.isOwner(HANDLE, signerHashOf(HELPER_KEY)) && !patients.isOwner(HANDLE, signerHashOf(STRANGER_KEY));
    }

    function delegateIsWhatWasAppointed() external view returns (bool) {
        (Rights rights, , ) = patients.rightsOf(HANDLE, signerHashOf(HELPER_KEY));
        return (rights.kindOf() == SignerKind.Delegate) == _appointed;
    }

    function grant(uint8 who, uint8 index, uint8 flags, uint8 length, bool hold) external {
        _before();
        uint16 today = uint16(block.timestamp / 1 days);
        Grant memory g = nextGrant(HANDLE, slot(index));
        (g.fromDay, g.untilDay, g.flags, g.deadline) = (today, today + length, flags & 11, EVER);
        uint256 key = [_owner, _owner, other(), HELPER_KEY, HELPER_KEY, STRANGER_KEY][who % 6];
        if (hold) _held.push(Held(g, key));
        else _send(g, key);
    }

    function sendHeld(uint256 which) external {
        _before();
        if (_held.length == 0) return;
        Held memory held = _held[which % _held.length];
        if (_send(held.g, held.key) && held.g.epoch != _handle.epochOf()) landedAfterLock = true;
    }

    function renew(uint8 index, uint8 length) external {
        _before();
        ConsentWord word = consents.wordOf(HANDLE, slot(index));
        uint16 today = uint16(block.timestamp / 1 days);
        uint24 version = word.versionOf() + 1;
        Renewal memory r = Renewal(HANDLE, slot(index), TERMS, today + length, version, epochOf(HANDLE), EVER);
        bytes memory signature = sign(_owner, renewalDigest(r));
        try consents.renew(r, new bytes32[](0), signerOf(_owner), signature) {
            ConsentWord after_ = consents.wordOf(HANDLE, slot(index));
            bool same = after_.termsOf() == word.termsOf() && after_.flagsOf() == word.flagsOf();
            if (!same || word.stateOf() != ConsentState.Permit) renewalChangedTerms = true;
            if (_handle.isLocked() || _handle.isRecovering()) widenedWhileRecovering = true;
        } catch {}
    }

    function revoke(uint8 index, uint8 ahead, bool byOther) external {
        _before();
        uint24 version = consents.wordOf(HANDLE, slot(index)).versionOf();
        uint24 upTo = version + (ahead % 4);
        Revocation memory r = Revocation(HANDLE, slot(index), upTo > 1 ? upTo - 1 : upTo);
        uint256 key = byOther ? other() : _owner;
        bytes memory signature = sign(key, revocationDigest(r));
        try consents.revoke(r, signerOf(key), signature) {
            // The second key narrows while its recovery is pending, and at no other time.
            if (byOther && !_handle.isRecovering()) strangerDidSomething = true;
            _revocations.push(r);
            _checkRevoked(r, index);
        } catch {
            if (!byOther) touchedAboveN = true;
        }
        _requireNotWider();
    }

    function object(uint8 index) external {
        _before();
        uint24 version = consents.wordOf(HANDLE, slot(index)).versionOf();
        Objection memory o = Objection(HANDLE, slot(index), TERMS, version);
        consents.object(o, signerOf(_owner), sign(_owner, objectionDigest(o)));
        _requireNotWider();
    }

    function replayRevocation(uint256 which) external {
        if (_revocations.length == 0) return;
        Revocation memory r = _revocations[which % _revocations.length];
        bytes memory signature = sign(_owner, revocationDigest(r));
        consents.revoke(r, signerOf(_owner), signature);
        _before();
        consents.revoke(r, signerOf(_owner), signature);
        if (!_same()) replayChanged = true;
    }

    function lock(bool byOther) external {
        _before();
        uint32 upTo = epochOf(HANDLE);
        uint256 key = byOther ? other() : _owner;
        bytes memory signature = sign(key, lockDigest(HANDLE, upTo));
        try patients.lock(HANDLE, upTo, signerOf(key), signature) {
            if (byOther && !_handle.isRecovering()) strangerDidSomething = true;
            HandleWord locked = wordOf(HANDLE);
            patients.lock(HANDLE, upTo, signerOf(key), signature);
            if (HandleWord.unwrap(wordOf(HANDLE)) != HandleWord.unwrap(locked)) replayChanged = true;
        } catch {}
        _requireNotWider();
    }

    function unlock() external {
        _before();
        uint32 epoch = epochOf(HANDLE);
        bytes memory signature = sign(_owner, unlockDigest(HANDLE, epoch, EVER));
        try patients.unlock(HANDLE, epoch, EVER, signerOf(_owner), signature) {
            if (_handle.isRecovering()) widenedWhileRecovering = true;
        } catch {}
        _requireNotWider();
    }

    function appoint(bool byDelegate) external {
        _before();
        (, , HandleWord word) = patients.rightsOf(HANDLE, signerHashOf(HELPER_KEY));
        Delegation memory d = nextDelegation(HELPER_KEY);
        (d.bounds.flags, d.bounds.longestDays, d.deadline) = (FLAGS, LONGEST, EVER);
        d.bounds.untilDay = uint16(block.timestamp / 1 days) + 3;
        d.version = _delegation + 1;
        uint256 key = byDelegate ? HELPER_KEY : _owner;
        bytes memory signature = sign(key, delegationDigest(d));
        try patients.appoint(d, signerOf(key), signature) {
            if (byDelegate) strangerDidSomething = true;
            if (word.isLocked() || word.isRecovering()) widenedWhileRecovering = true;
            (_appointed, _delegation, _delegateUntil) = (true, d.version, d.bounds.untilDay);
        } catch {}
        _requireNotWider();
    }

    uint24 private _delegation;
    uint16 private _delegateUntil;

    function endDelegate() external {
        _before();
        bytes32 hash = signerHashOf(HELPER_KEY);
        bytes memory signature = sign(_owner, delegationEndDigest(HANDLE, hash, _delegation));
        patients.endDelegation(HANDLE, hash, _delegation, signerOf(_owner), signature);
        (_appointed, _delegation) = (false, _delegation + 1);
        _requireNotWider();
    }

    function recover(uint8 step) external {
        _before();
        step %= 4;
        uint32 attempt = patients.recoveryOf(HANDLE).attempt;
        bool[3] memory suspended = _suspended();
        if (step == 0) _tryStart(attempt + 1);
        if (step == 1) _tryVeto(attempt);
        if (step == 2) {
            vm.warp(block.timestamp + 7 days);
            try patients.completeRecovery(HANDLE) {
                (_owner, _vetoed, _appointed) = (other(), false, false);
            } catch {}
        }
        if (step == 3) {
            vm.prank(OPERATOR_A);
            try patients.cancelRecovery(HANDLE) {} catch {}
        }
        if (!_same()) widenedByRecovery = true;
        bool[3] memory now_ = _suspended();
        for (uint256 i = 0; i < 3; ++i) if (suspended[i] && !now_[i]) revivedBySecondRecovery = true;
    }

    /// @dev A whole recovery at once, so that several follow each other in one run.
    function takeOver() external {
        _before();
        bool[3] memory suspended = _suspended();
        _tryStart(patients.recoveryOf(HANDLE).attempt + 1);
        vm.warp(block.timestamp + 7 days);
        try patients.completeRecovery(HANDLE) {
            (_owner, _vetoed, _appointed) = (other(), false, false);
        } catch {}
        if (!_same()) widenedByRecovery = true;
        bool[3] memory now_ = _suspended();
        for (uint256 i = 0; i < 3; ++i) if (suspended[i] && !now_[i]) revivedBySecondRecovery = true;
    }

    function govern(uint8 step) external {
        _before();
        MemberStatus status = members.memberState(HOSPITAL_B).status;
        step %= 4;
        if (step == 0 && status == MemberStatus.Live) members.suspend(HOSPITAL_B);
        if (step == 1 && status == MemberStatus.Suspended) members.reinstate(HOSPITAL_B);
        if (step == 2) {
            if (status == MemberStatus.Removed) members.admit(HOSPITAL_B, 63, OPERATOR_B, "{}");
            else members.remove(HOSPITAL_B);
        }
        if (step == 3 && status == MemberStatus.Live) {
            if (members.joinedAt(GROUP, HOSPITAL_B) == 0) members.joinGroup(GROUP, HOSPITAL_B);
            else members.leaveGroup(GROUP, HOSPITAL_B);
        }
        bool handleSame = HandleWord.unwrap(wordOf(HANDLE)) == HandleWord.unwrap(_handle);
        if (!_same() || !handleSame) widenedByCouncil = true;
    }

    function wait(uint32 time) external {
        _before();
        vm.warp(block.timestamp + (time % 40 days));
        _requireNotWider();
    }

    function slot(uint8 index) private pure returns (bytes32) {
        return keccak256(abi.encode("slot", index % 3));
    }

    function _send(Grant memory g, uint256 key) private returns (bool landed) {
        bytes memory signature = sign(key, grantDigest(g));
        try consents.grant(g, signerOf(key), signature) {
            landed = true;
            ++widenings;
            if (_handle.isLocked() || _handle.isRecovering()) widenedWhileRecovering = true;
            if (key == HELPER_KEY) _checkDelegate(g);
            else if (key != _owner) strangerDidSomething = true;
        } catch {}
    }

    function _checkDelegate(Grant memory g) private {
        uint256 today = block.timestamp / 1 days;
        if (!_appointed || today > _delegateUntil) delegateAfterEnd = true;
        if (g.untilDay > today + LONGEST || g.flags & ~FLAGS != 0) delegateBeyondBounds = true;
    }

    function _checkRevoked(Revocation memory r, uint8 index) private {
        ConsentWord before_ = _words[index % 3];
        ConsentWord after_ = consents.wordOf(HANDLE, r.scope);
        bool above = before_.versionOf() > r.upToVersion;
        if (above && ConsentWord.unwrap(before_) != ConsentWord.unwrap(after_)) touchedAboveN = true;
        bool permits = after_.stateOf() == ConsentState.Permit;
        if (permits && after_.versionOf() <= r.upToVersion) leftPermitUpToN = true;
    }

    function _tryStart(uint32 attempt) private {
        bytes memory signature = sign(other(), recoveryDigest(HANDLE, attempt, 0, EVER));
        bytes memory signer = signerOf(other());
        if (!_vetoed) {
            vm.prank(OPERATOR_A);
            try patients.startRecovery(HANDLE, 0, EVER, signer, signature) {} catch {}
            return;
        }
        vm.prank(OPERATOR_A);
        try patients.overrideVeto(HANDLE, 0, EVER, signer, signature) {} catch {}
        address second = address(0xA22);
        if (members.memberOf(second) == 0) {
            vm.prank(OPERATOR_A);
            members.setOperator(second, true);
        }
        vm.prank(second);
        try patients.overrideVeto(HANDLE, 0, EVER, signer, signature) {} catch {}
    }

    function _tryVeto(uint32 attempt) private {
        bytes memory signature = sign(_owner, vetoDigest(HANDLE, attempt));
        try patients.vetoRecovery(HANDLE, attempt, signerOf(_owner), signature) {
            if (_vetoed) vetoTwice = true;
            _vetoed = true;
        } catch {}
    }

    function _before() private {
        HandleWord now_ = wordOf(HANDLE);
        bool fell = now_.epochOf() < _handle.epochOf() || now_.generationOf() < _handle.generationOf()
            || now_.recoveredAtOf() < _handle.recoveredAtOf();
        if (fell) handleFell = true;
        _handle = now_;
        for (uint8 i = 0; i < 3; ++i) _words[i] = consents.wordOf(HANDLE, slot(i));
    }

    function _same() private view returns (bool) {
        for (uint8 i = 0; i < 3; ++i) {
            if (ConsentWord.unwrap(_words[i]) != ConsentWord.unwrap(consents.wordOf(HANDLE, slot(i)))) return false;
        }
        return true;
    }

    /// @dev No slot permits that did not, and none has lost its objection.
    function _requireNotWider() private {
        for (uint8 i = 0; i < 3; ++i) {
            ConsentState was = _words[i].stateOf();
            ConsentWord word = consents.wordOf(HANDLE, slot(i));
            bool changed = ConsentWord.unwrap(word) != ConsentWord.unwrap(_words[i]);
            if (changed && word.stateOf() == ConsentState.Permit) widenedBySomethingElse = true;
            if (was == ConsentState.Objection && word.stateOf() != was) widenedBySomethingElse = true;
        }
    }

    function _suspended() private view returns (bool[3] memory list) {
        for (uint8 i = 0; i < 3; ++i) {
            ConsentWord word = consents.wordOf(HANDLE, slot(i));
            bool permits = word.stateOf() == ConsentState.Permit;
            list[i] = permits && wordOf(HANDLE).suspends(word.minedAtOf());
        }
    }
}

contract RightsInvariantsTest {
    RightsActor internal _actor;

    function setUp() public {
        _actor = createActor();
        _actor.setUp();
    }

    function createActor() internal virtual returns (RightsActor) {
        return new RightsActor();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_actor);
    }

    function invariant_noWordPermitsMoreWithoutAWideningSignature() external view {
        vm.assertTrue(!_actor.widenedBySomethingElse(), "something else widened");
    }

    function invariant_theCouncilAndMembershipWidenNothing() external view {
        vm.assertTrue(!_actor.widenedByCouncil(), "the council widened");
    }

    function invariant_aRecoveryAloneWidensNothing() external view {
        vm.assertTrue(!_actor.widenedByRecovery(), "a recovery changed a word");
    }

    function invariant_whatARecoverySuspendsOnlyASignatureConfirms() external view {
        vm.assertTrue(!_actor.revivedBySecondRecovery(), "a suspended permit revived");
    }

    function invariant_whileRecoveringOrLockedNobodyWidens() external view {
        vm.assertTrue(!_actor.widenedWhileRecovering(), "widened");
    }

    function invariant_aLockVoidsEveryGrantNotYetMined() external view {
        vm.assertTrue(!_actor.landedAfterLock(), "an older epoch's grant landed");
    }

    function invariant_aRevocationTouchesNothingAboveItsVersion() external view {
        vm.assertTrue(!_actor.touchedAboveN(), "touched, or did not land");
    }

    function invariant_aRevocationLeavesNoPermitUpToItsVersion() external view {
        vm.assertTrue(!_actor.leftPermitUpToN(), "a permit is left");
    }

    function invariant_aReplayedRevocationOrLockChangesNothing() external view {
        vm.assertTrue(!_actor.replayChanged(), "a replay changed something");
    }

    function invariant_aDelegateStaysWithinItsBounds() external view {
        vm.assertTrue(!_actor.delegateBeyondBounds(), "beyond its bounds");
    }

    function invariant_aDelegateThatEndedDoesNothing() external view {
        vm.assertTrue(!_actor.delegateAfterEnd(), "after its end");
        vm.assertTrue(_actor.delegateIsWhatWasAppointed(), "rights");
    }

    function invariant_whoHasNoRightsDoesNothing() external view {
        vm.assertTrue(!_actor.strangerDidSomething(), "a stranger acted");
    }

    function invariant_thereIsOneOwner() external view {
        vm.assertTrue(_actor.ownerIsAlone(), "owners");
    }

    function invariant_epochAndGenerationOnlyRise() external view {
        vm.assertTrue(!_actor.handleFell(), "fell");
    }

    function invariant_theOldKeyVetoesOnce() external view {
        vm.assertTrue(!_actor.vetoTwice(), "vetoed twice");
    }

    function invariant_aRenewalKeepsTermsAndFlags() external view {
        vm.assertTrue(!_actor.renewalChangedTerms(), "terms or flags changed");
    }
}
